"""The actions of a plan in words: those to be taken, in order, and those held back."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Guarded,
    Place,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import NodeName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.render.figures import ARROW, count, noun_for, percent, percent_figure, plural, step
from scheduler.render.marks import SAME_SHARE, of_action
from scheduler.render.paper import Ink, Line, Word, without
from scheduler.render.sheet import Column, Fit, Row, sheet

NAMED_NODES = 2
"""More nodes than this are counted rather than named."""
TABLE_REASON_LINES = 2

_COLUMNS = (
    Column("", Fit.NAME),
    Column("on", Fit.NAME),
    Column("to", Fit.LABEL),
    Column("why", Fit.REASON),
)


def taken(plan: Plan, guarded: Guarded | None, width: int, *, wide: bool) -> list[Line]:
    """The actions that may be done now, in their order, less the reasons told of the service."""
    if guarded is None:
        return []
    if not guarded.allowed:
        return [(Word("Actions", Ink.BOLD), Word("  none"))]
    told = {line.service: line.because for line in plan.services}
    rows = [_row(action, _why(action, told)) for action in guarded.allowed]
    limit = None if wide else TABLE_REASON_LINES
    return sheet(_titled("Actions, in order"), rows, width=width, reason_lines=limit)


def held(guarded: Guarded | None, width: int) -> list[Line]:
    """The actions that must wait, each with what holds it."""
    if guarded is None:
        return []
    rows = [_row(item.action, item.why) for item in guarded.held]
    return sheet(_titled("Held back"), rows, width=width)


def _titled(title: str) -> Sequence[Column]:
    return (Column(title, Fit.NAME), *_COLUMNS[1:])


def _why(action: Action, told: Mapping[WorkloadName, str]) -> str:
    match action:
        case Place() | Shift():
            return without(action.why, told.get(action.workload, ""))
        case _:
            return action.why


def _row(action: Action, why: str) -> Row:
    mark = of_action(action)
    return Row((f"  {mark} {phrase(action)}", action.pool, target(action), why), mark.ink)


def phrase(action: Action) -> str:
    """Verb and object: `grow`, `place search-ranking`, `make room for ranker-nightly`."""
    verb = type(action).__name__.lower()
    match action:
        case Place() | Shift() | Resume() | Suspend():
            return f"{verb} {action.workload}"
        case Vacate():
            return f"make room for {action.workload}"
        case Grow() | Drain() | Release():
            return verb
        case _:
            assert_never(action)


def target(action: Action) -> str:
    """The end state: `2 -> 5 nodes`, `0 -> 4 pods, 38 %`."""
    match action:
        case Grow():
            return f"{step(action.before, action.nodes)} {noun_for(action.nodes, 'node')}"
        case Place():
            share = f", share {percent(action.share)}" if action.share > 0.0 else ""
            return f"{step(action.before, action.pods)} {noun_for(action.pods, 'pod')}{share}"
        case Shift():
            return f"share {_shares(action.before, action.share)} %"
        case Resume() | Suspend():
            return plural(action.pods, "worker")
        case Vacate() | Drain() | Release():
            return _nodes(action.nodes)
        case _:
            assert_never(action)


def _shares(before: float, after: float) -> str:
    old, new = percent_figure(before), percent_figure(after)
    return new if abs(before - after) < SAME_SHARE and old == new else f"{old} {ARROW} {new}"


def _nodes(names: Sequence[NodeName]) -> str:
    if len(names) <= NAMED_NODES and sum(map(len, names)) <= 28:
        return ", ".join(names)
    return f"{count(len(names))} nodes"
