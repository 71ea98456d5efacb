"""Plans near what runs: the relaxation made whole beside the running placement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Bools, Floats
from scheduler.model.board import MISSING, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, cost, is_feasible
from scheduler.solve.highs import Relaxed
from scheduler.solve.near.cover import HAIR
from scheduler.solve.near.rounding import Rounding, searched
from scheduler.solve.near.sift import relax_near
from scheduler.solve.near.small import Small, completed, small

__all__ = ["relax_near", "solve_near"]

WORST = (6, 20, 60)
"""So many workloads are looked at again, the dearest for what they are: few take milliseconds."""
SEARCHES = len(WORST) + 3
"""Searches at most, and the linear programs as one more: each may take its share of the time."""
WIDE, NARROW = 2.0, 1.0
"""The search has so many units fewer or more than the relaxation: of a few workloads, of all."""


def solve_near(
    problem: Problem,
    board: Board,
    relaxed: Relaxed,
    running: Floats | None,
    settings: SolverSettings,
) -> Answer:
    """The best of what runs and what is found around the relaxation, until the gap is as asked.

    Of each workload only the options count that the relaxation uses or where it runs, and some
    with room. First workload after workload is made whole; then the dearest of them are searched
    again around that; then all of them. The bound is the relaxation's: what is left out proves
    nothing. The answer is feasible by our own check, and never costs more than what runs.
    """
    good = [running] if running is not None and is_feasible(problem, running) else []
    share = replace(settings, time_limit_s=settings.time_limit_s / SEARCHES)
    way = _Way(problem=problem, board=board, relaxed=relaxed, settings=share)
    for x in _candidates(way):
        if x is not None and is_feasible(problem, x):
            good.append(x)
        if good and _near(way, good):
            break
    best = min(good, key=lambda x: cost(problem, x), default=None)
    return Answer(x=best, bound=relaxed.bound)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Way:
    problem: Problem
    board: Board
    relaxed: Relaxed
    settings: SolverSettings


def _near(way: _Way, good: list[Floats]) -> bool:
    least = min(cost(way.problem, x) for x in good)
    return least - way.relaxed.bound <= way.settings.gap * abs(least)


def _candidates(way: _Way) -> Iterator[Floats | None]:
    """Each dearer to find than the one before, and asked for only if that was not good enough."""
    problem, limit_s = way.problem, way.settings.time_limit_s
    near = small(problem, way.board, way.relaxed)
    rounding = Rounding(near, way.board, problem, limit_s)
    whole = rounding.run(way.settings)
    if whole is not None:
        yield from _improved(way, near, whole, (rounding.job < 0) & (near.owner < 0))
    found = _search(way, near, near.part.lower, near.part.upper, NARROW, _split(way, near))
    yield None if found is None else completed(problem, near, found, limit_s)


def _improved(way: _Way, near: Small, whole: Floats, no_unit: Bools) -> Iterator[Floats | None]:
    """Whole numbers completed; then the same with the dearest workloads searched again."""
    limit_s = way.settings.time_limit_s
    x = completed(way.problem, near, whole, limit_s)
    yield x
    if x is None:
        return
    for count in WORST:
        free = (near.owner >= 0) & _worst(way, x, count)[near.owner]
        again = _around(way, near, whole, free | no_unit)
        better = None if again is None else completed(way.problem, near, again, limit_s)
        if again is not None and better is not None:
            whole, x = again, better
            yield x


def _worst(way: _Way, x: Floats, count: int) -> Bools:
    """By workload: those that cost the most beyond their share of the relaxation."""
    problem, options = way.problem, way.board.options
    units, missing = problem.span(UNITS), problem.span(MISSING)
    more = x - way.relaxed.x
    moved = more[units] * way.relaxed.reduced_costs[units]
    short: Floats = more[missing] * problem.cost[missing]
    extra = short + np.bincount(options.workload, moved, len(short))
    worst = np.zeros(len(extra), dtype=bool)
    worst[np.argsort(-extra, kind="stable")[:count]] = True
    return worst


def _around(way: _Way, near: Small, whole: Floats, free: Bools) -> Floats | None:
    """By search, with all whole numbers of a solution fixed that are not free."""
    fixed = near.part.integer & ~free
    lower = np.where(fixed, whole, near.part.lower)
    upper = np.where(fixed, whole, near.part.upper)
    return _search(way, near, lower, upper, WIDE, free & (near.owner >= 0), whole)


def _split(way: _Way, near: Small) -> Bools:
    """By column: units of workloads that the relaxation splits."""
    x = way.relaxed.x[near.columns]
    part = (near.owner >= 0) & (np.abs(x - np.round(x)) > HAIR)
    split = np.zeros(len(way.board.workloads.names), dtype=bool)
    split[near.owner[part]] = True
    return (near.owner >= 0) & split[near.owner]


def _search(
    way: _Way,
    near: Small,
    lower: Floats,
    upper: Floats,
    width: float,
    free: Bools,
    whole: Floats | None = None,
) -> Floats | None:
    """By search, free units within a width around the relaxation; other units stay as they are."""
    x = way.relaxed.x[near.columns]
    other = x if whole is None else whole
    down = np.minimum(np.floor(x + HAIR), np.floor(other + HAIR)) - np.where(free, width, 0.0)
    up = np.maximum(np.ceil(x - HAIR), np.ceil(other - HAIR)) + np.where(free, width, 0.0)
    unit = (near.owner >= 0) & (free | (whole is None))
    part = replace(
        near.part,
        lower=np.where(unit, np.maximum(lower, down), lower),
        upper=np.where(unit, np.minimum(upper, up), upper),
    )
    # The relaxation itself is a part of the gap away from the best whole numbers.
    return searched(part, replace(way.settings, gap=way.settings.gap / 4.0))
