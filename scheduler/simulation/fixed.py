"""Two baselines of fixed size: everything private, and everything rented on demand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from adapters.base import PlaceOrder, Scale
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName
from scheduler.domain.places import Contract, NodePool
from scheduler.domain.workloads import Workload
from scheduler.simulation.sizing import Seat, peak_replicas, run_time_s, seats
from scheduler.simulation.tables import LoadTable
from scheduler.simulation.world import Day, World

OWNED = (Contract.OWNED, Contract.RESERVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSize:
    """Nodes, replicas and gangs that are chosen once and held all day.

    A service has replicas for its own peak, whenever that is; a job starts as early as it may and
    finds its room reserved. Nothing waits, nothing is taken away, nothing is spot.
    """

    fleet: Fleet
    """The fleet with its pools at the size of the plan."""
    seat: Mapping[WorkloadName, Seat]
    pods: Mapping[WorkloadName, int]

    def tick(self, world: World) -> None:
        """Order what is not ordered yet."""
        held = {
            (placed.workload, placed.pool)
            for report in world.reports().values()
            for placed in report.placements
        }
        if not held:
            self._open(world)
        done = world.finished()
        for name, seat in self.seat.items():
            if (name, seat.pool) not in held and name not in done and self._due(name, world.now()):
                world.site_of(seat.pool).place(self._order(name, seat))

    def _open(self, world: World) -> None:
        for pool in self.fleet.pools.values():
            if pool.max_nodes:
                order = Scale(key=ActionKey("fixed"), pool=pool.name, nodes=pool.max_nodes)
                world.site_of(pool.name).scale(order)

    def _due(self, name: WorkloadName, now: Instant) -> bool:
        job = self.fleet.jobs.get(name)
        return job is None or job.not_before is None or job.not_before <= now

    def _order(self, name: WorkloadName, seat: Seat) -> PlaceOrder:
        is_job = name in self.fleet.jobs
        return PlaceOrder(
            key=ActionKey("fixed"),
            workload=name,
            pool=seat.pool,
            pods=self.pods[name],
            share=0.0 if is_job else 1.0,
            gang=is_job,
        )


def everything_private(fleet: Fleet, load: LoadTable, day: Day) -> FixedSize:
    """Enough owned nodes for every service at its peak and every job as soon as it may start.

    Assumes that owned nodes can be had at their declared price, the written-off price of a node
    hour, in any number, and are paid the whole day. Each workload sits on the owned shape that does
    its work cheapest.
    """
    chosen = {item.name: _cheapest(fleet, item, OWNED) for item in fleet.workloads()}
    return _fixed(fleet, chosen, load, day)


def all_on_demand(fleet: Fleet, load: LoadTable, day: Day) -> FixedSize:
    """The same size, rented at list price for the whole day; no quota, no stock-out.

    Each workload sits on the on-demand shape that does its work cheapest within its objective. What
    may not leave for its data sits on owned nodes of just the size it needs.
    """
    chosen = {
        item.name: _cheapest(fleet, item, (Contract.ON_DEMAND,), OWNED)
        for item in fleet.workloads()
    }
    return _fixed(fleet, chosen, load, day)


def _cheapest(fleet: Fleet, workload: Workload, *contracts: Iterable[Contract]) -> Seat:
    for some in contracts:
        found = seats(fleet, workload, some)
        if found:
            return found[0]
    raise ValueError(
        f"{workload.name} fits no pool of this baseline; declare a pool that can hold it"
    )


def _fixed(fleet: Fleet, seat: Mapping[WorkloadName, Seat], load: LoadTable, day: Day) -> FixedSize:
    pods = {
        item.name: peak_replicas(item, seat[item.name], load) for item in fleet.services.values()
    } | {job.name: job.workers for job in fleet.jobs.values()}
    sizes = _sizes(fleet, seat, pods, day)
    pools = {name: _sized(pool, sizes[name]) for name, pool in fleet.pools.items()}
    return FixedSize(fleet=replace(fleet, pools=pools), seat=seat, pods=pods)


def _sized(pool: NodePool, nodes: int) -> NodePool:
    owned = pool.contract in OWNED
    return replace(pool, min_nodes=nodes if owned else 0, max_nodes=nodes)


def _sizes(
    fleet: Fleet, seat: Mapping[WorkloadName, Seat], pods: Mapping[WorkloadName, int], day: Day
) -> Mapping[PoolName, int]:
    services: dict[PoolName, float] = defaultdict(float)
    for name in fleet.services:
        services[seat[name].pool] += pods[name] / seat[name].per_node
    return {
        pool: ceil(services[pool] - 1e-9) + _nodes_for_jobs(fleet, pool, seat, pods, day)
        for pool in fleet.pools
    }


def _nodes_for_jobs(
    fleet: Fleet,
    pool: PoolName,
    seat: Mapping[WorkloadName, Seat],
    pods: Mapping[WorkloadName, int],
    day: Day,
) -> int:
    """The most nodes that the jobs of a pool fill at one time, each on nodes of its own."""
    spans = []
    for job in fleet.jobs.values():
        if seat[job.name].pool == pool:
            begin = max(job.not_before or day.start, day.start)
            nodes = ceil(pods[job.name] / seat[job.name].per_node)
            # A tick may pass before a finished gang is seen.
            spans.append((begin, begin + run_time_s(job, seat[job.name]) + 120.0, nodes))
    return max((_at(spans, begin) for begin, _, _ in spans), default=0)


def _at(spans: Sequence[tuple[float, float, int]], time: float) -> int:
    return sum(nodes for begin, end, nodes in spans if begin <= time < end)
