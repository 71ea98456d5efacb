"""After: the world once all of a plan has come true."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from scheduler.domain.names import ClusterName, Instant, NodeName, PoolName
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import Node, NodePhase, Placement, SiteReport, Snapshot
from scheduler.planning.shares import shares
from scheduler.planning.standing import Option, PoolState, Standing, is_seen, stand


def world_after(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """The same instant with every node up, every pod ready, traffic split and surplus gone.

    Sites that are not seen, and pools that the plan does not name, stay as they are.
    """
    standing = stand(plan, snapshot)
    placements = tuple(_placements(standing))
    busy: dict[PoolName, int] = {}
    for _, placement in placements:
        busy[placement.pool] = busy.get(placement.pool, 0) + placement.ready
    sites = {
        cluster: _report(report, standing, placements, busy)
        if is_seen(cluster, snapshot)
        else report
        for cluster, report in snapshot.sites.items()
    }
    return replace(snapshot, sites=sites)


def _placements(standing: Standing) -> Iterator[tuple[ClusterName, Placement]]:
    """Every option as planned, with its traffic once all of its service is ready."""
    for options in standing.services.values():
        settled = [o if o.frozen else replace(o, ready=o.after) for o in options]
        split = shares(settled, {o.pool: o.after for o in options}, standing.snapshot.fleet)
        for option in options:
            yield from _settled(option, split[option.pool])
    for options in standing.jobs.values():
        for option in options:
            yield from _settled(option, 0.0)


def _settled(option: Option, share: float) -> Iterator[tuple[ClusterName, Placement]]:
    wanted = option.wanted if option.frozen else option.after
    ready = option.ready if option.frozen else option.after
    if wanted or ready:
        yield (
            option.cluster,
            Placement(
                workload=option.workload, pool=option.pool, wanted=wanted, ready=ready, share=share
            ),
        )


def _report(
    report: SiteReport,
    standing: Standing,
    placements: tuple[tuple[ClusterName, Placement], ...],
    busy: Mapping[PoolName, int],
) -> SiteReport:
    ours = [state for state in standing.pools.values() if state.line.cluster == report.cluster]
    planned = {state.line.pool for state in ours}
    now = standing.snapshot.now
    others = tuple(node for node in report.nodes if node.pool not in planned)
    return replace(
        report,
        nodes=(*others, *(node for s in ours for node in _nodes(s, busy.get(s.line.pool, 0), now))),
        placements=tuple(there for cluster, there in placements if cluster == report.cluster),
    )


def _nodes(state: PoolState, pods: int, now: Instant) -> Iterator[Node]:
    """The nodes that stay and those that come, all ready, with the pods dealt out evenly."""
    line = state.line
    kept = [node.name for node in state.serving[: state.floor]]
    taken = {node.name for node in (*state.serving, *state.draining)}
    fresh = (NodeName(f"{line.pool}-after-{number}") for number in range(line.after + len(taken)))
    coming = [name for name in fresh if name not in taken][: max(0, line.after - len(kept))]
    since = {node.name: node.since for node in state.serving}
    names = kept + coming
    others = sum(node.gpus_others for node in state.serving)
    for position, name in enumerate(names):
        share, rest = divmod(pods, len(names))
        yield Node(
            name=name,
            pool=line.pool,
            phase=NodePhase.READY,
            since=since.get(name, now),
            pods=share + (position < rest),
            # Pods of others move with the nodes: what they take of the pool stays.
            gpus_others=others / len(names),
        )
