"""The language of what-if: what can be supposed, and every fault at once with what was meant."""

from dataclasses import replace

import pytest

from scheduler.app.what_if_language import FIELDS, Known, WhatIfError, read_what_if
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.planning.suppositions import (
    Amount,
    BudgetCap,
    ClusterLost,
    JobDeadline,
    JobSuspended,
    PoolMax,
    PoolPrice,
    PoolSoldOut,
    Relation,
    ServiceLoad,
    ServiceObjective,
    Supposition,
)
from tests.model.worlds import NOW, a_fleet, a_job, a_pool, a_service

FLEET = a_fleet(
    a_pool("aws-a100", "cloud"),
    a_pool("aws-a10.spot", "cloud"),
    a_pool("dc-a"),
    a_service("search"),
    a_service("ads"),
    a_job("nightly", deadline=Instant(NOW)),
    a_job("weekly"),
)
KNOWN = Known(fleet=FLEET, has_budget=True)
IS, TIMES, PLUS = Relation.IS, Relation.TIMES, Relation.PLUS
A100, SPOT = PoolName("aws-a100"), PoolName("aws-a10.spot")
SEARCH, ADS = WorkloadName("search"), WorkloadName("ads")
NIGHTLY, WEEKLY = WorkloadName("nightly"), WorkloadName("weekly")

READ: dict[str, Supposition] = {
    "pools.aws-a100.price=1.2x": PoolPrice((A100,), Amount(TIMES, 1.2)),
    "pools.aws-a100.price=3.50": PoolPrice((A100,), Amount(IS, 3.5)),
    "pools.aws-a100.price=3.50 USD/h": PoolPrice((A100,), Amount(IS, 3.5)),
    "pools.aws-a100.price=-0.41": PoolPrice((A100,), Amount(PLUS, -0.41)),
    "pools.aws-a100.price=+20%": PoolPrice((A100,), Amount(TIMES, 1.2)),
    "pools.aws-*.price=-20%": PoolPrice((SPOT, A100), Amount(TIMES, 0.8)),
    "pools.aws-a10.spot.price=0": PoolPrice((SPOT,), Amount(IS, 0.0)),
    "pools.dc-a.max=10": PoolMax((PoolName("dc-a"),), Amount(IS, 10.0)),
    "pools.dc-a.max=+4": PoolMax((PoolName("dc-a"),), Amount(PLUS, 4.0)),
    "pools.dc-a.max=0": PoolMax((PoolName("dc-a"),), Amount(IS, 0.0)),
    "pools.aws-a100.soldOut=true": PoolSoldOut((A100,), True),
    "pools.aws-a100.soldOut=false": PoolSoldOut((A100,), False),
    "clusters.dc.lost=true": ClusterLost((ClusterName("dc"),)),
    "services.search.load=2x": ServiceLoad((SEARCH,), Amount(TIMES, 2.0)),
    "services.search.load=1500": ServiceLoad((SEARCH,), Amount(IS, 1500.0)),
    "services.search.load=90/min": ServiceLoad((SEARCH,), Amount(IS, 1.5)),
    "services.*.load=2x": ServiceLoad((ADS, SEARCH), Amount(TIMES, 2.0)),
    "services.search.objective=80ms": ServiceObjective((SEARCH,), Amount(IS, 0.08)),
    "services.search.objective=-20ms": ServiceObjective((SEARCH,), Amount(PLUS, -0.02)),
    "jobs.weekly.deadline=2026-11-11T09:00:00Z": JobDeadline(
        (WEEKLY,), at=Instant(1_794_387_600.0)
    ),
    "jobs.nightly.deadline=+4h": JobDeadline((NIGHTLY,), later_s=14_400.0),
    "jobs.nightly.deadline=none": JobDeadline((NIGHTLY,)),
    "jobs.*.suspended=true": JobSuspended((NIGHTLY, WEEKLY), True),
    "budget=500": BudgetCap(Amount(IS, 500.0)),
    "budget=1.2x": BudgetCap(Amount(TIMES, 1.2)),
    "budget=none": BudgetCap(None),
    "  budget = 500 USD/h ": BudgetCap(Amount(IS, 500.0)),
}

