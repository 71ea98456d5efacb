"""Marks of change: `+` adds, `~` changes, `-` releases; two blanks where nothing changes."""

from enum import StrEnum
from typing import assert_never

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
from scheduler.domain.plan import PlacementLine, Plan, PoolLine
from scheduler.render.paper import Ink

SAME_SHARE = 5e-4
"""Shares that differ by less are shown, and counted, as equal: the text has one digit."""


class Mark(StrEnum):
    """The sign in front of a line."""

    ADD = "+"
    CHANGE = "~"
    RELEASE = "-"
    NONE = " "

    @property
    def ink(self) -> Ink:
        """The colour that goes with the sign."""
        return _INKS[self]


_INKS = {
    Mark.ADD: Ink.ADD,
    Mark.CHANGE: Ink.CHANGE,
    Mark.RELEASE: Ink.RELEASE,
    Mark.NONE: Ink.PLAIN,
}


def of_pool(line: PoolLine) -> Mark:
    """More nodes, fewer nodes, or as many."""
    return _of_numbers(line.before, line.after)


def of_placement(line: PlacementLine) -> Mark:
    """New on the pool, gone from it, other in number or share, or as it was."""
    if (line.before == 0) is not (line.after == 0):
        return _of_numbers(line.before, line.after)
    same_share = abs(line.share_before - line.share_after) < SAME_SHARE
    return Mark.NONE if line.before == line.after and same_share else Mark.CHANGE


def of_action(action: Action) -> Mark:
    """The same signs for orders."""
    match action:
        case Grow() | Resume():
            return Mark.ADD
        case Drain() | Release() | Suspend():
            return Mark.RELEASE
        case Place(before=0):
            return Mark.ADD
        case Place(pods=0):
            return Mark.RELEASE
        case Place() | Shift() | Vacate():
            return Mark.CHANGE
        case _:
            assert_never(action)


def tally(plan: Plan) -> dict[Mark, int]:
    """How many pools and placements carry each sign."""
    marks = [*map(of_pool, plan.pools), *map(of_placement, plan.placements)]
    return {mark: marks.count(mark) for mark in Mark}


def _of_numbers(before: int, after: int) -> Mark:
    if before == after:
        return Mark.NONE
    return Mark.ADD if after > before else Mark.RELEASE
