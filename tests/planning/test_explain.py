"""Explain: why here, why not there, and at which price it would be otherwise."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budget import Budget
from policies.cost import Cost
from policies.load_balancing import LoadBalancing
from policies.residency import Residency
from policies.response_time import ResponseTime
from scheduler.domain.explanation import Explanation, OptionLine, SubjectKind, Verdict
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import DataClass
from scheduler.domain.places import Resources
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from scheduler.planning.explain import UnknownSubjectError, explain
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import (
    EXACT,
    HABIT,
    MUST_RUN,
    NOT_WANTED,
    a_demand,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    a_snapshot,
    nodes_of,
    pods_of,
)

TRIO: tuple[Policy, ...] = (Residency(), Cost(), ResponseTime())
RPS = {"search": 100.0}
FLEET = a_fleet(
    a_pool("cloud-a", "cloud", usd_per_node_hour=1.5),
    a_pool("cloud-b", "cloud", gpu_type="T4"),
    a_pool("dc-a", usd_per_node_hour=1.0),
    a_pool("dc-b", usd_per_node_hour=1.2),
    a_service(),
)


def asked(
    subject: str = "search",
    fleet: Fleet = FLEET,
    rps: dict[str, float] | None = None,
    *policies: Policy,
    **world: Any,
) -> Explanation:
    demand = a_demand(fleet, RPS if rps is None else rps)
    return explain(a_snapshot(fleet, **world), demand, policies or TRIO, EXACT, subject)


def option(found: Explanation, pool: str) -> OptionLine:
    return next(line for line in found.options if line.pool == pool)


def test_every_pool_has_one_line_with_its_verdict() -> None:
    verdicts = {line.pool: line.verdict for line in asked().options}
    assert verdicts == {
        "cloud-a": Verdict.POSSIBLE,
        "cloud-b": Verdict.EXCLUDED,
        "dc-a": Verdict.CHOSEN,
        "dc-b": Verdict.POSSIBLE,
    }


def test_the_headline_says_where_it_runs_and_for_what() -> None:
    found = asked()
    assert found.kind is SubjectKind.SERVICE
    assert found.headline == "search runs on dc-a for 100 requests/s"
    assert found.here == (
        "2 pods on dc-a, 100% of the traffic: 100 requests/s are expected; "
        "3.33 USD/h per 1,000 requests/s here",
    )


def test_what_is_excluded_says_why() -> None:
    assert option(asked(), "cloud-b").because == ("the workload declares no speed on this GPU type")
    secret = a_fleet(
        a_pool("dc-a"), a_pool("cloud-a", "cloud"), a_service(data_class=DataClass("private"))
    )
    line = option(asked("search", secret), "cloud-a")
    assert (line.verdict, line.because) == (
        Verdict.EXCLUDED,
        "private data may not be in cloud (residency)",
    )
    assert line.price_to_win_usd_per_node_hour is None


def test_what_is_possible_says_what_it_would_add_and_the_price_at_which_it_wins() -> None:
    line = option(asked(), "dc-b")
    # One replica there means a node there, beside the one that holds the other.
    assert line.extra_usd_per_hour == pytest.approx(0.2)
    assert line.price_to_win_usd_per_node_hour == pytest.approx(1.0)
    assert line.because == "0.20 USD/h dearer in sum"


def test_what_is_as_good_says_so() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-b"), a_service())
    found = asked("search", fleet)
    line = next(line for line in found.options if line.verdict is Verdict.POSSIBLE)
    assert line.because == "as good as what is chosen"
    assert line.price_to_win_usd_per_node_hour is None


def test_where_no_price_would_do_there_is_none() -> None:
    """Crowding alone makes the other pool dearer: there are nodes in any case."""
    small = Resources(gpus=1, cpu=9, memory_gib=9, pods=9)
    fleet = a_fleet(
        a_pool("dc-a", min_nodes=1, max_nodes=1),
        a_pool("dc-b", min_nodes=1, max_nodes=1, per_node=small),
        a_job(workers=1),
    )
    line = option(asked("train", fleet, {}, Cost(), LoadBalancing()), "dc-b")
    assert line.extra_usd_per_hour == pytest.approx(0.5)
    assert line.price_to_win_usd_per_node_hour is None


def test_the_price_to_win_counts_only_the_nodes_that_it_adds() -> None:
    """Another service has a full node on the pool already: its price falls there too."""
    fleet = a_fleet(
        a_pool("dc-a", usd_per_node_hour=1.0),
        a_pool("dc-b", usd_per_node_hour=1.4),
        a_job("other", pools=("dc-b",)),
        a_job("train"),
    )
    line = option(asked("train", fleet, {}, Cost()), "dc-b")
    assert line.price_to_win_usd_per_node_hour == pytest.approx(1.0)
    demand = a_demand(fleet, prices={"dc-b": 0.99})
    plan = decide(a_snapshot(fleet), demand, (Cost(),), EXACT)
    assert ("train", "dc-b") in pods_of(plan)


@st.composite
def one_workload(draw: st.DrawFn) -> World:
    """One service or job on three pools."""
    price = st.sampled_from((0.5, 0.8, 1.1, 1.7, 2.9))
    size = st.sampled_from((2, 4, 8))
    pools = [
        a_pool(
            name,
            usd_per_node_hour=draw(price),
            max_nodes=draw(st.integers(1, 4)),
            per_node=Resources(gpus=draw(size), cpu=64, memory_gib=256, pods=110),
        )
        for name in ("dc-a", "dc-b", "dc-c")
    ]
    item = a_service() if draw(st.booleans()) else a_job(workers=draw(st.integers(1, 4)))
    fleet = a_fleet(*pools, item)
    rps = {"search": draw(st.sampled_from((60.0, 200.0, 450.0)))}
    return World(snapshot=a_snapshot(fleet), demand=a_demand(fleet, rps))


@SLOW
@given(one_workload())
def test_a_price_to_win_wins(world: World) -> None:
    name = next(iter(world.snapshot.fleet.workloads())).name
    found = explain(world.snapshot, world.demand, TRIO, EXACT, name)
    for line in found.options:
        win = line.price_to_win_usd_per_node_hour
        if win is not None:
            demand = replace(world.demand, prices={line.pool: max(0.0, win - 0.001)})
            plan = decide(world.snapshot, demand, TRIO, EXACT)
            assert (name, line.pool) in pods_of(plan)
            assert nodes_of(plan)[line.pool] >= 1


@SLOW
@given(worlds(), st.integers(0, 5))
def test_an_explanation_tells_what_the_plan_does(world: World, which: int) -> None:
    fleet = world.snapshot.fleet
    subjects = [*fleet.services, *fleet.jobs, *fleet.pools]
    subject = subjects[which % len(subjects)]
    found = explain(world.snapshot, world.demand, ALL, HABIT, subject)
    settings = replace(HABIT, keep_within=-1.0)
    plan = decide(world.snapshot, world.demand, ALL, settings)
    pods = pods_of(plan)
    for line in found.options:
        workload = subject if line.workload is None else line.workload
        pool = line.pool
        assert line.pods == pods.get((workload, pool), 0)
        assert (line.verdict is Verdict.CHOSEN) == (line.pods > 0)
        assert line.because
        extra = line.extra_usd_per_hour
        assert (extra is not None) == (line.verdict is Verdict.POSSIBLE)
        assert extra is None or extra >= 0.0
    assert found.headline
    best = found.next_best_extra_usd_per_hour
    assert best is None or best >= 0.0
    assert (best is None) == (not found.next_best)


def test_the_next_best_plan_says_what_it_costs() -> None:
    found = asked()
    assert found.next_best == "without dc-a: 2 on dc-b"
    assert found.next_best_extra_usd_per_hour == pytest.approx(0.2)


def test_without_another_place_the_next_best_is_to_wait() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job(wait_usd_per_hour=9.0))
    found = asked("train", fleet, {})
    assert found.next_best == "without dc-a: it would wait"
    assert found.next_best_extra_usd_per_hour == pytest.approx(8.0)


def test_what_is_chosen_says_what_doing_without_it_adds() -> None:
    line = option(asked(), "dc-a")
    assert line.without_usd_per_hour == pytest.approx(0.2)
    assert line.because == "a node costs 1.00 USD/h; without it 0.20 USD/h more"
    assert option(asked(), "dc-b").without_usd_per_hour is None


def test_the_next_best_plan_is_proven() -> None:
    """Whatever the gap that the solver may leave: the least that is proven is told beside it."""
    found = asked()
    assert found.next_best_least_usd_per_hour == pytest.approx(0.2)
    coarse = replace(HABIT, gap=0.5)
    rough = explain(a_snapshot(FLEET), a_demand(FLEET, RPS), TRIO, coarse, "search")
    assert rough.next_best_least_usd_per_hour is not None
    assert rough.next_best_extra_usd_per_hour is not None
    assert rough.next_best_least_usd_per_hour <= 0.2 + 1e-6
    assert rough.next_best_extra_usd_per_hour >= 0.2 - 1e-6


def test_without_the_only_place_urgent_work_has_none() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job())
    demand = a_demand(fleet, jobs={"train": MUST_RUN})
    found = explain(a_snapshot(fleet), demand, TRIO, EXACT, "train")
    assert option(found, "dc-a").because.endswith("; without it urgent work has no place")
    assert found.next_best == "without dc-a: it would wait, and urgent work has no place"


def test_a_service_says_what_more_load_costs() -> None:
    found = asked(rps={"search": 270.0})
    assert found.worth == ("1,000 requests/s more cost about 3.70 USD/h, 1 % more load 0.01 USD/h",)


def test_where_there_is_room_more_load_costs_nothing() -> None:
    fleet = a_fleet(a_pool("dc-a", min_nodes=3), a_pool("dc-b"), a_service())
    found = asked("search", fleet, {"search": 100.0})
    assert found.worth == ("a little more load costs nothing: there is room",)


def test_a_full_pool_says_what_one_node_more_saves() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service())
    found = asked("dc-a", fleet, {"search": 540.0})
    assert found.worth == ("one node more saves about 499.00 USD/h, by the relaxation",)


def test_a_pool_not_used_says_at_which_price_it_would_be() -> None:
    found = asked("dc-b")
    assert found.worth == (
        "search would be on it if a node cost 0.20 USD/h less: 1.00 USD/h instead of 1.20 USD/h",
    )


def test_of_many_options_the_nearest_are_solved_for_and_the_others_told_by_their_price() -> None:
    pools = [a_pool(f"dc-{i:02}", usd_per_node_hour=1.0 + i) for i in range(20)]
    found = asked("search", a_fleet(*pools, a_service()))
    solved = [line for line in found.options if line.extra_usd_per_hour is not None]
    told = [line for line in found.options if "by the relaxation" in line.because]
    assert (len(solved), len(told)) == (8, 11)
    assert {line.pool for line in solved} == {f"dc-{i:02}" for i in range(1, 9)}


def test_a_budget_that_binds_is_told_with_its_worth() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_service(late_usd_per_hour=540.0))
    found = asked("search", fleet, {"search": 540.0}, *TRIO, Budget(usd_per_hour=1.0))
    assert "rented nodes cost at most 1 USD/h (one USD/h more saves 269.00 USD/h)" in found.rules


def test_a_rule_about_a_longer_name_is_not_about_the_shorter_one() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc-a-2", max_nodes=0), a_service())
    full = a_fleet(a_pool("dc-a-2", max_nodes=1), a_pool("dc-a", max_nodes=0), a_service())
    assert asked("dc-a", fleet).rules == ()
    assert asked("dc-a", full, {"search": 540.0}).rules == ()
    assert len(asked("dc-a-2", full, {"search": 540.0}).rules) == 1


def test_a_job_that_waits_says_so_first() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=0), a_job())
    found = asked("train", fleet, {})
    assert found.kind is SubjectKind.JOB
    assert found.headline == "train waits: the gang needs more nodes than the pool may have"
    assert found.here == ()


def test_a_job_that_nobody_wants_says_so() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_job())
    demand = a_demand(fleet, jobs={"train": NOT_WANTED})
    found = explain(a_snapshot(fleet), demand, TRIO, EXACT, "train")
    assert found.headline == "train is not wanted now"


def test_a_service_that_is_late_says_how_much() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service())
    found = asked("search", fleet, {"search": 370.0})
    assert found.headline == "search runs on dc-a for 370 requests/s, 100 requests/s of it late"


def test_rules_that_hold_it_back_are_named_with_their_price() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_service())
    found = asked("dc-a", fleet, {"search": 370.0})
    assert len(found.rules) == 1
    assert found.rules[0].startswith("dc-a has all of its 1 node (one node more saves")


def test_a_pool_says_who_uses_it_and_what_a_node_less_would_cost() -> None:
    found = asked("dc-a")
    assert found.kind is SubjectKind.POOL
    assert found.headline == "dc-a has 0 nodes, the plan wants 1: for search +2"
    assert found.here == ("search: 2 pods",)
    assert found.next_best == "with one node less"
    assert found.next_best_extra_usd_per_hour == pytest.approx(0.2)
    assert found.options[0].workload == "search"
    assert found.options[0].because == "a node costs 1.00 USD/h; without it 0.20 USD/h more"


def test_an_empty_pool_says_what_a_node_there_would_cost() -> None:
    found = asked("dc-b")
    assert found.next_best == "with one node more"
    assert found.next_best_extra_usd_per_hour == pytest.approx(0.2)


def test_work_at_a_site_that_is_not_seen_is_said_to_be_kept() -> None:
    secret = a_fleet(
        a_pool("dc-a"), a_pool("cloud-a", "cloud"), a_service(data_class=DataClass("private"))
    )
    world: dict[str, Any] = {"nodes": {"cloud-a": 1}, "pods": {("search", "cloud-a"): 2}}
    line = option(asked("search", secret, None, **world, unseen={"cloud": "timeout"}), "cloud-a")
    assert (line.verdict, line.pods) == (Verdict.CHOSEN, 2)
    assert line.because == "kept: its site is not seen"


def test_a_full_pool_says_that_it_is_full() -> None:
    fleet = a_fleet(a_pool("dc-a", max_nodes=1), a_job("a"), a_job("b", wait_usd_per_hour=20.0))
    line = option(asked("b", fleet, {}), "dc-a")
    assert line.because == "dc-a is full at its 1 node"
    assert line.extra_usd_per_hour == pytest.approx(30.0)


def test_under_a_budget_the_cap_is_the_rule_that_binds() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_service())
    found = asked("search", fleet, {"search": 600.0}, *TRIO, Budget(usd_per_hour=1.0))
    assert found.headline.endswith("330 requests/s of it late")


@pytest.mark.parametrize("name", ["serach", "", "dc"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownSubjectError, match=r"known: search, cloud-a, cloud-b, dc-a, dc-b"):
        asked(name)


def test_a_pool_and_a_workload_may_share_a_name() -> None:
    fleet = a_fleet(a_pool("search"), a_service("search"))
    assert asked("search", fleet).kind is SubjectKind.SERVICE
