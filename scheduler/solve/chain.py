"""The chain: exact, restricted, greedy; tiers; and the running placement as a candidate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.board import Board
from scheduler.model.problem import Problem
from scheduler.solve.adoption import keeps, running_candidate, what_it_breaks
from scheduler.solve.answer import Answer, Solution, cost, is_feasible, urgency, violation
from scheduler.solve.bounds import believed, certified_bound
from scheduler.solve.conflict import in_conflict
from scheduler.solve.greedy import solve_greedily
from scheduler.solve.highs import Relaxed, complete
from scheduler.solve.merged import solve_merged
from scheduler.solve.patience import Clock, Patience, begin, no_clock
from scheduler.solve.repair import repair
from scheduler.solve.restricted import tightened
from scheduler.solve.roads import ROADS, Roads

HIGHS = "highs"
TIER_SLACK = 1e-6
BY_ROUNDING = 1e-3
"""Rounding explains that a row is off by this much, relative to its size."""


class NoPlanError(Exception):
    """Not even doing nothing satisfies the hard rules."""


def solve(
    problem: Problem,
    board: Board,
    settings: SolverSettings,
    clock: Clock = no_clock,
    roads: Roads = ROADS,
) -> Solution:
    """The best checked answer within the time that the settings allow.

    Raises NoPlanError if no link of the chain has a feasible one.
    """
    if not problem.columns:
        return _nothing_to_decide(problem, settings)
    patience = begin(settings, clock)
    for settled, known in _tiers(problem, board, patience, roads):
        running = running_candidate(settled, board, patience.left)
        found = _best(settled, board, patience, running, roads)
        if found is None and known is not None:
            found = _Found(x=known, bound=_free_bound(settled), solver="greedy", relaxed=None)
        if found is not None:
            return _keep_running(settled, board, patience.settings, found, running)
    named = in_conflict(problem, patience.left.time_limit_s)
    raise NoPlanError(
        "no solver found a feasible plan: "
        f"{'; '.join(('two hard rules contradict each other', *named))}; "
        "run `tidegate check`, then try without the policies added last"
    )


def _nothing_to_decide(problem: Problem, settings: SolverSettings) -> Solution:
    """Without an unknown (an empty fleet) there is nothing that a solver would take."""
    return Solution(
        x=np.zeros(0),
        objective=problem.constant,
        bound=problem.constant,
        solver=settings.use,
        kept=True,
        row_duals=np.zeros(len(problem.row_lower)),
        reduced_costs=np.zeros(0),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A feasible candidate with its proof."""

    x: Floats
    bound: float
    solver: str
    relaxed: Relaxed | None


def _tiers(
    problem: Problem, board: Board, patience: Patience, roads: Roads
) -> Iterator[tuple[Problem, Floats | None]]:
    """Tier 0 settled: nothing urgent missing if that can be; else as little as can be, held.

    Each with a solution of it, if one is known.
    """
    if not problem.urgent.any():
        yield problem, None
        return
    yield replace(problem, upper=np.where(problem.urgent > 0.0, 0.0, problem.upper)), None
    least = replace(problem, cost=problem.urgent * _scale(problem), constant=0.0)
    relaxed = roads.relaxed(least, board, patience.left.time_limit_s)
    # No gap: a share of what is urgent is never given up for money.
    exactly = replace(patience.left, gap=0.0)
    answer = roads.searched(least, board, relaxed, exactly) if relaxed else None
    x = _polished(least, answer.x, patience) if answer else None
    x = solve_greedily(least, board) if x is None else x
    yield (problem if x is None else _hold(problem, urgency(problem, x))), x


def _scale(problem: Problem) -> float:
    """Brings small shares of one request/s nearer to 1: to solvers 1e-9 is nothing."""
    shares = problem.urgent[problem.urgent > 0.0]
    return max(1.0, float(1.0 / np.sqrt(shares.min() * shares.max())))


def _hold(problem: Problem, level: float) -> Problem:
    """The problem with one more row: no more urgent work missing than this."""
    scale = _scale(problem)
    row = csr_array(problem.urgent.reshape(1, -1) * scale)
    return replace(
        problem,
        matrix=csr_array(vstack([problem.matrix, row])),
        row_lower=np.append(problem.row_lower, -np.inf),
        row_upper=np.append(problem.row_upper, (level + TIER_SLACK) * scale),
    )


