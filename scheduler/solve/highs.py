"""HiGHS through scipy: the relaxation with its duals, and the exact MILP."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, rounded

INFEASIBLE = 2
"""scipy's status word for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxed:
    """The LP without whole numbers."""

    x: Floats
    bound: float
    row_duals: Floats
    reduced_costs: Floats


def relax(problem: Problem, time_limit_s: float) -> Relaxed | None:
    """The LP relaxation, or nothing if it has no solution or the time is up."""
    lower, upper = problem.row_lower, problem.row_upper
    equal = lower == upper
    above = np.isfinite(upper) & ~equal
    below = np.isfinite(lower) & ~equal
    matrix = problem.matrix
    result = linprog(  # type: ignore[call-overload]  # sparse input is right, its stub is not
        problem.cost,
        A_ub=csr_array(vstack([matrix[above], -matrix[below]])),
        b_ub=np.concatenate([upper[above], -lower[below]]),
        A_eq=matrix[equal],
        b_eq=upper[equal],
        bounds=np.stack([problem.lower, problem.upper], axis=1),
        method="highs",
        options={"time_limit": time_limit_s},
    )
    if result.status != 0:
        return None
    duals = np.zeros(len(lower))
    split = int(above.sum())
    duals[above] += result.ineqlin.marginals[:split]
    duals[below] -= result.ineqlin.marginals[split:]
    duals[equal] += result.eqlin.marginals
    return Relaxed(
        x=np.asarray(result.x),
        bound=float(result.fun) + problem.constant,
        row_duals=duals,
        reduced_costs=np.asarray(result.lower.marginals + result.upper.marginals),
    )


def solve_exactly(problem: Problem, settings: SolverSettings) -> Answer:
    """Branch and bound by HiGHS within the node and time limits."""
    result = milp(
        problem.cost,
        integrality=problem.integer.astype(np.int64),
        bounds=Bounds(problem.lower, problem.upper),
        constraints=LinearConstraint(problem.matrix, problem.row_lower, problem.row_upper),
        options={
            "mip_rel_gap": settings.gap,
            "node_limit": settings.node_limit,
            "time_limit": settings.time_limit_s,
        },
    )
    bound = getattr(result, "mip_dual_bound", None)
    return Answer(
        x=None if result.x is None else rounded(problem, np.asarray(result.x)),
        bound=-np.inf if bound is None else float(bound) + problem.constant,
        infeasible=result.status == INFEASIBLE,
    )


def complete(problem: Problem, whole: Floats, time_limit_s: float) -> Floats | None:
    """The best continuous unknowns for given whole ones, or nothing if there are none."""
    fixed = replace(
        problem,
        lower=np.where(problem.integer, whole, problem.lower),
        upper=np.where(problem.integer, whole, problem.upper),
    )
    relaxed = relax(fixed, time_limit_s)
    return None if relaxed is None else np.where(problem.integer, whole, relaxed.x)
