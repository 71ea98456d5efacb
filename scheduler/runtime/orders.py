"""Orders: actions as a site understands them, and the last look before anything is taken away."""

from dataclasses import replace
from typing import assert_never

from adapters.base import Adapter, DrainOrder, Order, PlaceOrder, ReleaseOrder, Scale
from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Place,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import NodeName
from scheduler.domain.snapshot import Node, NodePhase, SiteReport

PHASES = 6


def phase(action: Action) -> int:
    """0 adds nodes, 1 gives work to them, 2 takes work and traffic off.

    3 empties nodes that come back, 4 drains those that do not, 5 releases.
    """
    match action:
        case Grow():
            return 0
        case Place() | Shift():
            return 2 if _takes_off(action) else 1
        case Resume() | Suspend():
            return 1
        case Vacate():
            return 3
        case Drain():
            return 4
        case Release():
            return 5
        case _:
            assert_never(action)


def _takes_off(action: Place | Shift) -> bool:
    if isinstance(action, Place):
        return action.pods < action.before
    return action.share < action.before


def order_of(action: Action) -> Order:
    """The end state to ask the site for."""
    match action:
        case Grow():
            return Scale(key=action.key, pool=action.pool, nodes=action.nodes)
        case Place() | Shift():
            return _pods(action, action.pods, share=action.share)
        case Resume():
            return _pods(action, action.pods, gang=True)
        case Suspend():
            return _pods(action, 0, gang=True)
        case Vacate() | Drain():
            return DrainOrder(key=action.key, pool=action.pool, nodes=action.nodes)
        case Release():
            return ReleaseOrder(key=action.key, pool=action.pool, nodes=action.nodes)
        case _:
            assert_never(action)


def _pods(
    action: Place | Shift | Resume | Suspend, pods: int, *, share: float = 0.0, gang: bool = False
) -> PlaceOrder:
    return PlaceOrder(
        key=action.key,
        workload=action.workload,
        pool=action.pool,
        pods=pods,
        share=share,
        gang=gang,
    )


async def send(adapter: Adapter, order: Order) -> None:
    """Hand the order to the site."""
    match order:
        case Scale():
            await adapter.scale(order)
        case PlaceOrder():
            await adapter.place(order)
        case DrainOrder():
            await adapter.drain(order)
        case ReleaseOrder():
            await adapter.release(order)
        case _:
            assert_never(order)


def narrowed(
    action: Vacate | Drain | Release, before: SiteReport | None, report: SiteReport
) -> tuple[Vacate | Drain | Release, str]:
    """The action on the nodes that may still be taken, and in words which were left out and why.

    Nodes are vacated together or not at all: fewer would move replicas and seat no gang.
    """
    if isinstance(action, Vacate) and _has_seats(action, report):
        return replace(action, nodes=()), f"{action.workload} has found its seats"
    now = {node.name: node for node in report.nodes}
    then = {node.name: node for node in before.nodes} if before else {}
    objections = {name: _objection(action, then.get(name), now.get(name)) for name in action.nodes}
    left_out = [f"{name}: {why}" for name, why in objections.items() if why]
    nodes: tuple[NodeName, ...] = tuple(name for name in action.nodes if not objections[name])
    if left_out and isinstance(action, Vacate):
        nodes = ()
    return replace(action, nodes=nodes), "; ".join(left_out)


def _has_seats(action: Vacate, report: SiteReport) -> bool:
    """Pods that left earlier in this tick may have made the room."""
    return not any(
        there.pending and (there.workload, there.pool) == (action.workload, action.pool)
        for there in report.placements
    )


def _objection(action: Vacate | Drain | Release, then: Node | None, now: Node | None) -> str:
    if now is None:
        return "no longer there"
    match action:
        case Vacate():
            return _why_not_vacated(then, now)
        case Drain():
            idle_then = then is not None and then.pods == 0
            return f"busy again with {now.pods} pods" if idle_then and now.pods > 0 else ""
        case Release():
            if now.phase is not NodePhase.DRAINING:
                return f"{now.phase}, not draining"
            return f"busy with {now.pods} pods" if now.pods > 0 else ""
        case _:
            assert_never(action)


def _why_not_vacated(then: Node | None, now: Node) -> str:
    """What sits there was counted on to fit elsewhere: no more of it, and no gang."""
    if now.workers:
        return "a gang works on it"
    if now.doomed or now.phase is not NodePhase.READY:
        return f"{'doomed' if now.doomed else now.phase}, not ready"
    more = then is not None and now.gpus_used > then.gpus_used
    return f"busier, with {now.pods} pods" if more else ""
