"""Knots: services that wait for each other's room in a ring, and who gives way first."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from math import floor

from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.workloads import Priority
from scheduler.planning.room import Amounts, amounts, fits, less
from scheduler.planning.shares import speed
from scheduler.planning.standing import Option, Standing

Pods = Mapping[tuple[WorkloadName, PoolName], int]
_Options = tuple[Option, ...]
_Waits = Mapping[WorkloadName, Mapping[PoolName, frozenset[WorkloadName]]]
"""For each service, the full pools where it needs room, and who is to leave them."""
_RANK = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2, Priority.CRITICAL: 3}


def loosened(standing: Standing) -> Pods:
    """Pods that go before their replacement is ready, because it could never become ready.

    Two services that swap full pools would wait for each other for ever. Where such a ring is,
    services with more capacity ready than they shall have give the rest of it; if none has, the
    least important one gives one pod. All others wait.
    """
    moving = {
        name: options
        for name, options in standing.services.items()
        if any(o.ready < o.after for o in options) and any(_excess(o) for o in options)
    }
    if len(moving) < 2:
        return {}
    waits = _waits(moving, standing)
    ring = _ring(waits)
    contested = {pool for name in ring for pool, who in waits[name].items() if who & ring}
    spare: dict[tuple[WorkloadName, PoolName], int] = {}
    for name in sorted(ring):
        spare.update(_spare(moving[name], contested, standing))
    return spare or _one_pod(ring, moving, contested, standing)


def _excess(option: Option) -> int:
    """Pods that the option is to lose."""
    return 0 if option.frozen else max(0, option.wanted - option.after)


def _waits(moving: Mapping[WorkloadName, _Options], standing: Standing) -> _Waits:
    holders: dict[PoolName, set[WorkloadName]] = defaultdict(set)
    for name, options in moving.items():
        for option in options:
            if _excess(option):
                holders[option.pool].add(name)
    short = {o.pool for options in moving.values() for o in options if o.ready < o.after}
    free = _free(holders.keys() & short, standing)
    return {
        name: {
            option.pool: frozenset(holders[option.pool] - {name})
            for option in options
            if option.ready < option.after and _is_full(option, free, standing)
        }
        for name, options in moving.items()
    }


def _free(pools: Collection[PoolName], standing: Standing) -> Mapping[PoolName, Amounts]:
    """What running pods leave free, by pool. Left out: pools where nodes come or a gang leaves."""
    fleet = standing.snapshot.fleet
    gangs = [option for options in standing.jobs.values() for option in options]
    leaving = {option.pool for option in gangs if _excess(option)}
    free: dict[PoolName, Amounts] = {}
    for name in pools:
        state, pool = standing.pools.get(name), fleet.pools.get(name)
        if state and pool and state.ready >= state.line.after and name not in leaving:
            free[name] = amounts(pool.per_node, state.ready)
    running = [option for options in standing.services.values() for option in options]
    for option in running + gangs:
        workload = fleet.workload(option.workload) if option.pool in free else None
        if workload:
            taken = amounts(workload.per_pod, option.ready)
            free[option.pool] = less(free[option.pool], taken)
    return free


def _is_full(option: Option, free: Mapping[PoolName, Amounts], standing: Standing) -> bool:
    workload = standing.snapshot.fleet.workload(option.workload)
    if workload is None or option.pool not in free:
        return False
    return not fits(amounts(workload.per_pod), free[option.pool])


def _ring(waits: _Waits) -> frozenset[WorkloadName]:
    """Who waits for room that only others of the same kind could give, and is waited for."""
    ring = frozenset(waits)
    while True:
        awaited: frozenset[WorkloadName] = frozenset().union(
            *(who for name in ring for who in waits[name].values())
        )
        left = ring & awaited & {name for name in ring if _is_stuck(waits[name], ring)}
        if left == ring:
            return ring
        ring = left


def _is_stuck(
    waits: Mapping[PoolName, frozenset[WorkloadName]], ring: frozenset[WorkloadName]
) -> bool:
    """Some pool that the service needs is held only by services of the ring."""
    return any(who and who <= ring for who in waits.values())


def _spare(options: _Options, contested: Collection[PoolName], standing: Standing) -> Pods:
    """The pods on contested pools that the service can do without, replacement or not."""
    fleet = standing.snapshot.fleet
    spare = sum((option.ready - option.after) * speed(option, fleet) for option in options)
    given: dict[tuple[WorkloadName, PoolName], int] = {}
    for option in _givers(options, contested):
        pods = min(_excess(option), floor(spare / speed(option, fleet) + 1e-9))
        if pods > 0:
            given[option.workload, option.pool] = pods
            spare -= pods * speed(option, fleet)
    return given


def _one_pod(
    ring: Collection[WorkloadName],
    moving: Mapping[WorkloadName, _Options],
    contested: Collection[PoolName],
    standing: Standing,
) -> Pods:
    """One pod of the least important service of the ring."""
    for name in sorted(ring, key=lambda name: (_rank(name, standing), name)):
        for option in _givers(moving[name], contested):
            return {(name, option.pool): 1}
    return {}


def _givers(options: _Options, contested: Collection[PoolName]) -> Iterator[Option]:
    return (option for option in options if _excess(option) and option.pool in contested)


def _rank(name: WorkloadName, standing: Standing) -> int:
    workload = standing.snapshot.fleet.workload(name)
    return _RANK[workload.priority] if workload else 0