WRONG = {
    "pools.aws-a10.price=1x": "unknown pool aws-a10, did you mean aws-a100?",
    "pools.aws-a100.prize=1x": "unknown prize: of pools there can be supposed price, max, soldOut, "
    "did you mean price?",
    "pools.search.price=1x": "search is no pool: write services.search",
    "pool.aws-a100.price=1x": "unknown pool: there are pools, clusters, services, jobs and budget, "
    "did you mean pools?",
    "budgets=5": "unknown budgets: there are pools, clusters, services, jobs and budget, "
    "did you mean budget?",
    "pools.price=1x": "must read pools.NAME.price=VALUE",
    "pools.gcp-*.price=1x": "no pool is called gcp-*",
    "pools.a[bw]s.price=1x": "unknown pool a[bw]s",
    "pools.aws-a100.price=cheap": "must be such as 3.50 (USD/h), 1.2x, +20% or -0.5 (got cheap)",
    "pools.aws-a100.price=3 EUR/h": "must be such as 3.50 (USD/h), 1.2x, +20% or -0.5 "
    "(got 3 EUR/h)",
    "pools.aws-a100.price=": "must be such as 3.50 (USD/h), 1.2x, +20% or -0.5 (got an empty text)",
    "pools.aws-a100.price=nan": "must be such as 3.50 (USD/h), 1.2x, +20% or -0.5 (got nan)",
    "pools.dc-a.max=2.5": "must be such as 10, +4, -2 or 2x (got 2.5)",
    "pools.dc-a.soldOut=yes": "must be true or false (got yes)",
    "clusters.dc.lost=false": "only lost=true can be supposed (got false)",
    "services.search.load=lots": "must be such as 1500 (/s), 2x, +20% or +300 (got lots)",
    "services.search.load=-1x": "must be such as 1500 (/s), 2x, +20% or +300 (got -1x)",
    "services.search.objective=80": "must be such as 80ms, 0.5x or +20ms (got 80)",
    "services.search.objective=-60ms": "leaves search no time to answer",
    "services.nightly.load=2x": "nightly is no service: write jobs.nightly",
    "jobs.weekly.deadline=+4h": "weekly has no deadline to move: give an instant",
    "jobs.weekly.deadline=soon": "must be such as 2026-11-11T09:00:00Z, +4h or none (got soon)",
    "jobs.weekly.suspended=1": "must be true or false (got 1)",
    "budget=much": "must be such as 500 (USD/h), 1.2x, +50 or none (got much)",
    "nonsense": "must read WHAT=VALUE, such as pools.NAME.price=1.2x, services.*.load=2x or "
    "budget=500",
    "=5": "must read WHAT=VALUE, such as pools.NAME.price=1.2x, services.*.load=2x or budget=500",
}


@pytest.mark.parametrize("text", READ)
def test_what_can_be_supposed(text: str) -> None:
    (found,) = read_what_if([text], KNOWN)
    assert found == READ[text]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_with_what_was_meant(text: str) -> None:
    with pytest.raises(WhatIfError) as caught:
        read_what_if([text], KNOWN)
    assert caught.value.faults == (f"{text}: {WRONG[text]}",)


def test_every_fault_of_every_supposition_is_told_at_once() -> None:
    with pytest.raises(WhatIfError) as caught:
        read_what_if(["pools.aws-a10.price=cheap", "budget=500", "pools.x.y=1"], KNOWN)
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [
        "pools.aws-a10.price=cheap",
        "pools.aws-a10.price=cheap",
        "pools.x.y=1",
        "pools.x.y=1",
    ]


def test_the_same_thing_is_supposed_once() -> None:
    with pytest.raises(WhatIfError, match=r"services\.search\.load is supposed twice"):
        read_what_if(["services.search.load=2x", "services.search.load=3x"], KNOWN)
    assert len(read_what_if(["services.*.load=2x", "services.search.load=3x"], KNOWN)) == 2


@pytest.mark.parametrize("text", ["budget=1.2x", "budget=+5", "budget=none"])
def test_a_budget_that_is_not_there_cannot_be_changed(text: str) -> None:
    with pytest.raises(WhatIfError, match="no budget is in force"):
        read_what_if([text], replace(KNOWN, has_budget=False))


def test_an_empty_fleet_knows_no_names() -> None:
    with pytest.raises(WhatIfError, match="no service is called"):
        read_what_if(["services.*.load=2x"], Known(fleet=a_fleet(), has_budget=False))


def test_every_field_is_among_those_that_are_tried_here() -> None:
    tried = {text.partition("=")[0].strip() for text in READ}
    for kind, fields in FIELDS.items():
        for field in fields:
            assert any(one.startswith(kind) and one.endswith(field) for one in tried), field
