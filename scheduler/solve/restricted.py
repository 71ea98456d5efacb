"""The restricted MILP: whole numbers over the attractive columns only, with a valid bound."""

from dataclasses import replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer
from scheduler.solve.highs import Relaxed, solve_exactly

SMALL = 400
"""Up to this many whole unknowns the MILP is solved as it is."""
KEEP = 300
"""Whole unknowns kept of a larger one, beside those that the relaxation uses."""


def tightened(problem: Problem, relaxed: Relaxed, known: float) -> Problem:
    """Without whole unknowns that no solution cheaper than `known` (USD per hour) can use.

    By the relaxation's reduced costs: x_j units of column j cost at least bound + x_j * price_j.
    """
    slack = max(0.0, known - relaxed.bound) + 1e-6 * (1.0 + abs(known))
    price = relaxed.reduced_costs
    at_zero = problem.integer & (relaxed.x <= problem.lower + 1e-9) & (price > 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = problem.lower + np.floor(slack / np.where(at_zero, price, 1.0) + 1e-9)
    upper = np.where(at_zero, np.minimum(problem.upper, most), problem.upper)
    return replace(problem, upper=upper)


def solve_restricted(problem: Problem, relaxed: Relaxed, settings: SolverSettings) -> Answer:
    """Leaves out whole unknowns whose reduced cost exceeds a threshold.

    A solution that uses one of them costs at least the relaxation's bound plus that threshold,
    so the smaller of this and the MILP's own bound holds for the whole problem.
    """
    idle = problem.integer & (relaxed.x <= problem.lower + 1e-9) & (problem.lower < problem.upper)
    candidates = np.nonzero(idle)[0]
    if len(candidates) <= SMALL:
        return solve_exactly(problem, settings)
    prices = relaxed.reduced_costs[candidates]
    order = np.argsort(prices, kind="stable")
    dropped = candidates[order[KEEP:]]
    threshold = float(prices[order[KEEP]])
    upper = problem.upper.copy()
    upper[dropped] = problem.lower[dropped]
    answer = solve_exactly(replace(problem, upper=upper), settings)
    if answer.infeasible:
        return Answer(x=None, bound=relaxed.bound)
    return replace(answer, bound=min(answer.bound, relaxed.bound + threshold))
