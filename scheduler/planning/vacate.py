"""Vacate: nodes emptied into the free room of the others, so that a gang finds its seats."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import inf

from scheduler.domain.actions import Vacate
from scheduler.domain.names import ActionKey, PoolName, WorkloadName
from scheduler.domain.workloads import Priority
from scheduler.model.board import EMPTYING_S
from scheduler.planning.gangs import Gangs
from scheduler.planning.room import pods_per_node
from scheduler.planning.seating import Need, Tenants, fewest_emptied
from scheduler.planning.standing import Option, PoolState, Standing

_RANKS = tuple(Priority)


def vacates(standing: Standing, jobs: Gangs) -> tuple[Vacate, ...]:
    """The nodes to empty for gangs that their pools have room for, but only in fragments.

    One gang a pool, the most urgent first, and only where nothing else is under way: the nodes
    of the plan are ready, none is to go, and no gang comes or leaves in this tick. A gang on
    several pools gets its room on all of them or on none.
    """
    busy = {order.pool for order in (*jobs.suspends, *jobs.resumes)}
    found: list[Vacate] = []
    for name in sorted(standing.jobs, key=lambda name: _urgency(name, standing)):
        wanted = [*_orders(standing.jobs[name], standing, busy)]
        orders = [order for order in wanted if order is not None]
        if len(orders) == len(wanted):
            found += orders
            busy.update(order.pool for order in orders)
    return tuple(found)


def coming_back(standing: Standing) -> Mapping[PoolName, WorkloadName]:
    """Pools that take draining nodes back and buy none, each with a gang that waits for room."""
    waiting = {
        option.pool: option.workload
        for options in standing.jobs.values()
        for option in options
        if option.pending and option.wanted == option.after
    }
    return {
        name: waiting[name]
        for name, state in standing.pools.items()
        if name in waiting
        and len(state.serving) < state.line.after <= len(state.serving) + len(state.draining)
    }


def emptying(pool: PoolName, standing: Standing) -> bool:
    """Whether vacated nodes still lose pods: taken back now, they would fill up again.

    For a while only: what a disruption budget keeps longer shall not keep the node from work.
    """
    snapshot = standing.snapshot
    since = snapshot.memory.vacated_at.get(pool, -inf)
    busy = any(node.pods for node in standing.pools[pool].draining)
    return busy and snapshot.now - since < EMPTYING_S


def _urgency(name: WorkloadName, standing: Standing) -> tuple[int, float, WorkloadName]:
    job = standing.snapshot.fleet.jobs.get(name)
    if job is None:
        return len(_RANKS), inf, name
    return _RANKS.index(job.priority), inf if job.deadline is None else job.deadline, name


def _orders(
    options: Sequence[Option], standing: Standing, busy: Collection[PoolName]
) -> Iterator[Vacate | None]:
    """An order for each pool where the gang finds no room; None where it cannot be made.

    A gang that the plan moves, or has not ordered in full, waits for something else.
    """
    if any(option.wanted != option.after for option in options):
        return
    for option in options:
        state = standing.pools.get(option.pool)
        if option.pending:
            still = state is not None and option.pool not in busy and _is_settled(state)
            yield _order(option, state, standing) if state is not None and still else None


def _is_settled(state: PoolState) -> bool:
    """The nodes that the plan wants take work, and no other is there."""
    whole = state.ready == len(state.serving) == state.floor
    return whole and not state.draining and not state.doomed


def _order(option: Option, state: PoolState, standing: Standing) -> Vacate | None:
    fleet = standing.snapshot.fleet
    job, pool = fleet.jobs.get(option.workload), fleet.pools.get(option.pool)
    tenants = _tenants(option.pool, standing)
    if job is None or pool is None or tenants is None or job.per_pod.gpus <= 0.0:
        return None
    need = Need(
        workers=option.after,
        gpus=job.per_pod.gpus,
        per_node=pods_per_node(job.per_pod, pool.per_node),
    )
    nodes = fewest_emptied(state.serving, pool.per_node.gpus, need, tenants)
    names = tuple(node.name for node in nodes)
    if not names:
        return None
    gpus = need.workers * need.gpus
    return Vacate(
        key=ActionKey(f"vacate/{option.pool}/{job.name}/{','.join(names)}"),
        cluster=option.cluster,
        pool=option.pool,
        why=f"{job.name} needs {gpus:g} GPUs in one place: its free GPUs are scattered",
        nodes=names,
        workload=job.name,
    )


def _tenants(pool: PoolName, standing: Standing) -> Tenants | None:
    """The replicas there; None where a service is not declared, so that its size is not known."""
    largest, coming, coming_gpus = 0.0, 0, 0.0
    for name, options in standing.services.items():
        service = standing.snapshot.fleet.services.get(name)
        for option in options:
            if option.pool != pool:
                continue
            if service is None:
                return None
            # Pods that are to leave may stay a while yet: until their replacement serves.
            unseated = max(option.after, option.wanted) - (option.wanted - option.pending)
            largest = max(largest, service.per_pod.gpus)
            coming += unseated
            coming_gpus += unseated * service.per_pod.gpus
    return Tenants(largest=largest, coming=coming, coming_gpus=coming_gpus)
