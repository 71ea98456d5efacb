"""A linear program that stays in the solver: limits change, and it goes on from its last basis."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.solve.engine import (
    PRIMAL,
    Basis,
    Limits,
    Linear,
    Searched,
    by_column,
    from_highs,
    lp,
    quiet,
    search,
    to_highs,
)

AT_LOWER, BASIC = 0, 1
"""HiGHS' words for where an unknown, or a row, stands in a basis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """min cost @ x, lower <= x <= upper, row_lower <= matrix @ x <= row_upper."""

    cost: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats


class Live:
    """One linear program in HiGHS. It changes as its limits change; nobody else holds it."""

    def __init__(self, part: Part, time_limit_s: float, basis: Basis | None = None) -> None:
        # Imported where it is needed: it is large, and small models do without.
        import highspy

        self._solver = quiet()
        self._solver.setOptionValue("time_limit", time_limit_s)
        # Simplex from a basis is quicker than what presolve would save.
        self._solver.setOptionValue("presolve", "off")
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._solver.passModel(lp(_linear(part)))
        if basis is not None:
            # Columns have come since: the primal simplex goes on from the old vertex.
            self._solver.setOptionValue("simplex_strategy", PRIMAL)
            self._solver.setBasis(to_highs(basis))

    def solve(self) -> bool:
        """Whether there is an optimum."""
        self._solver.run()
        return bool(self._solver.getModelStatus() == self._optimal)

    def limit(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """New limits of some columns."""
        index = columns.astype(np.int32)
        self._solver.changeColsBounds(len(index), index, lower, upper)

    @property
    def x(self) -> Floats:
        """The columns' values."""
        return np.array(self._solver.getSolution().col_value)

    @property
    def duals(self) -> Floats:
        """d cost / d limit of each row."""
        return np.array(self._solver.getSolution().row_dual)

    @property
    def basis(self) -> Basis:
        """Where it ended."""
        return from_highs(self._solver.getBasis())


def whole(part: Part, gap: float, nodes: int, time_limit_s: float) -> Searched:
    """Whole numbers by branch and bound."""
    said = search(_linear(part), part.integer, gap, Limits(nodes=nodes, time_s=time_limit_s))
    if said.x is None:
        return said
    return replace(said, x=np.where(part.integer, np.round(said.x), said.x))


def _linear(part: Part) -> Linear:
    return Linear(
        price=part.cost,
        lower=part.lower,
        upper=part.upper,
        columns=by_column(part.matrix),
        row_lower=part.row_lower,
        row_upper=part.row_upper,
    )
