"""Warm starts: the LP over the continuous unknowns, from the basis of the last one."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Floats
from scheduler.model.problem import Problem
from scheduler.solve.answer import is_feasible
from scheduler.solve.engine import Basis, Linear, slack_basis, solve_linear


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic:
    """The best continuous unknowns for given whole ones, and where to start next time."""

    x: Floats
    basis: Basis


def traffic(
    problem: Problem, whole: Floats, time_limit_s: float, basis: Basis | None = None
) -> Traffic | None:
    """Solves for the continuous unknowns alone, the whole ones fixed; nothing if none fit.

    What is fixed moves to the right-hand side, so that an LP of the flows and slacks remains. It
    starts from `basis` where that is of the same size.
    """
    free = ~problem.integer & (problem.upper > problem.lower)
    x = np.where(problem.integer, whole, problem.lower)
    x[free] = 0.0
    rest = problem.matrix @ x
    part = csc_array(problem.matrix)[:, free]
    rows = np.unique(part.indices)
    start = basis
    if start is None or (len(start.columns), len(start.rows)) != (int(free.sum()), len(rows)):
        start = slack_basis(int(free.sum()), len(rows))
    model = Linear(
        price=problem.cost[free],
        lower=problem.lower[free],
        upper=problem.upper[free],
        columns=csr_array(part[rows].T),
        row_lower=(problem.row_lower - rest)[rows],
        row_upper=(problem.row_upper - rest)[rows],
    )
    found = solve_linear(model, start, time_limit_s=time_limit_s)
    if found is None:
        return None
    x[free] = found.x
    return Traffic(x=x, basis=found.basis) if is_feasible(problem, x) else None
