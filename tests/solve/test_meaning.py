"""The meaning of every policy as a linear program, kept as text: `tests/golden/*.lp`."""

import os
from pathlib import Path

import pytest

from policies.budget import Budget
from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.load_balancing import LoadBalancing
from policies.reserve import Reserve
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.spot_risk import Caps, SpotRisk
from policies.spread import Spread as SpreadPolicy
from policies.stability import Stability
from scheduler.app.tables import POLICY_TYPES
from scheduler.domain.names import DataClass, DatasetName, Region
from scheduler.domain.places import Contract
from scheduler.domain.workloads import Priority, Spread
from scheduler.model.policy import Policy
from scheduler.solve.export import lp_text, tier_held
from tests.model.worlds import (
    a_dataset,
    a_demand,
    a_fleet,
    a_job,
    a_link,
    a_pool,
    a_service,
    a_snapshot,
)
from tests.solve.questions import ask

FOLDER = Path(__file__).parent.parent / "golden"
REWRITE = "TIDEGATE_REWRITE_GOLDEN"
"""Set to anything, the files are written anew instead of compared. Read the diff."""

FLEET = a_fleet(
    a_pool("dc-a", min_nodes=1, max_nodes=2, contract=Contract.OWNED),
    a_pool(
        "cloud-a",
        "cloud",
        max_nodes=3,
        usd_per_node_hour=0.8,
        contract=Contract.SPOT,
        interruptions_per_hour=0.1,
    ),
    a_service(
        "chat",
        priority=Priority.CRITICAL,
        min_replicas=1,
        users=Region("users"),
        traffic_kb=50.0,
        image_gb=4.0,
    ),
    a_service("search", data_class=DataClass("private")),
    a_job("spread", workers=2, spread=Spread.CLUSTER),
    a_job("train", datasets=(DatasetName("clicks"),)),
    a_dataset("clicks", 100.0, "dc"),
    a_link("dc", "cloud", (50.0, 0.0), (float("inf"), 0.05)),
    a_link("users", "cloud", (float("inf"), 0.02), rtt_s=0.005),
)

POLICIES: dict[str, tuple[Policy, ...]] = {
    "physics": (),
    "response-time": (ResponseTime(),),
    "load-balancing": (LoadBalancing(),),
    "cost": (Cost(),),
    "residency": (Residency(),),
    "data-gravity": (DataGravity(),),
    "stability": (Stability(),),
    "reserve": (Reserve(),),
    "spread": (SpreadPolicy(without_zone=0.4, without_pool=0.5),),
    "spot-risk": (SpotRisk(share_per_zone=0.3, survive=0.7),),
    "spot-risk-mend": (SpotRisk(caps=Caps.MEND),),
    "budget": (Budget(usd_per_hour=1.5),),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_means_what_it_meant(name: str) -> None:
    snapshot = a_snapshot(
        FLEET,
        nodes={"dc-a": 1, "cloud-a": 2},
        pods={("chat", "dc-a"): 2, ("chat", "cloud-a"): 1, ("train", "cloud-a"): 4},
    )
    demand = a_demand(FLEET, {"chat": 300.0, "search": 90.0})
    problem, _ = ask(snapshot, demand, POLICIES[name])
    written, kept = lp_text(tier_held(problem, 0.0)), FOLDER / f"{name}.lp"
    if os.environ.get(REWRITE):
        kept.write_text(written, encoding="utf-8")
    assert kept.exists(), f"no golden {kept.name}: set {REWRITE}=1 once, and read what is written"
    assert written == kept.read_text(encoding="utf-8"), (
        f"the model of {name} differs: if it should, set {REWRITE}=1 and read the diff"
    )


def test_every_policy_that_comes_with_the_program_is_pinned() -> None:
    assert set(POLICY_TYPES) <= set(POLICIES)