def _best(
    problem: Problem, board: Board, patience: Patience, running: Floats | None, roads: Roads
) -> _Found | None:
    """By the solver asked for, else by HiGHS, else by greed; nothing if there is none."""
    settings = patience.settings
    by_classes = _by_classes(problem, board, patience, running, roads)
    if by_classes is not None:
        return by_classes
    relaxed = roads.relaxed(problem, board, patience.left.time_limit_s)
    if (
        running is not None
        and relaxed is not None
        and _is_good(problem, relaxed, settings, running)
    ):
        # Proven as good as asked for before any search.
        return _Found(x=running, bound=relaxed.bound, solver=settings.use, relaxed=relaxed)
    if relaxed is not None:
        for use in dict.fromkeys((settings.use, HIGHS)):
            asked = replace(patience.left, use=use)
            answer = _answer(problem, board, relaxed, asked, running, roads)
            x = _polished(problem, answer.x, patience)
            if x is not None:
                bound = believed(answer.bound, relaxed.bound, _least(problem, x, running))
                return _Found(x=x, bound=bound, solver=use, relaxed=relaxed)
    x = solve_greedily(problem, board)
    x = running if x is None else x
    if x is None:
        return None
    bound = relaxed.bound if relaxed else _free_bound(problem)
    x = repair(problem, board, x, patience.left, patience.clock)
    return _Found(x=x, bound=bound, solver="greedy", relaxed=relaxed)


def _by_classes(
    problem: Problem, board: Board, patience: Patience, running: Floats | None, roads: Roads
) -> _Found | None:
    """What equal unknowns as one say, where that is proven as good as asked for."""
    if patience.settings.use != HIGHS:
        return None
    known = np.inf if running is None else cost(problem, running)
    merged = solve_merged(problem, board, patience.left, known, roads, patience.clock)
    if merged is None:
        return None
    if running is not None and _is_good(problem, merged.relaxed, patience.settings, running):
        return _Found(x=running, bound=merged.relaxed.bound, solver=HIGHS, relaxed=merged.relaxed)
    answers = [x for x in (merged.answer.x, running) if x is not None]
    x = min(answers, key=lambda x: cost(problem, x), default=None)
    if x is None:
        return None
    usd = cost(problem, x)
    if usd - merged.answer.bound > patience.settings.gap * abs(usd) + 1e-9:
        return None
    return _Found(x=x, bound=merged.answer.bound, solver=HIGHS, relaxed=merged.relaxed)


def _free_bound(problem: Problem) -> float:
    """What the limits of the unknowns alone prove."""
    return certified_bound(problem, np.zeros(len(problem.row_lower)))


def _least(problem: Problem, x: Floats, running: Floats | None) -> float:
    """The cost of the cheapest solution known."""
    known = [cost(problem, each) for each in (x, running) if each is not None]
    return min(known)


def _is_good(problem: Problem, relaxed: Relaxed, settings: SolverSettings, running: Floats) -> bool:
    """Whether the running placement costs no more than the gap above the relaxation's bound."""
    now = cost(problem, running)
    return settings.keep_within >= 0.0 and now - relaxed.bound <= settings.gap * abs(now)


def _answer(
    problem: Problem,
    board: Board,
    relaxed: Relaxed,
    settings: SolverSettings,
    running: Floats | None,
    roads: Roads,
) -> Answer:
    if settings.use != HIGHS:
        return roads.asked(problem, settings)
    if running is None:
        return roads.searched(problem, board, relaxed, settings)
    # What this leaves out costs more than is known, and what is known is not left out.
    narrowed = tightened(problem, relaxed, cost(problem, running))
    return roads.searched(narrowed, board, relaxed, settings)


def _polished(problem: Problem, x: Floats | None, patience: Patience) -> Floats | None:
    """Rounding may leave rows a hair off: the continuous unknowns are solved again then.

    An answer that is further off is not repaired: who says such a thing is not to be believed.
    """
    if x is None or is_feasible(problem, x):
        return x
    if not violation(problem, x)[0] <= BY_ROUNDING:
        return None
    again = complete(problem, x, patience.left.time_limit_s)
    return again if is_feasible(problem, again) else None


def _keep_running(
    problem: Problem,
    board: Board,
    settings: SolverSettings,
    found: _Found,
    running: Floats | None,
) -> Solution:
    """The running placement stays unless the found one pays for the change, and a hair more."""
    kept = running is not None and keeps(problem, settings, found.x, running)
    x = running if running is not None and kept else found.x
    columns, rows = problem.columns, len(problem.row_lower)
    relaxed = found.relaxed
    return Solution(
        x=x,
        objective=cost(problem, x),
        bound=min(found.bound, cost(problem, x)),
        solver=found.solver,
        kept=kept,
        row_duals=relaxed.row_duals if relaxed else np.zeros(rows),
        reduced_costs=relaxed.reduced_costs if relaxed else np.zeros(columns),
        running=running,
        broken=what_it_breaks(problem, board) if running is None else "",
    )
