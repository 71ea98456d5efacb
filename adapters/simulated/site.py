"""A simulated site: a state machine that takes orders and the time, and tells its state."""

from collections.abc import Mapping, Sequence

from adapters.base import DrainOrder, NoCapacity, PlaceOrder, ReleaseOrder, Scale
from adapters.orders import check_place, check_scale, known_pool, workload_of
from adapters.simulated.events import EventWord, SiteEvent
from adapters.simulated.floor import Floor
from adapters.simulated.ledger import JobLedger
from adapters.simulated.nodes import PoolNodes, SimNode
from adapters.simulated.pending import pending
from adapters.simulated.weather import StockOut, Weather
from adapters.simulated.work import Gang, Replicas
from scheduler.domain.names import ClusterName, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import JobProgress, Placement, SiteReport
from scheduler.domain.workloads import InferenceService, TrainingJob


class SimulatedSite:
    """A site without clock or network: events in, state out, the same for the same seed.

    Each pool begins with its minimum of ready nodes. Of `pools` only those of the cluster are
    taken. `services` and `jobs` are looked up at each order, so a world may add to them. Sites
    between which jobs shall move share one `ledger`.
    """

    def __init__(
        self,
        *,
        cluster: ClusterName,
        pools: Sequence[NodePool],
        services: Mapping[WorkloadName, InferenceService],
        jobs: Mapping[WorkloadName, TrainingJob],
        weather: Weather,
        seed: int,
        start: Instant,
        ledger: JobLedger | None = None,
    ) -> None:
        self._cluster = cluster
        self._services, self._jobs, self._weather = services, jobs, weather
        self._pools = {
            pool.name: pool
            for pool in sorted(pools, key=lambda pool: pool.name)
            if pool.cluster == cluster
        }
        self._ledger = JobLedger() if ledger is None else ledger
        self._floor = Floor(
            cluster=cluster,
            pools=self._pools,
            weather=weather,
            seed=seed,
            start=start,
            ledger=self._ledger,
        )

    @property
    def cluster(self) -> ClusterName:
        """The cluster that this site is."""
        return self._cluster

    def advance(self, now: Instant) -> tuple[SiteEvent, ...]:
        """Move time forward and return what happened since the last call, orders included.

        A time that is already past changes nothing.
        """
        self.catch_up(now)
        events = tuple(self._floor.events)
        self._floor.events.clear()
        return events

    def catch_up(self, now: Instant) -> None:
        """Move time forward and keep what happened for the next `advance`."""
        self._floor.advance(now)

    def lose(self, node: NodeName) -> None:
        """A node breaks without notice, as hardware does; nothing happens if it is not there."""
        for nodes in self._floor.nodes.values():
            if node in nodes.by_name:
                self._floor.remove(nodes.by_name[node], EventWord.NODE_LOST)
        self._floor.settle()

    def scale(self, order: Scale) -> None:
        """Take draining nodes back, then buy. NoCapacity says how many came."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        check_scale(order)
        nodes = self._floor.nodes[pool.name]
        short = order.nodes - sum(node.takes_work for node in nodes)
        short -= self._floor.take_back(nodes, short)
        self._floor.settle()
        if short > 0:
            self._grow(nodes, short)

    def place(self, order: PlaceOrder) -> None:
        """Set pods and share of one workload on one pool."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        workload = workload_of(order.workload, self._services, self._jobs)
        check_place(order, workload, pool)
        gang = self._floor.gangs.get(order.workload)
        if isinstance(workload, TrainingJob) or gang is not None:
            self._place_gang(gang, workload, order)
        else:
            self._place_service(workload, order)
        self._floor.settle()

    def drain(self, order: DrainOrder) -> None:
        """Empty nodes within budgets. Pods that lose their node wait for room on the others."""
        for node in self._present(order):
            self._floor.drain(node)
        self._floor.settle()

    def release(self, order: ReleaseOrder) -> None:
        """Give back those that are drained and empty; the others are left alone."""
        for node in self._present(order):
            if node.draining and not node.pods:
                self._floor.remove(node, EventWord.NODE_RELEASED)
        self._floor.settle()

    def report(self) -> SiteReport:
        """The state now. A job's progress is told by the site where it ran last."""
        return SiteReport(
            cluster=self._cluster,
            at=self._floor.now,
            nodes=tuple(node.seen() for nodes in self._floor.nodes.values() for node in nodes),
            placements=self._placements(),
            progress=self._progress(),
        )

    def _grow(self, nodes: PoolNodes, short: int) -> None:
        pool = nodes.pool
        window = self._weather.sold_out(pool.name, self._floor.now)
        if window is not None:
            raise NoCapacity(
                f"pool {pool.name} is sold out until {_until(window)}: 0 of {short} nodes came; "
                "use another pool"
            )
        came = min(short, max(0, pool.max_nodes - len(nodes)))
        for _ in range(came):
            self._floor.buy(nodes)
        if came < short:
            raise NoCapacity(
                f"pool {pool.name} is at its limit of {pool.max_nodes} nodes: "
                f"{came} of {short} nodes came; raise nodes.max or use another pool"
            )

    def _place_gang(
        self, gang: Gang | None, workload: InferenceService | TrainingJob | None, order: PlaceOrder
    ) -> None:
        if gang is None:
            assert isinstance(workload, TrainingJob)
            gang = self._floor.gangs[order.workload] = Gang(job=workload)
        if order.pods and not self._ledger.progress(order.workload).finished:
            gang.wanted[order.pool] = order.pods
        else:
            gang.wanted.pop(order.pool, None)
        if gang.run is not None and gang.exceeds_wanted():
            self._floor.stop(gang, gang.run, saving=True)
        self._floor.shake(gang.wanted)

    def _place_service(self, service: InferenceService | None, order: PlaceOrder) -> None:
        here = self._floor.replicas[order.pool]
        replicas = here.get(order.workload)
        if replicas is None:
            if service is None or order.pods == 0:
                return
            replicas = here[order.workload] = Replicas(service=service, pool=order.pool)
        replicas.wanted, replicas.share = order.pods, order.share
        self._floor.trim(replicas)

    def _present(self, order: DrainOrder | ReleaseOrder) -> list[SimNode]:
        """Those of the nodes that are still there: an order may come again after they went."""
        pool = known_pool(self._pools, self._cluster, order.pool)
        by_name = self._floor.nodes[pool.name].by_name
        return [by_name[name] for name in dict.fromkeys(order.nodes) if name in by_name]

    def _placements(self) -> tuple[Placement, ...]:
        services = [
            Placement(
                workload=name,
                pool=pool,
                wanted=item.wanted,
                ready=item.ready,
                pending=pending(item.size, item.pending, self._floor.nodes[pool]),
                share=item.share,
            )
            for pool, items in self._floor.replicas.items()
            for name, item in items.items()
        ]
        gangs = [
            Placement(
                workload=name,
                pool=pool,
                wanted=wanted,
                ready=_training(gang, pool),
                pending=self._unseated(gang, pool),
            )
            for name, gang in self._floor.gangs.items()
            for pool, wanted in gang.wanted.items()
        ]
        return tuple(sorted([*services, *gangs], key=lambda item: (item.workload, item.pool)))

    def _unseated(self, gang: Gang, pool: PoolName) -> int:
        """Workers without room; none while the gang still runs at another site."""
        if gang.run is not None or self._ledger.elsewhere(gang.job.name, self._cluster):
            return 0
        return pending(gang.size, gang.wanted[pool], self._floor.nodes[pool], whole=True)

    def _progress(self) -> tuple[JobProgress, ...]:
        return tuple(
            gang.progress(gang.run, self._floor.now) if gang.run else self._ledger.progress(name)
            for name, gang in sorted(self._floor.gangs.items())
            if self._ledger.home(name) == self._cluster
        )


def _training(gang: Gang, pool: PoolName) -> int:
    """Workers that train: none before the restart is over."""
    if gang.run is None:
        return 0
    return sum(pod.ready for pod in gang.run.pods if pod.node.pool == pool)


def _until(window: StockOut) -> str:
    hours, minutes = divmod(int(window.to_minute) % 1440, 60)
    return f"{hours:02d}:{minutes:02d} UTC"
