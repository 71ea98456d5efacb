"""The chain: exact, restricted, greedy; tiers; and the running placement as a candidate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.board import NODES, UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, Solution, cost, is_feasible, urgency, violation
from scheduler.solve.greedy import solve_greedily
from scheduler.solve.highs import Relaxed, complete, relax
from scheduler.solve.restricted import solve_restricted, tightened

HIGHS = "highs"
TIER_SLACK = 1e-6
BY_ROUNDING = 1e-3
"""Rounding explains that a row is off by this much, relative to its size."""


class NoPlanError(Exception):
    """Not even doing nothing satisfies the hard rules."""


def solve(problem: Problem, board: Board, settings: SolverSettings) -> Solution:
    """The best checked answer. Raises NoPlanError if no link of the chain has a feasible one."""
    if not problem.columns:
        return _nothing_to_decide(problem, settings)
    for settled in _tiers(problem, board, settings):
        running = running_candidate(settled, board, settings)
        found = _best(settled, board, settings, running)
        if found is not None:
            return _keep_running(settled, settings, found, running)
    raise NoPlanError(
        "no solver found a feasible plan: two hard rules contradict each other; "
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


def _tiers(problem: Problem, board: Board, settings: SolverSettings) -> Iterator[Problem]:
    """Tier 0 settled: nothing urgent missing if that can be; else as little as can be, held."""
    if not problem.urgent.any():
        yield problem
        return
    yield replace(problem, upper=np.where(problem.urgent > 0.0, 0.0, problem.upper))
    least = replace(problem, cost=problem.urgent, constant=0.0)
    relaxed = relax(least, settings.time_limit_s)
    answer = solve_restricted(least, board, relaxed, settings) if relaxed else None
    x = _polished(least, answer.x, settings) if answer else None
    yield problem if x is None else _hold(problem, urgency(problem, x))


def _hold(problem: Problem, level: float) -> Problem:
    """The problem with one more row: no more urgent work missing than this."""
    row = csr_array(problem.urgent.reshape(1, -1))
    return replace(
        problem,
        matrix=csr_array(vstack([problem.matrix, row])),
        row_lower=np.append(problem.row_lower, -np.inf),
        row_upper=np.append(problem.row_upper, level + TIER_SLACK),
    )


def _best(
    problem: Problem, board: Board, settings: SolverSettings, running: Floats | None
) -> _Found | None:
    """By the solver asked for, else by HiGHS, else by greed; nothing if there is none."""
    relaxed = relax(problem, settings.time_limit_s)
    if (
        running is not None
        and relaxed is not None
        and _is_good(problem, relaxed, settings, running)
    ):
        # Proven as good as asked for before any search.
        return _Found(x=running, bound=relaxed.bound, solver=settings.use, relaxed=relaxed)
    if relaxed is not None:
        for use in dict.fromkeys((settings.use, HIGHS)):
            answer = _answer(problem, board, relaxed, replace(settings, use=use), running)
            x = _polished(problem, answer.x, settings)
            if x is not None:
                bound = max(relaxed.bound, answer.bound)
                return _Found(x=x, bound=bound, solver=use, relaxed=relaxed)
    x = solve_greedily(problem, board)
    if x is None:
        return None
    bound = relaxed.bound if relaxed else -np.inf
    return _Found(x=x, bound=bound, solver="greedy", relaxed=relaxed)


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
) -> Answer:
    if settings.use != HIGHS:
        # Imported where it is needed: most plans are made without it.
        from scheduler.solve.pulp_road import solve_with_pulp

        return solve_with_pulp(problem, settings)
    if running is None:
        return solve_restricted(problem, board, relaxed, settings)
    known = cost(problem, running)
    answer = solve_restricted(tightened(problem, relaxed, known), board, relaxed, settings)
    # What was left out costs at least what is known.
    return replace(answer, bound=min(answer.bound, known))


def _polished(problem: Problem, x: Floats | None, settings: SolverSettings) -> Floats | None:
    """Rounding may leave rows a hair off: the continuous unknowns are solved again then.

    An answer that is further off is not repaired: who says such a thing is not to be believed.
    """
    if x is None or is_feasible(problem, x):
        return x
    if not violation(problem, x)[0] <= BY_ROUNDING:
        return None
    again = complete(problem, x, settings.time_limit_s)
    return again if is_feasible(problem, again) else None


def _keep_running(
    problem: Problem, settings: SolverSettings, found: _Found, running: Floats | None
) -> Solution:
    """The running placement stays unless the found one is cheaper by more than a hair."""
    objective = cost(problem, found.x)
    limit = objective + settings.keep_within * (abs(objective) + 1e-9)
    kept = running is not None and cost(problem, running) <= limit
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
    )


def running_candidate(problem: Problem, board: Board, settings: SolverSettings) -> Floats | None:
    """Today's nodes and units, the rest at its best; nothing if a rule forbids them."""
    whole = problem.lower.copy()
    whole[problem.span(NODES)] = board.pool_state.nodes_now
    whole[problem.span(UNITS)] = board.options.units_now
    outside = (whole < problem.lower - 1e-9) | (whole > problem.upper + 1e-9)
    own = problem.integer.copy()
    own[: problem.span(UNITS).stop] = False
    if outside.any() or (board.options.units_now % 1.0).any():
        return None
    fixed = replace(
        problem,
        lower=np.where(problem.integer & ~own, whole, problem.lower),
        upper=np.where(problem.integer & ~own, whole, problem.upper),
    )
    relaxed = relax(fixed, settings.time_limit_s)
    if relaxed is None:
        return None
    x = np.where(own, np.ceil(relaxed.x - 1e-7), relaxed.x)
    x[: problem.span(UNITS).stop] = whole[: problem.span(UNITS).stop]
    if is_feasible(problem, x):
        return x
    again = complete(problem, x, settings.time_limit_s)
    return again if is_feasible(problem, again) else None
