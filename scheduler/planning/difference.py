"""Comparing two plans line by line."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from scheduler.domain.difference import (
    BillDifference,
    MissingDifference,
    PlacementDifference,
    PlanDifference,
    PoolDifference,
    ServiceDifference,
    Side,
)
from scheduler.domain.plan import MissingLine, PlacementLine, Plan, PoolLine, ServiceLine

SAME_SHARE = 5e-4
"""Shares that differ by less are the same traffic."""
SAME_AMOUNT = 1e-6
SAME_LATENCY_S = 5e-4

K = TypeVar("K")
V = TypeVar("V")


def difference(
    today: Plan, then: Plan, supposed: tuple[str, ...], stay_usd_per_hour: float | None
) -> PlanDifference:
    """What the plan then has that today's has not, and the other way round; in order of names."""
    return PlanDifference(
        supposed=supposed,
        today=_side(today),
        then=_side(then),
        stay_usd_per_hour=None if stay_usd_per_hour is None else round(stay_usd_per_hour, 9) + 0.0,
        bill=_bill(today, then),
        pools=tuple(_pools(today, then)),
        placements=tuple(_placements(today, then)),
        services=tuple(_services(today, then)),
        missing=tuple(_missing(today, then)),
        notes=tuple(note for note in then.notes if note not in today.notes),
    )


def _side(plan: Plan) -> Side:
    return Side(
        nodes_usd_per_hour=round(plan.usd_per_hour_after, 9) + 0.0,
        usd_per_hour=plan.proof.objective,
        bound=plan.proof.bound,
        solver=plan.proof.solver,
    )


def _pairs(today: Mapping[K, V], then: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    """Both sides by key, today's order first."""
    for key in dict.fromkeys([*today, *then]):
        yield key, today.get(key), then.get(key)


def _bill(today: Plan, then: Plan) -> tuple[BillDifference, ...]:
    sides = [{line.policy: line.usd_per_hour for line in plan.bill} for plan in (today, then)]
    return tuple(
        BillDifference(policy=policy, today=a or 0.0, then=b or 0.0)
        for policy, a, b in sorted(_pairs(*sides))
    )


def _pools(today: Plan, then: Plan) -> Iterable[PoolDifference]:
    sides = [{line.pool: line for line in plan.pools} for plan in (today, then)]
    for name, a, b in _pairs(*sides):
        line = b or a
        assert line is not None
        before, after = _nodes(a), _nodes(b)
        old, new = (a or line).usd_per_node_hour, (b or line).usd_per_node_hour
        if before != after or old != new:
            yield PoolDifference(
                pool=name,
                cluster=line.cluster,
                today=before,
                then=after,
                usd_per_node_hour_today=old,
                usd_per_node_hour_then=new,
                because=_pool_because(b, before, after),
            )


def _nodes(line: PoolLine | None) -> int:
    return line.after if line else 0


def _pool_because(then: PoolLine | None, today: int, after: int) -> str:
    """The line's own words, where they are about this change and not about that from now."""
    if then is None:
        return "it is lost"
    if today == after:
        return "another price"
    return then.because if (after > then.before) == (after > today) else ""


def _placements(today: Plan, then: Plan) -> Iterable[PlacementDifference]:
    sides = [
        {(line.workload, line.pool): line for line in plan.placements} for plan in (today, then)
    ]
    said = {line.service: line.because for line in then.services}
    for (workload, pool), a, b in sorted(_pairs(*sides), key=lambda pair: pair[0]):
        line = b or a
        assert line is not None
        before, after = (_placed(side) for side in (a, b))
        moved = abs(before[1] - after[1]) >= SAME_SHARE
        if before[0] != after[0] or moved:
            yield PlacementDifference(
                workload=workload,
                pool=pool,
                is_job=line.is_job,
                today=before[0],
                then=after[0],
                share_today=before[1],
                share_then=after[1],
                because=_without(b.because, said.get(workload, ""))
                if b is not None and after[0] > before[0]
                else "",
            )


def _without(because: str, said: str) -> str:
    """The placement's own reason, less what is said of the service's load."""
    return because.replace(said, "").strip(" ;") if said else because


def _placed(line: PlacementLine | None) -> tuple[int, float]:
    return (line.after, line.share_after) if line else (0, 0.0)


def _services(today: Plan, then: Plan) -> Iterable[ServiceDifference]:
    sides = [{line.service: line for line in plan.services} for plan in (today, then)]
    for name, a, b in _pairs(*sides):
        if a is not None and b is not None and not _serves_alike(a, b):
            yield ServiceDifference(
                service=name,
                quantile=b.quantile,
                rps_today=a.rps,
                rps_then=b.rps,
                objective_s_today=a.objective_s,
                objective_s_then=b.objective_s,
                predicted_s_today=a.predicted_s,
                predicted_s_then=b.predicted_s,
            )


def _serves_alike(a: ServiceLine, b: ServiceLine) -> bool:
    if abs(a.rps - b.rps) > SAME_AMOUNT * max(a.rps, 1.0) or a.objective_s != b.objective_s:
        return False
    if a.predicted_s is None or b.predicted_s is None:
        return a.predicted_s is b.predicted_s
    both_endless = a.predicted_s == b.predicted_s
    return both_endless or abs(a.predicted_s - b.predicted_s) < SAME_LATENCY_S


def _missing(today: Plan, then: Plan) -> Iterable[MissingDifference]:
    sides = [{line.workload: line for line in plan.missing} for plan in (today, then)]
    for name, a, b in sorted(_pairs(*sides), key=lambda pair: pair[0]):
        line = b or a
        assert line is not None
        before, after = _amount(a), _amount(b)
        if abs(before - after) > SAME_AMOUNT * max(line.wanted, 1.0):
            yield MissingDifference(
                workload=name,
                is_job=line.is_job,
                today=before,
                then=after,
                wanted=line.wanted,
                because=b.because if b else "it has its place then",
            )


def _amount(line: MissingLine | None) -> float:
    return line.amount if line else 0.0
