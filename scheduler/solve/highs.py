"""HiGHS: the relaxation with its duals, and the exact MILP."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, rounded
from scheduler.solve.bounds import proven
from scheduler.solve.engine import Limits, Linear, by_column, search, solve_linear


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxed:
    """The LP without whole numbers."""

    x: Floats
    bound: float
    """What the duals prove by our own arithmetic."""
    row_duals: Floats
    reduced_costs: Floats


def relax(problem: Problem, time_limit_s: float) -> Relaxed | None:
    """The LP relaxation, or nothing if it has no solution or the time is up."""
    if time_limit_s <= 0.0:
        return None
    found = solve_linear(_linear(problem), time_limit_s=time_limit_s)
    if found is None:
        return None
    return certified(problem, found.x, found.row_dual)


def certified(problem: Problem, x: Floats, row_duals: Floats) -> Relaxed:
    """A relaxation whose bound and prices belong together: bound + a price is a bound too."""
    proof = proven(problem, row_duals)
    return Relaxed(
        x=x,
        bound=proof.bound,
        row_duals=proof.row_duals,
        reduced_costs=problem.cost - problem.matrix.T @ proof.row_duals,
    )


def solve_exactly(problem: Problem, settings: SolverSettings) -> Answer:
    """Branch and bound by HiGHS within the node and time limits."""
    limits = Limits(nodes=settings.node_limit, time_s=settings.time_limit_s)
    said = search(_linear(problem), problem.integer, settings.gap, limits)
    return Answer(
        x=None if said.x is None else rounded(problem, said.x),
        bound=said.bound,
        infeasible=said.infeasible,
    )


def _linear(problem: Problem) -> Linear:
    return Linear(
        price=problem.cost,
        constant=problem.constant,
        lower=problem.lower,
        upper=problem.upper,
        columns=by_column(problem.matrix),
        row_lower=problem.row_lower,
        row_upper=problem.row_upper,
    )


def complete(problem: Problem, whole: Floats, time_limit_s: float) -> Floats | None:
    """The best continuous unknowns for given whole ones, or nothing if there are none."""
    fixed = replace(
        problem,
        lower=np.where(problem.integer, whole, problem.lower),
        upper=np.where(problem.integer, whole, problem.upper),
    )
    x = relax_rest(fixed, time_limit_s)
    return None if x is None else np.where(problem.integer, whole, x)


def relax_rest(problem: Problem, time_limit_s: float) -> Floats | None:
    """The LP over the unknowns that are free to move: the others are a constant of each row.

    Many times smaller than the whole one where most are fixed. Nothing if there is no solution.
    """
    if time_limit_s <= 0.0:
        return None
    free = np.nonzero(problem.upper > problem.lower)[0]
    x = problem.lower.copy()
    if not len(free):
        # To the solver a model without unknowns has no optimum; the caller checks the rows.
        return x
    x[free] = 0.0
    base = problem.matrix @ x
    part = csc_array(problem.matrix)[:, free]
    rows = np.unique(part.indices)
    model = Linear(
        price=problem.cost[free],
        lower=problem.lower[free],
        upper=problem.upper[free],
        columns=csr_array(csc_array(part[rows]).T),
        row_lower=(problem.row_lower - base)[rows],
        row_upper=(problem.row_upper - base)[rows],
    )
    found = solve_linear(model, time_limit_s=time_limit_s)
    if found is None:
        return None
    x[free] = found.x
    return x
