"""Lines of a plan about work: placements, services, and what runs in public clusters."""

import numpy as np

from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.places import Exposure
from scheduler.domain.plan import BurstLine, PlacementLine, ServiceLine
from scheduler.domain.readings import Freshness
from scheduler.domain.workloads import InferenceService
from scheduler.planning.blame import Blame, Reason
from scheduler.planning.figures import plural, usd
from scheduler.planning.outcome import Outcome, tidy

DEARER = 3
"""Rank of a reason that is only about money."""


def placement_lines(outcome: Outcome) -> tuple[PlacementLine, ...]:
    """One line a workload and pool that has pods before or after, sorted."""
    board = outcome.board
    keys = {
        (board.workloads.names[row], board.pools.names[column])
        for row, column in zip(*np.nonzero(outcome.pods), strict=True)
    }
    keys |= {key for key, (pods, share) in outcome.before.items() if pods or share}
    work = {name: i for i, name in enumerate(board.workloads.names)}
    pools = {name: i for i, name in enumerate(board.pools.names)}
    return tuple(
        _placement(outcome, workload, pool, work[workload], pools[pool])
        if workload in work and pool in pools
        else _undeclared(outcome, workload, pool)
        for workload, pool in sorted(keys)
    )


def _placement(outcome: Outcome, workload: str, pool: str, row: int, column: int) -> PlacementLine:
    board = outcome.board
    pods, share = outcome.before.get((workload, pool), (0, 0.0))
    after, is_job = int(outcome.pods[row, column]), row >= board.workloads.services
    words = _job_words if is_job else _service_words
    return PlacementLine(
        workload=WorkloadName(workload),
        pool=PoolName(pool),
        cluster=board.catalogue.clusters[int(board.pools.cluster[column])].name,
        is_job=is_job,
        before=pods,
        after=after,
        share_before=share,
        share_after=float(outcome.shares[row, column]),
        capacity_rps=tidy(outcome.capacity_rps[row, column] * after),
        because=words(outcome, row, column, after - pods),
    )


def _undeclared(outcome: Outcome, workload: str, pool: str) -> PlacementLine:
    """Work or a pool that is no longer in the documents: it goes, where its site is seen."""
    pods, share = outcome.before[workload, pool]
    sites = outcome.board.snapshot.sites.values()
    cluster = next(
        (
            r.cluster
            for r in sites
            if any(p.pool == pool and p.workload == workload for p in r.placements)
        ),
        ClusterName(""),
    )
    stays = cluster in outcome.board.snapshot.unseen
    return PlacementLine(
        workload=WorkloadName(workload),
        pool=PoolName(pool),
        cluster=cluster,
        is_job=share == 0.0,
        before=pods,
        after=pods if stays else 0,
        share_before=share,
        share_after=share if stays else 0.0,
        capacity_rps=0.0,
        because="frozen: its site is not seen" if stays else "no longer declared",
    )


def _service_words(outcome: Outcome, row: int, column: int, change: int) -> str:
    name = WorkloadName(outcome.board.workloads.names[row])
    need = outcome.decision.demand.services.get(name)
    line = need.because if need else "no demand known"
    if change > 0:
        return f"{line}; {_price_words(outcome, row, column)}"
    if change < 0 and outcome.pods[row].sum() >= outcome.pods_before.get(name, 0):
        return "moves to where it costs less in sum"
    return f"fewer are enough: {line}" if change < 0 else line


def _price_words(outcome: Outcome, row: int, column: int) -> str:
    board = outcome.board
    able = float(outcome.capacity_rps[row, column])
    per_node = max(int(board.catalogue.per_node[row, column]), 1)
    price = float(board.pool_state.usd_per_node_hour[column]) / per_node
    if able <= 0.0:
        return f"{usd(price)} a replica here"
    return f"{usd(price / able * 1000.0)} per 1,000 requests/s here"


def _job_words(outcome: Outcome, row: int, column: int, change: int) -> str:
    del column
    need = outcome.decision.demand.jobs.get(WorkloadName(outcome.board.workloads.names[row]))
    words = need.because if need else "no demand known"
    if change >= 0:
        return words
    return "moves to another pool" if outcome.pods[row].any() else f"stops: {words}"


def service_lines(outcome: Outcome) -> tuple[ServiceLine, ...]:
    """One line a service, in the order of names."""
    board = outcome.board
    state = board.workload_state
    lines = []
    for row, item in enumerate(board.workloads.items[: board.workloads.services]):
        assert isinstance(item, InferenceService)
        need = outcome.decision.demand.services.get(item.name)
        lines.append(
            ServiceLine(
                service=item.name,
                rps=tidy(state.wanted[row]),
                freshness=need.freshness if need else Freshness.UNKNOWN,
                objective_s=item.objective.seconds,
                quantile=item.objective.quantile,
                predicted_s=outcome.predicted_s(row),
                held=bool(state.hold[row]),
                because=need.because if need else "no demand known",
            )
        )
    return tuple(lines)


def burst_lines(
    outcome: Outcome, blame: Blame, placements: tuple[PlacementLine, ...]
) -> tuple[BurstLine, ...]:
    """Work in public clusters: why not in a private one, and what would bring it back."""
    board = outcome.board
    private = [c.exposure is not Exposure.PUBLIC for c in board.catalogue.clusters]
    inside = [i for i, cluster in enumerate(board.pools.cluster) if private[int(cluster)]]
    public = {c.name for c in board.catalogue.clusters if c.exposure is Exposure.PUBLIC}
    rows = {name: row for row, name in enumerate(board.workloads.names)}
    reasons: dict[WorkloadName, Reason] = {}
    lines = []
    for line in placements if inside else ():
        if line.after and line.cluster in public and line.workload in rows:
            if line.workload not in reasons:
                row = rows[line.workload]
                reasons[line.workload] = _why_outside(outcome, blame, row, inside)
            reason = reasons[line.workload]
            lines.append(
                BurstLine(
                    workload=line.workload,
                    pool=line.pool,
                    because=reason.words,
                    remedy=reason.remedy,
                )
            )
    return tuple(lines)


def _why_outside(outcome: Outcome, blame: Blame, row: int, inside: list[int]) -> Reason:
    """The strongest reason over the private pools."""
    options = {int(outcome.board.options.pool[o]): int(o) for o in blame.options_of(row)}
    found = [
        blame.unused(options[pool]) if pool in options else blame.excluded(row, pool)
        for pool in inside
    ]
    reasons = sorted((r for r in found if r is not None), key=lambda r: (r.rank, r.words))
    if not reasons:
        return Reason("private pools hold all that they can", "more private nodes", 9)
    best = reasons[0]
    if best.rank == DEARER:
        outside = [pool for pool in range(len(outcome.pods[row])) if pool not in inside]
        pods = plural(float(outcome.pods[row, outside].sum()), "pod")
        words = f"all policies together make it cheaper outside for {pods}; {best.words}"
        return Reason(f"{words} before crowding, moves and data", best.remedy, DEARER)
    return best
