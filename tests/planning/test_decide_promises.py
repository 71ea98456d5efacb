"""Promises of every plan, over random small worlds and all policies at once."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.places import Resources
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Memory, SoldOut
from scheduler.domain.workloads import Spread
from scheduler.model.policy import Policy
from scheduler.planning.after import world_after
from scheduler.planning.decide import decide
from scheduler.planning.diff import diff
from scheduler.runtime.codec import plan_json
from tests.model.profile import SLOW
from tests.model.random_worlds import ALL, World, worlds
from tests.model.worlds import EXACT, HABIT, NOT_WANTED, a_demand, a_snapshot, pods_of

PRICED = tuple(policy for policy in ALL if policy.name in ("cost", "residency", "response-time"))
"""Without those for which two pools are more than one."""


def decided(
    world: World, policies: tuple[Policy, ...] = ALL, settings: SolverSettings = HABIT
) -> Plan:
    """There is always a plan: no state of a world stops the built-in policies."""
    return decide(world.snapshot, world.demand, policies, settings)


def frozen(world: World) -> set[str]:
    """Pools at sites that are not seen."""
    pools = world.snapshot.fleet.pools.values()
    return {pool.name for pool in pools if pool.cluster in world.snapshot.unseen}


@SLOW
@given(worlds())
def test_no_plan_breaks_the_limits_of_a_pool(world: World) -> None:
    for line in decided(world).pools:
        pool = world.snapshot.fleet.pools[line.pool]
        if line.pool not in frozen(world):
            assert pool.min_nodes <= line.after <= pool.max_nodes


@SLOW
@given(worlds())
def test_whole_pods_fit_on_whole_nodes(world: World) -> None:
    plan, fleet = decided(world), world.snapshot.fleet
    for line in plan.pools:
        if line.pool not in frozen(world):
            room = fleet.pools[line.pool].per_node
            assert packs(room, list(_takes(plan, fleet, line.pool)), line.after)


def _takes(plan: Plan, fleet: Fleet, pool: PoolName) -> Iterator[Resources]:
    for line in plan.placements:
        if line.pool == pool:
            workload = fleet.workload(line.workload)
            assert workload is not None
            for _ in range(line.after):
                yield workload.per_pod


def packs(room: Resources, takes: list[Resources], nodes: int) -> bool:
    """Whether some order of first-fit packs the pods: largest by one resource or another."""
    keys = ("gpus", "cpu", "memory_gib")
    size = {key: getattr(room, key) for key in keys}

    def share(pod: Resources) -> float:
        return max(float(getattr(pod, key) / size[key]) for key in keys)

    orders = [share, *(lambda pod, key=key: getattr(pod, key) for key in keys)]
    return any(_first_fit(room, sorted(takes, key=order, reverse=True), nodes) for order in orders)


def _first_fit(room: Resources, takes: list[Resources], nodes: int) -> bool:
    free = [[room.gpus, room.cpu, room.memory_gib, room.pods] for _ in range(nodes)]
    for pod in takes:
        need = (pod.gpus, pod.cpu, pod.memory_gib, pod.pods)
        for node in free:
            if all(n <= f + 1e-9 for n, f in zip(need, node, strict=True)):
                node[:] = [f - n for n, f in zip(need, node, strict=True)]
                break
        else:
            return False
    return True


@SLOW
@given(worlds())
def test_a_gang_runs_whole_in_one_place_or_not_at_all(world: World) -> None:
    plan, fleet = decided(world), world.snapshot.fleet
    stuck = frozen(world)
    for job in fleet.jobs.values():
        lines = [x for x in plan.placements if x.workload == job.name and x.after]
        if any(line.pool in stuck for line in lines):
            continue
        assert sum(line.after for line in lines) in (0, job.workers)
        places = {x.pool if job.spread is Spread.POOL else x.cluster for x in lines}
        assert len(places) <= 1


@SLOW
@given(worlds())
def test_no_plan_takes_data_where_it_may_not_be(world: World) -> None:
    plan, fleet = decided(world), world.snapshot.fleet
    for line in plan.placements:
        if line.after and line.pool not in frozen(world):
            workload = fleet.workload(line.workload)
            assert workload is not None
            classes = {workload.data_class}
            classes |= {fleet.datasets[name].data_class for name in workload.datasets}
            assert classes <= fleet.clusters[line.cluster].holds


@SLOW
@given(worlds(), st.data())
def test_no_plan_uses_the_gpus_that_pods_of_others_have(world: World, data: st.DataObject) -> None:
    others = st.sampled_from((0.0, 1.0, 2.5, 4.0))
    sites = {
        name: replace(
            site, nodes=tuple(replace(n, gpus_others=data.draw(others)) for n in site.nodes)
        )
        for name, site in world.snapshot.sites.items()
    }
    world = replace(world, snapshot=replace(world.snapshot, sites=sites))
    plan, fleet = decided(world), world.snapshot.fleet
    for line in plan.pools:
        if line.pool in frozen(world):
            continue
        pool = fleet.pools[line.pool]
        there = [n for site in sites.values() for n in site.nodes if n.pool == line.pool]
        taken = sum(n.gpus_others for n in there if not n.doomed)
        left = line.after * pool.per_node.gpus - taken
        ours = [x for x in plan.placements if x.pool == line.pool]
        works = {x.workload: fleet.workload(x.workload) for x in ours}
        used = sum(x.after * works[x.workload].per_pod.gpus for x in ours if works[x.workload])
        assert used <= max(left, 0.0) + 1e-6


@SLOW
@given(worlds())
def test_no_plan_exceeds_the_declared_replicas(world: World) -> None:
    plan = decided(world)
    kept = {x.workload for x in plan.placements if x.pool in frozen(world) and x.after}
    for name, service in world.snapshot.fleet.services.items():
        total = sum(x.after for x in plan.placements if x.workload == name)
        assert name in kept or total <= service.max_replicas


@SLOW
@given(worlds())
def test_the_bill_adds_up_to_the_objective_and_the_bound_is_below(world: World) -> None:
    plan = decided(world)
    total = sum(line.usd_per_hour for line in plan.bill)
    assert total == pytest.approx(plan.proof.objective, rel=1e-6, abs=1e-6)
    assert plan.proof.bound <= plan.proof.objective + 1e-9
    assert {line.policy for line in plan.bill} == {p.name for p in ALL} | {"unmet"}


@SLOW
@given(worlds(), st.sampled_from(list(permutations(range(4)))))
def test_the_order_of_policies_does_not_matter(world: World, order: tuple[int, ...]) -> None:
    shuffled = (*(ALL[i] for i in order), *reversed(ALL[4:]))
    assert plan_json(decided(world)) == plan_json(decided(world, shuffled))


@SLOW
@given(worlds())
def test_equal_questions_have_the_same_answer_to_the_byte(world: World) -> None:
    assert plan_json(decided(world)) == plan_json(decided(world))


@SLOW
@given(worlds())
def test_what_has_come_true_needs_no_action(world: World) -> None:
    plan = decided(world)
    assert diff(plan, world_after(plan, world.snapshot)) == ()


@SLOW
@given(worlds())
def test_steady_input_gives_no_action_from_the_second_tick_on(world: World) -> None:
    snapshot = world_after(decided(world), world.snapshot)
    for _ in range(2):
        plan = decided(replace(world, snapshot=snapshot))
        assert diff(plan, snapshot) == ()
        snapshot = world_after(plan, snapshot)


@SLOW
@given(worlds())
def test_a_site_that_is_not_seen_is_left_as_it_is(world: World) -> None:
    unseen = {ClusterName("cloud"): "timeout"}
    world = replace(world, snapshot=replace(world.snapshot, unseen=unseen))
    plan = decided(world)
    cloud = frozen(world)
    for line in plan.pools:
        if line.pool in cloud:
            assert line.after == line.before
            assert line.because == "frozen: its site is not seen"
    for place in plan.placements:
        if place.pool in cloud:
            assert place.after == place.before
    assert not [action for action in diff(plan, world.snapshot) if action.pool in cloud]
    assert any("cloud is not seen (timeout)" in note for note in plan.notes)


@SLOW
@given(worlds())
def test_a_service_without_fresh_signals_loses_no_pods(world: World) -> None:
    plan, fleet = decided(world), world.snapshot.fleet
    for name, need in world.demand.services.items():
        before = {x.pool: x.before for x in plan.placements if x.workload == name}
        allowed = {
            pool
            for pool in before
            if fleet.services[name].data_class in fleet.clusters[fleet.pools[pool].cluster].holds
            and (fleet.services[name].spot or fleet.pools[pool].contract != "spot")
        }
        room = {p.pool: p.after for p in plan.pools}
        full = {p for p in allowed if room[p] == fleet.pools[p].max_nodes}
        if need.hold and not full and sum(before.values()) <= fleet.services[name].max_replicas:
            for line in plan.placements:
                if line.workload == name and line.pool in allowed:
                    assert line.after >= line.before


@SLOW
@given(worlds())
def test_what_is_missing_says_why_and_what_would_change_it(world: World) -> None:
    plan = decided(world)
    placed = {x.workload for x in plan.placements if x.after}
    lines = {line.workload: line for line in plan.missing}
    for line in plan.missing:
        assert 0.0 < line.amount <= line.wanted + 1e-6
        assert line.because
        assert line.remedy
    for name, need in world.demand.jobs.items():
        assert (name in lines) == (need.wanted and name not in placed)
    for name, wanted in world.demand.services.items():
        assert wanted.rps == 0.0 or name in placed or name in lines


@SLOW
@given(worlds())
def test_the_shares_of_a_service_add_up_to_one(world: World) -> None:
    plan = decided(world)
    total: dict[WorkloadName, float] = defaultdict(float)
    serving = {x.workload for x in plan.placements if x.after and x.pool not in frozen(world)}
    for line in plan.placements:
        assert line.share_after >= 0.0
        assert not line.is_job or line.share_after == 0.0
        total[line.workload] += line.share_after
    for name in serving & world.demand.services.keys():
        assert total[name] == pytest.approx(1.0, abs=1e-5)


@SLOW
@given(worlds())
def test_a_dearer_twin_is_never_chosen_before_a_cheaper_one(world: World) -> None:
    """Beside `dc-a` stands a pool that is the same in all but its price."""
    fleet = replace(world.snapshot.fleet, jobs={})
    dc = replace(fleet.pools[PoolName("dc-a")], min_nodes=0)
    twin = replace(dc, name=PoolName("dc-b"), usd_per_node_hour=dc.usd_per_node_hour + 0.01)
    both = replace(fleet, pools={**fleet.pools, dc.name: dc, twin.name: twin})
    plan = decide(a_snapshot(both), world.demand, PRICED, EXACT)
    after = {line.pool: line.after for line in plan.pools}
    assert after[twin.name] == 0 or after[dc.name] == dc.max_nodes


@SLOW
@given(worlds())
def test_nothing_wanted_and_nothing_running_takes_only_the_minima(world: World) -> None:
    fleet = world.snapshot.fleet
    idle = replace(
        fleet, services={name: replace(s, min_replicas=0) for name, s in fleet.services.items()}
    )
    demand = a_demand(
        idle,
        dict.fromkeys(map(str, idle.services), 0.0),
        jobs={name: NOT_WANTED for name in idle.jobs},
    )
    plan = decide(a_snapshot(idle), demand, ALL, EXACT)
    assert pods_of(plan) == {}
    least = {name: pool.min_nodes for name, pool in idle.pools.items()}
    critical = any(item.priority == "critical" for item in idle.services.values())
    for line in plan.pools:
        assert line.after == least[line.pool] or critical


@SLOW
@given(worlds(), st.sampled_from(("dc-a", "cloud-a")))
def test_a_sold_out_pool_never_grows(world: World, name: str) -> None:
    until = SoldOut(until=Instant(world.snapshot.now + 60.0), strikes=1)
    memory = Memory(sold_out={PoolName(name): until})
    plan = decided(replace(world, snapshot=replace(world.snapshot, memory=memory)))
    for line in plan.pools:
        assert line.pool != name or line.after <= line.before
