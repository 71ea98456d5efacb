"""PuLP: the road to the solver that the user owns, and to .lp and .mps files."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pulp

from scheduler.domain.settings import SolverSettings
from scheduler.model.problem import Problem
from scheduler.solve.answer import Answer, rounded

NOISE = 1e-4
"""A solver may miss bounds and whole numbers by this much."""


def to_pulp(problem: Problem) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The same model in PuLP: columns x0.., rows named after their rule."""
    model = pulp.LpProblem("tidegate", pulp.LpMinimize)
    # Newer PuLP makes variables through the problem, older ones know only the class.
    make = getattr(model, "add_variable", pulp.LpVariable)
    columns = [_column(problem, i, make) for i in range(problem.columns)]
    model += pulp.lpSum(
        float(price) * columns[i] for i, price in enumerate(problem.cost) if price
    ) + float(problem.constant)
    matrix = problem.matrix.tocsr()
    for row, name in enumerate(_row_names(problem)):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        terms = zip(matrix.indices[span], matrix.data[span], strict=True)
        expression = pulp.LpAffineExpression([(columns[c], float(v)) for c, v in terms if v])
        for side, bound in _bounds(problem, row, expression):
            model += bound, f"{name}{side}"
    return model, columns


def _row_names(problem: Problem) -> Iterator[str]:
    """The rule and the position in it; last the rows that no rule owns: the tier that is held."""
    for family in problem.families:
        for row in range(family.stop - family.start):
            yield _clean(f"{family.policy}_{family.name}_{row}")
    owned = problem.families[-1].stop if problem.families else 0
    for row in range(owned, len(problem.row_lower)):
        yield f"tier_{row - owned}"


def _column(problem: Problem, i: int, make: Callable[..., pulp.LpVariable]) -> pulp.LpVariable:
    upper = float(problem.upper[i])
    return make(
        f"{_clean(problem.column_label(i))}_{i}",
        lowBound=float(problem.lower[i]),
        upBound=upper if np.isfinite(upper) else None,
        cat=pulp.LpInteger if problem.integer[i] else pulp.LpContinuous,
    )


def _clean(label: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in label)


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
    values = [column.varValue for column in columns]
    infeasible = model.status == pulp.LpStatusInfeasible
    if infeasible or any(value is None for value in values):
        return Answer(x=None, bound=-np.inf, infeasible=infeasible)
    said = np.array(values, dtype=float)
    x = rounded(problem, said)
    return Answer(x=x if np.allclose(said, x, rtol=1e-5, atol=NOISE) else None, bound=-np.inf)


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
