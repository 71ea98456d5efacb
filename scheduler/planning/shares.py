"""Shares: how a service's traffic is split over the options that can answer now."""

from collections.abc import Mapping, Sequence

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import PoolName
from scheduler.planning.standing import Option


def shares(
    options: Sequence[Option], ordered: Mapping[PoolName, int], fleet: Fleet
) -> Mapping[PoolName, float]:
    """The share of each option of one service once it has the `ordered` pods.

    An option gets its planned share in the measure in which its pods are ready. What is then
    left goes to the least loaded ready pods first. With nothing ready anywhere the planned
    shares are set, for whoever comes up first. Options that take no orders keep what they have.
    """
    free = [option for option in options if not option.frozen]
    kept = {option.pool: option.share for option in options if option.frozen}
    away = sum(option.share for option in options if option.frozen and option.ready)
    able = {option.pool: min(option.ready, ordered[option.pool]) for option in free}
    fast = {option.pool: speed(option, fleet) for option in free}
    aims = _aims(free, ordered, fast)
    if any(able.values()):
        base = {
            option.pool: aims[option.pool] * min(1.0, able[option.pool] / option.after)
            if option.after
            else 0.0
            for option in free
        }
        aims = _filled(base, {pool: able[pool] * fast[pool] for pool in able})
    here = max(0.0, 1.0 - away)
    return kept | {pool: here * aim for pool, aim in aims.items()}


def speed(option: Option, fleet: Fleet) -> float:
    """How fast one pod is there, to compare it with pods elsewhere: its limit in requests/s."""
    service, pool = fleet.services.get(option.workload), fleet.pools.get(option.pool)
    curve = service.curves.get(pool.gpu_type) if service and pool else None
    return curve.limit_rps if curve and curve.limit_rps > 0.0 else 1.0


def _aims(
    free: Sequence[Option], ordered: Mapping[PoolName, int], fast: Mapping[PoolName, float]
) -> Mapping[PoolName, float]:
    """The planned shares; by strength where the plan names none. They sum to 1, or all are 0."""
    planned = {option.pool: option.planned_share if option.after else 0.0 for option in free}
    total = sum(planned.values())
    if total <= 0.0:
        planned = {option.pool: ordered[option.pool] * fast[option.pool] for option in free}
        total = sum(planned.values())
    return {pool: share / total for pool, share in planned.items()} if total > 0.0 else planned


def _filled(
    base: Mapping[PoolName, float], strength: Mapping[PoolName, float]
) -> Mapping[PoolName, float]:
    """Raise the least loaded to one level, as water fills a vessel, until the sum is 1."""
    serving = sorted((pool for pool in base if strength[pool]), key=lambda p: base[p] / strength[p])
    rest = 1.0 - sum(base.values())
    if rest <= 1e-9:
        return base
    inside, level = 0.0, 0.0
    for position, pool in enumerate(serving):
        inside += strength[pool]
        rest += base[pool]
        level = rest / inside
        following = serving[position + 1] if position + 1 < len(serving) else None
        if following is None or level <= base[following] / strength[following]:
            break
    return {pool: max(share, level * strength[pool]) for pool, share in base.items()}
