"""The reactive baseline: replicas by GPU utilisation, nodes by what is pending, as is common."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from adapters.base import DrainOrder, NoCapacity, PlaceOrder, ReleaseOrder, Scale
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ActionKey, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.places import Contract
from scheduler.domain.snapshot import Node, NodePhase, Placement
from scheduler.domain.workloads import InferenceService, TrainingJob
from scheduler.simulation.fixed import OWNED
from scheduler.simulation.sizing import Seat, pods_per_node, seats
from scheduler.simulation.world import World

TARGET = 0.6
TOLERANCE = 0.1
STABILISE_S = 300.0
"""Replicas are taken away only below everything that was wanted in this time."""
IDLE_BELOW = 0.5
IDLE_S = 600.0
"""A node less than half used for this long is taken away, if its pods fit elsewhere."""
SOLD_OUT_S = 300.0
"""A pool that refused is not asked again for this long."""

_KEY = ActionKey("reactive")


@dataclass(slots=True, kw_only=True)
class Reactive:
    """A horizontal autoscaler at 60 % utilisation over a node autoscaler; private nodes first.

    Replicas follow ceil(current x utilisation / 0.6) with 10 % tolerance and 5 minutes of
    stabilisation downwards. Utilisation is the load over the limit of the ready replicas. Replicas
    of different GPUs count by their limit, and the gateway spreads the load so: kinder than a real
    one, which takes all replicas as equal. New replicas go where owned nodes have room, then to the
    cheapest on-demand pool that would meet the objective at 60 %, which grows by whole nodes with
    their boot time. A node less than half used for 10 minutes goes if its pods fit the others. Jobs
    start in the order in which they may, where owned nodes have room for the gang, else on new
    on-demand nodes if their data may go there. No spot, no forecast, no look at the objective.
    """

    fleet: Fleet
    wanted: dict[WorkloadName, list[tuple[Instant, float]]] = field(default_factory=dict)
    """What was asked for lately, in requests per second at the limit."""
    idle_since: dict[NodeName, Instant] = field(default_factory=dict)
    sold_out: dict[PoolName, Instant] = field(default_factory=dict)

    def tick(self, world: World) -> None:
        """Look, and give orders."""
        view = _View.of(world)
        for job in _in_order(self.fleet.jobs.values()):
            self._start(world, view, job)
        for service in self.fleet.services.values():
            self._scale(world, view, service)
        for pool in self.fleet.pools.values():
            if pool.contract not in OWNED:
                self._shrink(world, view, pool.name)

    def _scale(self, world: World, view: "_View", service: InferenceService) -> None:
        placed = view.placed[service.name]
        limit = {pool: self._limit(service, pool) for pool in placed}
        ready = {pool: item.ready * limit[pool] for pool, item in placed.items()}
        held = sum(item.wanted * limit[pool] for pool, item in placed.items())
        asked = self._asked(held, world.load_now(service.name), sum(ready.values()))
        wanted = self._stable(service.name, asked, held, world.now())
        pods = {pool: item.wanted for pool, item in placed.items()}
        options = self._options(view, service, busy=TARGET)
        for seat in options:
            short = self._short(service, pods, wanted)
            if short > 0.0:
                most = service.max_replicas - sum(pods.values())
                more = min(most, ceil(short / self._limit(service, seat.pool) - 1e-9))
                more = self._room(world, view, seat, more)
                pods[seat.pool] = pods.get(seat.pool, 0) + more
        for seat in reversed(options):
            over = -self._short(service, pods, wanted)
            spare = sum(pods.values()) - service.min_replicas
            fewer = min(spare, int(over / self._limit(service, seat.pool) + 1e-9))
            if fewer > 0 and seat.pool in pods:
                pods[seat.pool] -= min(fewer, pods[seat.pool])
        self._order(world, service, placed, pods, ready)

    def _limit(self, service: InferenceService, pool: PoolName) -> float:
        return service.curves[self.fleet.pools[pool].gpu_type].limit_rps

    def _short(
        self, service: InferenceService, pods: Mapping[PoolName, int], wanted: float
    ) -> float:
        """What is missing, in requests per second at the limit; negative for a surplus."""
        held = sum(count * self._limit(service, pool) for pool, count in pods.items())
        if sum(pods.values()) < service.min_replicas:
            return max(wanted - held, 1e-6)
        return wanted - held

    def _asked(self, held: float, rps: float, ready: float) -> float:
        if ready <= 0.0:
            return max(held, rps / TARGET)
        ratio = rps / ready / TARGET
        return held if abs(ratio - 1.0) <= TOLERANCE else held * ratio

    def _stable(self, service: WorkloadName, asked: float, held: float, at: Instant) -> float:
        past = [entry for entry in self.wanted.get(service, []) if entry[0] > at - STABILISE_S]
        self.wanted[service] = [*past, (at, asked)]
        most = max(value for _, value in self.wanted[service])
        return asked if asked >= held else min(held, most)

    def _order(
        self,
        world: World,
        service: InferenceService,
        placed: Mapping[PoolName, Placement],
        pods: Mapping[PoolName, int],
        limit: Mapping[PoolName, float],
    ) -> None:
        power = sum(limit.values())
        for pool, count in pods.items():
            share = limit.get(pool, 0.0) / power if power > 0.0 else 0.0
            before = placed.get(pool)
            same = before is not None and before.wanted == count
            if same and before is not None and abs(before.share - share) < 1e-3:
                continue
            order = PlaceOrder(
                key=_KEY, workload=service.name, pool=pool, pods=count, share=min(share, 1.0)
            )
            world.site_of(pool).place(order)

    def _start(self, world: World, view: "_View", job: TrainingJob) -> None:
        due = job.not_before is None or job.not_before <= world.now()
        if not due or view.placed[job.name] or job.name in world.finished():
            return
        for seat in self._options(view, job):
            if self._room(world, view, seat, job.workers, gang=True) == job.workers:
                order = PlaceOrder(
                    key=_KEY, workload=job.name, pool=seat.pool, pods=job.workers, gang=True
                )
                world.site_of(seat.pool).place(order)
                return

    def _options(
        self, view: "_View", workload: InferenceService | TrainingJob, *, busy: float | None = None
    ) -> Sequence[Seat]:
        """Owned pools first, then on-demand ones that did not refuse lately."""
        owned = seats(self.fleet, workload, OWNED, busy=busy)
        rented = seats(self.fleet, workload, (Contract.ON_DEMAND,), busy=busy)
        open_now = [s for s in rented if self.sold_out.get(s.pool, Instant(0.0)) <= view.now]
        return (*owned, *open_now)

    def _room(
        self, world: World, view: "_View", seat: Seat, pods: int, *, gang: bool = False
    ) -> int:
        """How many of the pods the pool takes; a rented pool grows for them.

        A gang is given whole free nodes only: scattered room may not hold its large workers.
        """
        pool = self.fleet.pools[seat.pool]
        nodes, used = len(view.taking_work[seat.pool]), view.used[seat.pool]
        used = float(ceil(used - 1e-9)) if gang else used
        if pool.contract not in OWNED:
            needed = ceil(used + pods / seat.per_node - 1e-9)
            nodes = max(nodes, self._grow(world, seat.pool, min(needed, pool.max_nodes), nodes))
        taken = max(0, min(pods, int((nodes - used) * seat.per_node + 1e-9)))
        if not gang or taken == pods:
            view.used[seat.pool] = used + taken / seat.per_node
        return taken

    def _grow(self, world: World, pool: PoolName, wanted: int, nodes: int) -> int:
        if wanted <= nodes:
            return nodes
        try:
            world.site_of(pool).scale(Scale(key=_KEY, pool=pool, nodes=wanted))
        except NoCapacity:
            self.sold_out[pool] = Instant(world.now() + SOLD_OUT_S)
            return nodes
        return wanted

    def _shrink(self, world: World, view: "_View", pool: PoolName) -> None:
        site, nodes = world.site_of(pool), view.taking_work[pool]
        empty = [n.name for n in view.leaving[pool] if n.pods == 0]
        if empty:
            site.release(ReleaseOrder(key=_KEY, pool=pool, nodes=tuple(empty)))
        gpus = self.fleet.pools[pool].per_node.gpus
        idle = [n for n in nodes if n.phase is NodePhase.READY and n.pods / gpus < IDLE_BELOW]
        names = {node.name for node in idle}
        for node in nodes:
            if node.name not in names:
                self.idle_since.pop(node.name, None)
        for node in sorted(idle, key=lambda node: (node.pods, node.name)):
            since = self.idle_since.setdefault(node.name, view.now)
            spare = len(nodes) - view.used[pool]
            if view.now - since >= IDLE_S and spare >= 1.0 - 1e-9:
                site.drain(DrainOrder(key=_KEY, pool=pool, nodes=(node.name,)))
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The sites as seen at one tick; `used` is counted on as orders are given."""

    now: Instant
    placed: Mapping[WorkloadName, Mapping[PoolName, Placement]]
    taking_work: Mapping[PoolName, Sequence[Node]]
    leaving: Mapping[PoolName, Sequence[Node]]
    used: dict[PoolName, float]
    """Nodes' worth of pods that are wanted on each pool."""

    @classmethod
    def of(cls, world: World) -> "_View":
        """Ask every site."""
        placed: dict[WorkloadName, dict[PoolName, Placement]] = defaultdict(dict)
        taking: dict[PoolName, list[Node]] = defaultdict(list)
        leaving: dict[PoolName, list[Node]] = defaultdict(list)
        used: dict[PoolName, float] = defaultdict(float)
        for report in world.reports().values():
            for item in report.placements:
                placed[item.workload][item.pool] = item
                used[item.pool] += item.wanted / _per_node(world.fleet, item)
            for node in report.nodes:
                going = node.phase is NodePhase.DRAINING or node.doomed
                (leaving if going else taking)[node.pool].append(node)
        return cls(now=world.now(), placed=placed, taking_work=taking, leaving=leaving, used=used)


def _in_order(jobs: Iterable[TrainingJob]) -> Sequence[TrainingJob]:
    """First come, first served."""
    return sorted(jobs, key=lambda job: (job.not_before or Instant(0.0), job.name))


def _per_node(fleet: Fleet, item: Placement) -> int:
    known = fleet.workload(item.workload)
    return pods_per_node(known, fleet.pools[item.pool]) if known else 1
