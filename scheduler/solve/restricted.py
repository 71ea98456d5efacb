"""The restricted MILP: whole numbers over the attractive columns only, with a valid bound."""

from dataclasses import replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats, Ints
from scheduler.model.board import UNITS, Board
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer
from scheduler.solve.highs import Relaxed, solve_exactly

SMALL = 400
"""Up to this many options the MILP is solved as it is."""
KEEP = 2
"""Options kept of each workload of a larger one, beside those that the relaxation uses.

With 1 the plans of 100 workloads on 60 pools are up to 1 % dearer and take two thirds of the time.
"""
HAIR = 1e-9


def tightened(problem: Problem, relaxed: Relaxed, known: float) -> Problem:
    """Without whole unknowns that no solution cheaper than `known` (USD per hour) can use.

    By the relaxation's reduced costs: x_j units of column j cost at least bound + x_j * price_j.
    """
    slack = max(0.0, known - relaxed.bound) + 1e-6 * (1.0 + abs(known))
    price = relaxed.reduced_costs
    at_zero = problem.integer & (relaxed.x <= problem.lower + HAIR) & (price > HAIR)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = problem.lower + np.floor(slack / np.where(at_zero, price, 1.0) + HAIR)
    upper = np.where(at_zero, np.minimum(problem.upper, most), problem.upper)
    return replace(problem, upper=upper)


def solve_restricted(
    problem: Problem, board: Board, relaxed: Relaxed, settings: SolverSettings
) -> Answer:
    """Leaves out, of a large problem, all but each workload's cheapest options.

    A solution that uses one of them costs at least the relaxation's bound plus its reduced cost,
    so the smaller of this and the MILP's own bound holds for the whole problem.
    """
    span = problem.span(UNITS)
    open_ = problem.lower[span] < problem.upper[span]
    if int(open_.sum()) <= SMALL:
        return solve_exactly(problem, settings)
    used = relaxed.x[span] > problem.lower[span] + HAIR
    prices = relaxed.reduced_costs[span]
    dropped = open_ & ~used & (rank(board.options.workload, prices) >= KEEP)
    upper = problem.upper.copy()
    upper[span] = np.where(dropped, problem.lower[span], upper[span])
    answer = solve_exactly(replace(problem, upper=upper), settings)
    least = float(np.min(prices[dropped], initial=np.inf))
    bound = min(relaxed.bound if answer.infeasible else answer.bound, relaxed.bound + least)
    return replace(answer, bound=bound, infeasible=False)


def rank(owner: Ints, prices: Floats) -> Ints:
    """Place of each option among its workload's, cheapest first."""
    order = np.lexsort((np.arange(len(owner)), prices, owner))
    sorted_owner = owner[order]
    start = np.searchsorted(sorted_owner, sorted_owner)
    rank = np.empty(len(owner), dtype=np.int64)
    rank[order] = np.arange(len(owner)) - start
    return rank
