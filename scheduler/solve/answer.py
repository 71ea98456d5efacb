"""Answers: what a solver says, and what our own check says of it."""

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats
from scheduler.model.problem import CHECK, Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """A candidate from one solver. Nothing in it is believed before it is checked."""

    x: Floats | None
    bound: float
    """No solution costs less, says the solver; -inf where it proves nothing."""
    infeasible: bool = False
    """The solver proved that there is no solution."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """A checked answer: feasible, its cost re-computed, with the best valid bound known."""

    x: Floats
    objective: float
    bound: float
    solver: str
    kept: bool
    """It is the running placement."""
    row_duals: Floats
    """d cost / d limit of every row in the relaxation."""
    reduced_costs: Floats
    """What one unit of each unknown costs beyond its worth in the relaxation."""
    running: Floats | None = None
    """The running placement at its best; None where some rule forbids it."""
    broken: str = ""
    """The first rule that forbids it, in words."""


def cost(problem: Problem, x: Floats) -> float:
    """USD per hour of a solution."""
    return float(problem.cost @ x) + problem.constant


def urgency(problem: Problem, x: Floats) -> float:
    """Tier 0: urgent workloads missing, each as a share of what it wants."""
    return float(problem.urgent @ x)


def rounded(problem: Problem, x: Floats) -> Floats:
    """Whole numbers where they must be, everything inside its bounds."""
    clean = np.where(problem.integer, np.round(x), x)
    return np.clip(clean, problem.lower, problem.upper)


def violation(problem: Problem, x: Floats) -> tuple[float, int]:
    """The worst relative violation of any row, and the row; 0 or less is feasible.

    Bounds and whole numbers count as row -1.
    """
    outside = float(np.max(np.maximum(problem.lower - x, x - problem.upper), initial=0.0))
    broken = np.abs(x - np.round(x))[problem.integer]
    worst_column = max(outside, float(np.max(broken, initial=0.0)))
    value = problem.matrix @ x
    size = abs(problem.matrix) @ np.abs(x)
    scale = 1.0 + np.where(np.isfinite(problem.row_upper), np.abs(problem.row_upper), 0.0)
    over = np.maximum(value - problem.row_upper, problem.row_lower - value)
    relative = over / np.maximum(scale, size)
    row = int(np.argmax(relative)) if len(relative) else -1
    worst_row = float(relative[row]) if len(relative) else 0.0
    return (worst_column, -1) if worst_column > max(worst_row, 0.0) else (worst_row, row)


def is_feasible(problem: Problem, x: Floats | None) -> bool:
    """Finite, inside all bounds, whole where needed, and no row off by more than CHECK."""
    if x is None or np.shape(x) != problem.cost.shape or not np.all(np.isfinite(x)):
        return False
    return violation(problem, x)[0] <= CHECK
