"""PuLP: the road to the solver that the user owns."""

from collections.abc import Callable, Iterable

import numpy as np
import pulp

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Bools
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, rounded
from scheduler.solve.labels import column_names, row_names

NOISE = 1e-4
"""A solver may miss bounds and whole numbers by this much."""


def to_pulp(problem: Problem) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The same model in PuLP, under the names of `scheduler.solve.labels`."""
    model = pulp.LpProblem("tidegate", pulp.LpMinimize)
    # Newer PuLP makes variables through the problem, older ones know only the class.
    make = getattr(model, "add_variable", pulp.LpVariable)
    columns = [_column(problem, i, name, make) for i, name in enumerate(column_names(problem))]
    model += pulp.lpSum(
        float(price) * columns[i] for i, price in enumerate(problem.cost) if price
    ) + float(problem.constant)
    matrix = problem.matrix.tocsr()
    for row, name in enumerate(row_names(problem)):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        terms = zip(matrix.indices[span], matrix.data[span], strict=True)
        expression = pulp.LpAffineExpression([(columns[c], float(v)) for c, v in terms if v])
        for side, bound in _bounds(problem, row, expression):
            model += bound, f"{name}{side}"
    return model, columns


def _column(
    problem: Problem, i: int, name: str, make: Callable[..., pulp.LpVariable]
) -> pulp.LpVariable:
    lower, upper = float(problem.lower[i]), float(problem.upper[i])
    return make(
        name,
        lowBound=lower if np.isfinite(lower) else None,
        upBound=upper if np.isfinite(upper) else None,
        # CBC calls some problems infeasible whose whole unknowns are all fixed.
        cat=pulp.LpInteger if problem.integer[i] and lower < upper else pulp.LpContinuous,
    )


def _bounds(
    problem: Problem, row: int, expression: pulp.LpAffineExpression
) -> Iterable[tuple[str, pulp.LpConstraint]]:
    """The sides of one row, each with the ending of its name."""
    lower, upper = float(problem.row_lower[row]), float(problem.row_upper[row])
    if not len(expression):
        return
    if lower == upper:
        yield "", expression == upper
        return
    if np.isfinite(upper):
        yield "_most", expression <= upper
    if np.isfinite(lower):
        yield "_least", expression >= lower


def available_solvers() -> tuple[str, ...]:
    """PuLP's solvers that work on this machine."""
    return tuple(pulp.listSolvers(onlyAvailable=True))


def solve_with_pulp(problem: Problem, settings: SolverSettings) -> Answer:
    """Solves with the named PuLP solver. Its status is not believed: the caller checks x.

    A solver that is unknown, not installed or fails has no answer, nor has one whose numbers are
    not whole or not inside their bounds.
    """
    model, columns = to_pulp(problem)
    try:
        model.solve(_solver(settings))
    except pulp.PulpError:
        return Answer(x=None, bound=-np.inf)
    if model.status == pulp.LpStatusInfeasible:
        return Answer(x=None, bound=-np.inf, infeasible=True)
    said = np.array([column.varValue for column in columns], dtype=float)
    # PuLP does not tell the solver of unknowns that have no cost and are in no row.
    said = np.where(_unused(problem), rounded(problem, np.zeros(problem.columns)), said)
    x = rounded(problem, said)
    return Answer(x=x if np.allclose(said, x, rtol=1e-5, atol=NOISE) else None, bound=-np.inf)


def _unused(problem: Problem) -> Bools:
    entries = problem.matrix.tocoo()
    used: Bools = problem.cost != 0.0
    used[entries.coords[1][entries.data != 0.0]] = True
    return ~used


def _solver(settings: SolverSettings) -> pulp.LpSolver:
    """The solver with its limits; not every solver of PuLP takes a gap."""
    limits = {"msg": False, "timeLimit": settings.time_limit_s}
    if settings.use.lower() == "cbc":
        bundled = pulp.PULP_CBC_CMD.pulp_cbc_path
        return pulp.COIN_CMD(path=bundled, gapRel=settings.gap, **limits)
    try:
        return pulp.getSolver(settings.use, gapRel=settings.gap, **limits)
    except TypeError:
        return pulp.getSolver(settings.use, **limits)
