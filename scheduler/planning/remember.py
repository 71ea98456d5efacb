"""Remember: what one tick leaves for the next."""

from collections.abc import Iterable, Mapping

from scheduler.domain.actions import Grow, Guarded, Place, Receipt, Shift, Vacate
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import Memory, Snapshot, SoldOut
from scheduler.planning.standing import is_seen, pool_states

ACCEPTED = "accepted"
NO_CAPACITY = "no-capacity"
FIRST_WAIT_S = 180.0
"""Longer than the time between two ticks, or the next one would ask for the same offer."""
LONGEST_WAIT_S = 1800.0
FORGET_AFTER_S = 3 * 3600.0
"""So long after the last wait ended, an offer has no strikes against it."""


def remember(
    snapshot: Snapshot, plan: Plan, guarded: Guarded, receipts: Iterable[Receipt]
) -> Memory:
    """The memory after this tick: offers sold out, services grown, pools with surplus, vacated."""
    before, answers = snapshot.memory, tuple(receipts)
    return Memory(
        tick=before.tick + 1,
        started_at=before.started_at if before.tick else snapshot.now,
        sold_out=_sold_out(before.sold_out, answers, snapshot.now),
        grown_at=_grown_at(snapshot, guarded, answers),
        moved_at=_moved_at(snapshot, guarded, answers),
        surplus_since=_surplus_since(plan, snapshot),
        vacated_at=_vacated_at(snapshot, guarded, answers),
    )


def _sold_out(
    before: Mapping[PoolName, SoldOut], receipts: tuple[Receipt, ...], now: Instant
) -> Mapping[PoolName, SoldOut]:
    """Each refusal doubles the wait; an accepted order, or long enough quiet, clears it."""
    kept = {pool: item for pool, item in before.items() if now - item.until < FORGET_AFTER_S}
    for receipt in receipts:
        if not isinstance(receipt.action, Grow):
            continue
        pool = receipt.action.pool
        if receipt.outcome == ACCEPTED:
            kept.pop(pool, None)
        elif receipt.outcome == NO_CAPACITY:
            kept[pool] = _struck(kept.get(pool), now)
    return kept


def _struck(before: SoldOut | None, now: Instant) -> SoldOut:
    strikes = before.strikes + 1 if before else 1
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(strikes - 1, 10))
    return SoldOut(until=Instant(now + wait_s), strikes=strikes)


def _grown_at(
    snapshot: Snapshot, guarded: Guarded, receipts: tuple[Receipt, ...]
) -> Mapping[WorkloadName, Instant]:
    """Services that got pods. An allowed order without a receipt may have arrived: it counts."""
    failed = _failed(receipts)
    declared = snapshot.fleet.services
    grown = {name: at for name, at in snapshot.memory.grown_at.items() if name in declared}
    for action in guarded.allowed:
        if isinstance(action, Place) and action.pods > action.before and action.key not in failed:
            grown[action.workload] = snapshot.now
    return grown


def _moved_at(
    snapshot: Snapshot, guarded: Guarded, receipts: tuple[Receipt, ...]
) -> Mapping[WorkloadName, Instant]:
    """Services whose pods or traffic changed."""
    failed, declared = _failed(receipts), snapshot.fleet.services
    moved = {name: at for name, at in snapshot.memory.moved_at.items() if name in declared}
    for action in guarded.allowed:
        if isinstance(action, Place | Shift) and action.key not in failed:
            moved[action.workload] = snapshot.now
    return moved


def _vacated_at(
    snapshot: Snapshot, guarded: Guarded, receipts: tuple[Receipt, ...]
) -> Mapping[PoolName, Instant]:
    """Pools of which nodes were emptied. An order without an answer counts here too."""
    failed, declared = _failed(receipts), snapshot.fleet.pools
    vacated = {pool: at for pool, at in snapshot.memory.vacated_at.items() if pool in declared}
    for action in guarded.allowed:
        if isinstance(action, Vacate) and action.key not in failed:
            vacated[action.pool] = snapshot.now
    return vacated


def _failed(receipts: tuple[Receipt, ...]) -> frozenset[ActionKey]:
    return frozenset(item.action.key for item in receipts if item.outcome != ACCEPTED)


def _surplus_since(plan: Plan, snapshot: Snapshot) -> Mapping[PoolName, Instant]:
    """Since when each pool has had more nodes than planned; unseen pools keep what was known."""
    before, clusters = (
        snapshot.memory.surplus_since,
        {line.pool: line.cluster for line in plan.pools},
    )
    unseen = {
        pool: since
        for pool, since in before.items()
        if pool in clusters and not is_seen(clusters[pool], snapshot)
    }
    now = {
        pool: before.get(pool, snapshot.now)
        for pool, state in pool_states(plan, snapshot).items()
        if state.surplus > 0
    }
    return unseen | now
