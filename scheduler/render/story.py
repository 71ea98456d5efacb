"""The story of a running daemon: one line a decision, and none where nothing changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import assert_never

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Guarded,
    Place,
    Receipt,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import Instant, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.render.figures import ARROW, clock, count, money, noun_for, plural, step
from scheduler.render.marks import Mark, of_action
from scheduler.render.paper import Ink, Line, Word, cells, clean, cut, cut_name, pad, paint

ACCEPTED = "accepted"
NAME_WIDTH = 22
WHAT_ENDS = 27
"""Where reasons begin, counted from the mark, unless the words before run longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What one tick decided and did."""

    now: Instant
    plan: Plan
    guarded: Guarded
    receipts: tuple[Receipt, ...] = ()
    previous: Plan | None = None
    """The plan of the tick before: a load is told as before -> now."""
    receipts_before: tuple[Receipt, ...] = ()
    """The receipts of the tick before: what is sent again is no news."""
    zone: tzinfo = UTC


class EventKind(StrEnum):
    """What can happen to a pool without being decided."""

    INTERRUPTED = "interrupted"
    SOLD_OUT = "sold-out"
    LOST = "lost"
    UNSEEN = "unseen"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a pool or a cluster, with how many nodes it touches."""

    now: Instant
    kind: EventKind
    subject: str
    nodes: int = 0
    detail: str = ""
    zone: tzinfo = field(default=UTC)


@dataclass(frozen=True, slots=True)
class _Item:
    """One line to be told: what changes and why."""

    mark: str
    ink: Ink
    name: str
    what: str
    why: str


def tell(
    moment: Moment, *, width: int = 100, colour: bool = False, resizes: bool = True
) -> tuple[str, ...]:
    """The lines of one tick: nodes, then jobs, then moves of services, then what went wrong.

    The first line carries the time and the bill before -> after. Only what a site accepted is
    told as done. Without `resizes`, a service is worth a line only where it arrives in a cluster or
    leaves it.
    """
    known = {(receipt.action.key, receipt.outcome) for receipt in moment.receipts_before}
    news = [
        receipt for receipt in moment.receipts if (receipt.action.key, receipt.outcome) not in known
    ]
    items = [*_done(news, moment, resizes), *_failed(news)]
    return tuple(
        paint([_line(item, moment, width, first=place == 0)], colour=colour)
        for place, item in enumerate(items)
    )


def tell_event(event: Event, *, width: int = 100, colour: bool = False) -> str:
    """One line for an interruption, an offer sold out, a node lost, a site unseen or back."""
    head = f"{clock(event.now, event.zone)}  "
    mark = Mark.ADD.ink if event.kind is EventKind.BACK else Ink.ALARM
    name = pad(cut_name(clean(event.subject), NAME_WIDTH), NAME_WIDTH)
    detail = f": {clean(event.detail)}" if event.detail else ""
    words = cut(f"{_happened(event)}{detail}", width - len(head) - NAME_WIDTH - 4)
    return paint(
        [(Word(head, Ink.DIM), Word(f"! {name}", mark), Word(f"  {words}"))], colour=colour
    )


def _happened(event: Event) -> str:
    match event.kind:
        case EventKind.INTERRUPTED:
            return f"spot notice for {plural(max(event.nodes, 1), 'node')}"
        case EventKind.SOLD_OUT:
            return "sold out"
        case EventKind.LOST:
            return f"{plural(max(event.nodes, 1), 'node')} lost"
        case EventKind.UNSEEN:
            return "not seen, frozen as it was"
        case EventKind.BACK:
            return "seen again"
        case _:
            assert_never(event.kind)


def _done(news: Sequence[Receipt], moment: Moment, resizes: bool) -> Iterator[_Item]:
    done = [receipt.action for receipt in news if receipt.outcome == ACCEPTED]
    for action in done:
        if isinstance(action, Grow | Vacate | Drain | Release | Resume | Suspend):
            yield _of_action(action, moment)
    yield from _of_services(
        [action for action in done if isinstance(action, Place)], moment, resizes
    )


