"""How things stand: every pool and option of a plan beside what is observed of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.plan import PlacementLine, Plan, PoolLine
from scheduler.domain.snapshot import Node, NodePhase, Placement, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """A pool of a seen site: what the plan wants and what it has. Doomed nodes only count."""

    line: PoolLine
    least: int
    """The pool's declared minimum."""
    serving: tuple[Node, ...]
    """Nodes that take work, or will once they are booted or well again."""
    draining: tuple[Node, ...]
    doomed: int
    ready: int

    @property
    def floor(self) -> int:
        """Nodes that stay, whatever their number is now."""
        return max(self.line.after, self.least)

    @property
    def surplus(self) -> int:
        """Nodes held beyond the plan, those under way out included; may be negative."""
        return len(self.serving) + len(self.draining) - self.floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A workload on a pool: what the plan wants and what the site has."""

    workload: WorkloadName
    pool: PoolName
    cluster: ClusterName
    frozen: bool
    """The site is not seen or the pool not declared: no order goes there."""
    after: int
    planned_share: float
    because: str
    wanted: int
    ready: int
    pending: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A plan beside its snapshot."""

    plan: Plan
    snapshot: Snapshot
    pools: Mapping[PoolName, PoolState]
    services: Mapping[WorkloadName, tuple[Option, ...]]
    jobs: Mapping[WorkloadName, tuple[Option, ...]]


def stand(plan: Plan, snapshot: Snapshot) -> Standing:
    """Lay the plan beside the snapshot; what the plan does not name is wanted nowhere."""
    services: dict[WorkloadName, list[Option]] = defaultdict(list)
    jobs: dict[WorkloadName, list[Option]] = defaultdict(list)
    for option, is_job in _options(plan, snapshot):
        (jobs if is_job else services)[option.workload].append(option)
    return Standing(
        plan=plan,
        snapshot=snapshot,
        pools=pool_states(plan, snapshot),
        services={name: tuple(services[name]) for name in sorted(services)},
        jobs={name: tuple(jobs[name]) for name in sorted(jobs)},
    )


def is_seen(cluster: ClusterName, snapshot: Snapshot) -> bool:
    """Whether the site is observed now."""
    return cluster in snapshot.sites and cluster not in snapshot.unseen


def pool_states(plan: Plan, snapshot: Snapshot) -> Mapping[PoolName, PoolState]:
    """The pools of the plan at sites that are seen, in the plan's order."""
    serving: dict[PoolName, list[Node]] = defaultdict(list)
    draining: dict[PoolName, list[Node]] = defaultdict(list)
    doomed: dict[PoolName, int] = defaultdict(int)
    for report in snapshot.sites.values():
        for node in report.nodes:
            doomed[node.pool] += node.doomed
            if not node.doomed:
                leaving = node.phase is NodePhase.DRAINING
                (draining if leaving else serving)[node.pool].append(node)
    declared = snapshot.fleet.pools
    return {
        line.pool: PoolState(
            line=line,
            least=declared[line.pool].min_nodes if line.pool in declared else 0,
            serving=tuple(serving[line.pool]),
            draining=tuple(draining[line.pool]),
            doomed=doomed[line.pool],
            ready=sum(node.phase is NodePhase.READY for node in serving[line.pool]),
        )
        for line in plan.pools
        if is_seen(line.cluster, snapshot)
    }


def _options(plan: Plan, snapshot: Snapshot) -> Iterator[tuple[Option, bool]]:
    """Every option that has pods or shall have some, and whether its workload is a job."""
    found: dict[tuple[WorkloadName, PoolName], tuple[ClusterName, Placement]] = {
        (placement.workload, placement.pool): (cluster, placement)
        for cluster, report in snapshot.sites.items()
        for placement in report.placements
    }
    seen = snapshot.sites.keys() - snapshot.unseen.keys()
    for line in plan.placements:
        there = found.pop((line.workload, line.pool), None)
        placement = there[1] if there else None
        if line.after or placement:
            yield _planned(line, placement, line.cluster not in seen), line.is_job
    jobs = {line.workload for line in plan.placements if line.is_job} | snapshot.fleet.jobs.keys()
    planned = {line.pool for line in plan.pools}
    for cluster, placement in found.values():
        frozen = cluster not in seen or placement.pool not in planned
        yield _unplanned(placement, cluster, frozen), placement.workload in jobs


def _planned(line: PlacementLine, placement: Placement | None, frozen: bool) -> Option:
    return Option(
        workload=line.workload,
        pool=line.pool,
        cluster=line.cluster,
        frozen=frozen,
        after=line.after,
        planned_share=line.share_after,
        because=line.because,
        wanted=placement.wanted if placement else 0,
        ready=placement.ready if placement else 0,
        pending=placement.pending if placement else 0,
        share=placement.share if placement else 0.0,
    )


def _unplanned(placement: Placement, cluster: ClusterName, frozen: bool) -> Option:
    return Option(
        workload=placement.workload,
        pool=placement.pool,
        cluster=cluster,
        frozen=frozen,
        after=0,
        planned_share=0.0,
        because="the plan has no use for it here",
        wanted=placement.wanted,
        ready=placement.ready,
        pending=placement.pending,
        share=placement.share,
    )
