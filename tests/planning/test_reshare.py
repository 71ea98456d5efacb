"""Between two whole plans the traffic alone follows the load of now."""

from dataclasses import replace

from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.response_time import ResponseTime
from policies.stability import Stability
from scheduler.domain.actions import Shift
from scheduler.domain.names import Region
from scheduler.domain.places import Link, PriceTier
from scheduler.domain.plan import Plan
from scheduler.model.policy import Policy
from scheduler.planning.after import world_after
from scheduler.planning.diff import diff
from scheduler.planning.reshare import reshare
from tests.model.worlds import EXACT, PLANNED, a_demand, a_fleet, a_pool, a_service, a_snapshot

POLICIES: tuple[Policy, ...] = (Cost(), DataGravity(), ResponseTime(), Stability())
USERS = Region("users")


def a_link(target: str, usd_per_gb: float) -> Link:
    tiers = (PriceTier(up_to_gb=float("inf"), usd_per_gb=usd_per_gb),)
    return Link(source=USERS, target=target, tiers=tiers, gbit_per_s=5.0, rtt_s=0.0)


FLEET = a_fleet(
    a_pool("dc-a"),
    a_pool("cloud-a", "cloud"),
    a_service(users=USERS, traffic_kb=100.0),
    a_link("dc", 0.01),
    a_link("cloud", 0.09),
)
RUNNING = a_snapshot(
    FLEET,
    nodes={"dc-a": 1, "cloud-a": 1},
    pods={("search", "dc-a"): 4, ("search", "cloud-a"): 4},
)


def split(plan: Plan | None) -> dict[str, float]:
    assert plan is not None
    return {str(line.pool): round(line.share_after, 3) for line in plan.placements}


def test_bytes_go_where_they_are_cheap_as_far_as_the_replicas_there_carry_them() -> None:
    little = reshare(RUNNING, a_demand(FLEET, {"search": 3 * PLANNED}), POLICIES, EXACT)
    much = reshare(RUNNING, a_demand(FLEET, {"search": 8 * PLANNED}), POLICIES, EXACT)
    assert split(little) == {"dc-a": 1.0, "cloud-a": 0.0}
    assert split(much) == {"dc-a": 0.5, "cloud-a": 0.5}


def test_nothing_but_traffic_moves_and_then_nothing() -> None:
    plan = reshare(RUNNING, a_demand(FLEET, {"search": 3 * PLANNED}), POLICIES, EXACT)
    assert plan is not None
    actions = diff(plan, RUNNING)
    assert actions
    assert all(isinstance(action, Shift) for action in actions)
    assert diff(plan, world_after(plan, RUNNING)) == ()


def test_it_is_the_load_of_now_that_counts_not_the_one_to_come() -> None:
    demand = a_demand(FLEET, {"search": 8 * PLANNED})
    quiet = {name: replace(need, now_rps=2 * PLANNED) for name, need in demand.services.items()}
    plan = reshare(RUNNING, replace(demand, services=quiet), POLICIES, EXACT)
    assert split(plan) == {"dc-a": 1.0, "cloud-a": 0.0}


def test_pods_without_room_take_a_whole_plan() -> None:
    crowded = a_snapshot(FLEET, nodes={"dc-a": 1}, pods={("search", "dc-a"): 9})
    assert reshare(crowded, a_demand(FLEET, {"search": PLANNED}), POLICIES, EXACT) is None
