"""PuLP: the road to the solver that the user owns, and to .lp and .mps files."""

from collections.abc import Iterable

import numpy as np
import pulp

from scheduler.domain.settings import SolverSettings
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, rounded


def to_pulp(problem: Problem) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The same model in PuLP: columns x0.., rows named after their rule."""
    model = pulp.LpProblem("tidegate", pulp.LpMinimize)
    columns = [_column(problem, i) for i in range(problem.columns)]
    model += pulp.lpSum(
        float(price) * columns[i] for i, price in enumerate(problem.cost) if price
    ) + float(problem.constant)
    matrix = problem.matrix.tocsr()
    for family in problem.families:
        for row in range(family.start, family.stop):
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            terms = zip(matrix.indices[span], matrix.data[span], strict=True)
            expression = pulp.LpAffineExpression([(columns[c], float(v)) for c, v in terms])
            for bound in _bounds(problem, row, expression):
                model += bound
    return model, columns


def _column(problem: Problem, i: int) -> pulp.LpVariable:
    upper = float(problem.upper[i])
    return pulp.LpVariable(
        f"{_clean(problem.column_label(i))}_{i}",
        lowBound=float(problem.lower[i]),
        upBound=upper if np.isfinite(upper) else None,
        cat=pulp.LpInteger if problem.integer[i] else pulp.LpContinuous,
    )


def _clean(label: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in label)


def _bounds(
    problem: Problem, row: int, expression: pulp.LpAffineExpression
) -> Iterable[pulp.LpConstraint]:
    lower, upper = float(problem.row_lower[row]), float(problem.row_upper[row])
    if not len(expression):
        return
    if lower == upper:
        yield expression == upper
        return
    if np.isfinite(upper):
        yield expression <= upper
    if np.isfinite(lower):
        yield expression >= lower


def available_solvers() -> tuple[str, ...]:
    """PuLP's solvers that work on this machine."""
    return tuple(pulp.listSolvers(onlyAvailable=True))


def solve_with_pulp(problem: Problem, settings: SolverSettings) -> Answer:
    """Solves with the named PuLP solver. Its status is not believed: the caller checks x."""
    model, columns = to_pulp(problem)
    solver = pulp.getSolver(
        _solver_name(settings.use),
        msg=False,
        timeLimit=settings.time_limit_s,
        gapRel=settings.gap,
    )
    model.solve(solver)
    values = [column.varValue for column in columns]
    infeasible = model.status == pulp.LpStatusInfeasible
    if infeasible or any(value is None for value in values):
        return Answer(x=None, bound=-np.inf, infeasible=infeasible)
    return Answer(x=rounded(problem, np.array(values, dtype=float)), bound=-np.inf)


def _solver_name(use: str) -> str:
    return "PULP_CBC_CMD" if use.lower() == "cbc" else use
