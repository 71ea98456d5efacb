"""Moves of services: new pods at once, traffic to what is ready, old pods only after that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler.domain.actions import Place, Shift
from scheduler.domain.names import ActionKey, PoolName, WorkloadName
from scheduler.planning.knots import loosened
from scheduler.planning.shares import shares
from scheduler.planning.standing import Option, Standing

SHARE_STEP = 0.02
"""A smaller move of traffic than this is noise."""
SHARE_NOISE = 0.0005
"""When one share moves, the others follow down to this, so that they still sum to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The orders of one tick for services."""

    up: tuple[Place, ...]
    shifts: tuple[Shift, ...]
    """Rising shares first, so that traffic has a place to go before it is turned away."""
    down: tuple[Place, ...]
    left: tuple[tuple[Option, int], ...]
    """The options of services that are not as planned, with the pods that they are to have."""


def moves(standing: Standing) -> Moves:
    """Make before break: an option loses pods once everything its service waits for is ready."""
    loose = loosened(standing)
    left: list[tuple[Option, int]] = []
    up: list[Place] = []
    down: list[Place] = []
    shifts: list[Shift] = []
    for options in standing.services.values():
        if _settled(options):
            continue
        pods = _pods(options, loose)
        left.extend((option, pods[option.pool]) for option in options)
        for order in _orders(options, pods, standing):
            match order:
                case Shift():
                    shifts.append(order)
                case Place():
                    (up if order.pods > order.before else down).append(order)
    shifts.sort(key=lambda shift: shift.share < shift.before)
    return Moves(up=tuple(up), shifts=tuple(shifts), down=tuple(down), left=tuple(left))


def waits(options: tuple[Option, ...]) -> bool:
    """Whether some option of the service has fewer pods ready than it shall have."""
    return any(option.ready < option.after for option in options)


def _settled(options: tuple[Option, ...]) -> bool:
    """Pods and traffic are as planned: nothing to compute."""
    return all(
        option.wanted == option.after == option.ready
        and abs(option.share - option.planned_share) <= SHARE_NOISE
        for option in options
    )


def _pods(
    options: tuple[Option, ...], loose: Mapping[tuple[WorkloadName, PoolName], int]
) -> dict[PoolName, int]:
    """The pods to order on each pool now."""
    waiting = waits(options)
    pods: dict[PoolName, int] = {}
    for option in options:
        if option.frozen or (waiting and option.after < option.wanted):
            pods[option.pool] = option.wanted - loose.get((option.workload, option.pool), 0)
        else:
            pods[option.pool] = option.after
    return pods


def _orders(
    options: tuple[Option, ...], pods: Mapping[PoolName, int], standing: Standing
) -> Iterator[Place | Shift]:
    split = shares(options, pods, standing.snapshot.fleet)
    free = [option for option in options if not option.frozen]
    moving = any(
        pods[option.pool] != option.wanted or abs(split[option.pool] - option.share) > SHARE_STEP
        for option in free
    )
    for option in free:
        count, share = pods[option.pool], split[option.pool]
        if count != option.wanted:
            yield _place(option, count, share)
        elif moving and abs(share - option.share) > SHARE_NOISE:
            yield _shift(option, share)


def _place(option: Option, pods: int, share: float) -> Place:
    return Place(
        key=ActionKey(f"place/{option.workload}/{option.pool}/{pods}@{share:.3f}"),
        cluster=option.cluster,
        pool=option.pool,
        why=option.because,
        workload=option.workload,
        before=option.wanted,
        pods=pods,
        share=share,
    )


def _shift(option: Option, share: float) -> Shift:
    return Shift(
        key=ActionKey(f"shift/{option.workload}/{option.pool}/{share:.3f}"),
        cluster=option.cluster,
        pool=option.pool,
        why=option.because,
        workload=option.workload,
        pods=option.wanted,
        before=option.share,
        share=share,
    )