def _of_action(action: Action, moment: Moment) -> _Item:
    mark = of_action(action)
    match action:
        case Grow():
            what = f"{step(action.before, action.nodes)} {noun_for(action.nodes, 'node')}"
            return _Item(mark, mark.ink, action.pool, what, _why_growth(action, moment))
        case Vacate():
            nodes = plural(len(action.nodes), "node")
            what = f"makes room on {nodes} for {action.workload}"
            return _Item(mark, mark.ink, action.pool, what, action.why)
        case Drain():
            what = f"drains {plural(len(action.nodes), 'node')}"
            return _Item(mark, mark.ink, action.pool, what, action.why)
        case Release():
            what = f"gives {plural(len(action.nodes), 'node')} back"
            return _Item(mark, mark.ink, action.pool, what, "")
        case Resume():
            what = f"starts on {action.pool}"
            return _Item(mark, mark.ink, action.workload, what, action.why)
        case Suspend():
            what = f"stops on {action.pool}"
            return _Item(mark, mark.ink, action.workload, what, action.why)
        case Place() | Shift():
            raise TypeError("services are told together: pass them to _of_services")
        case _:
            assert_never(action)


def _of_services(places: Sequence[Place], moment: Moment, resizes: bool) -> Iterator[_Item]:
    """One line a service: where it arrives, grows, shrinks and leaves."""
    by_service: dict[WorkloadName, list[Place]] = {}
    for place in places:
        if resizes or _comes_or_goes(place, moment.plan):
            by_service.setdefault(place.workload, []).append(place)
    for service, moves in by_service.items():
        marks = {of_action(move) for move in moves}
        mark = marks.pop() if len(marks) == 1 else Mark.CHANGE
        what = ", ".join(f"{move.pool} {step(move.before, move.pods)}" for move in moves)
        yield _Item(mark, mark.ink, service, f"{what} pods", _load(service, moment))


def _comes_or_goes(place: Place, plan: Plan) -> bool:
    """The service arrives in the cluster, or leaves it altogether."""
    lines = [
        line
        for line in plan.placements
        if line.workload == place.workload and line.cluster == place.cluster
    ]
    before, after = sum(line.before for line in lines), sum(line.after for line in lines)
    return place.pods > place.before if before == 0 else after == 0 and place.pods == 0


def _failed(receipts: Sequence[Receipt]) -> Iterator[_Item]:
    for receipt in receipts:
        if receipt.outcome in {ACCEPTED, "skipped"}:
            continue
        what = "sold out" if receipt.outcome == "no-capacity" else receipt.outcome
        yield _Item("!", Ink.ALARM, receipt.action.pool, what, receipt.detail)


def _why_growth(action: Grow, moment: Moment) -> str:
    """The workload that gains most on the pool, its load, and why it is not elsewhere."""
    gains = [line for line in moment.plan.placements if line.pool == action.pool]
    gain = max(gains, key=lambda line: line.after - line.before, default=None)
    if gain is None or gain.after <= gain.before:
        return action.why
    bursts = moment.plan.bursts
    here = (line for line in bursts if line.workload == gain.workload and line.pool == gain.pool)
    words = " ".join(filter(None, (gain.workload, _load(gain.workload, moment))))
    return ", ".join([words, *(line.because for line in here)])


def _load(service: WorkloadName, moment: Moment) -> str:
    """`1,840 -> 2,310 req/s`; nothing for a job."""
    now = _rps(service, moment.plan)
    before = _rps(service, moment.previous)
    if now is None:
        return ""
    return f"{now} req/s" if before in {None, now} else f"{before} {ARROW} {now} req/s"


def _rps(service: WorkloadName, plan: Plan | None) -> str | None:
    lines = plan.services if plan else ()
    return next((count(line.rps) for line in lines if line.service == service), None)


def _line(item: _Item, moment: Moment, width: int, *, first: bool) -> Line:
    """Time, mark, name, what, why, and the bill at the right edge of the first line."""
    time = f"{clock(moment.now, moment.zone)}  "
    name = f"{item.mark} {cut_name(clean(item.name), NAME_WIDTH)}"
    room = width - cells(time) - cells(name) - 1
    what = clean(item.what)
    why = f"{' ' * (WHAT_ENDS - cells(name) - cells(what))}  {clean(item.why)}" if item.why else ""
    bill = _bill(moment.plan, room - cells(what + why) - 2) if first else ""
    words = cut(what + why, room - (len(bill) + 2 if bill else 0))
    gap = " " * (room - cells(words) - len(bill))
    stamp = Word(time if first else " " * len(time), Ink.DIM)
    return (stamp, Word(f"{name} ", item.ink), Word(words), Word(gap), Word(bill, Ink.BOLD))


def _bill(plan: Plan, room: int) -> str:
    """`31.20 -> 36.90 USD/h`, or only where it goes if there is less room."""
    before, after = money(plan.usd_per_hour_before), money(plan.usd_per_hour_after)
    if before == after:
        return f"{after} USD/h"
    whole = f"{before} {ARROW} {after} USD/h"
    return whole if len(whole) <= room else f"{ARROW} {after} USD/h"
