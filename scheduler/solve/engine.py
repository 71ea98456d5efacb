"""HiGHS as an engine: arrays in, arrays out. Nothing that it says is believed without a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Bools, Floats

if TYPE_CHECKING:
    import highspy

Statuses = NDArray[np.int8]
"""0 at the lower bound, 1 basic, 2 at the upper bound, 3 free at zero, 4 not basic."""
DUAL, PRIMAL = 1, 4
"""HiGHS' simplex strategies: after rows have come, after columns have come."""
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear:
    """min price @ x + constant, lower <= x <= upper, row_lower <= columns.T @ x <= row_upper."""

    price: Floats
    constant: float = 0.0
    lower: Floats
    upper: Floats
    columns: csr_array
    """One row a column: HiGHS takes the matrix that way."""
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """Where each column and each row stood when a simplex run ended."""

    columns: Statuses
    rows: Statuses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """An optimum with its duals and basis."""

    cost: float
    x: Floats
    row_dual: Floats
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searched:
    """What branch and bound says."""

    x: Floats | None
    bound: float
    """That it claims; -inf where it claims none."""
    infeasible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a search may last."""

    nodes: int = 2000
    time_s: float = 10.0


def by_column(matrix: csr_array) -> csr_array:
    """The rows of a matrix as what Linear takes."""
    return csr_array(csc_array(matrix).T)


def solve_linear(
    model: Linear,
    basis: Basis | None = None,
    strategy: int = DUAL,
    time_limit_s: float = np.inf,
) -> Solved | None:
    """Simplex; nothing if there is no optimum. From a basis, which need not be a whole one, or
    from what presolve leaves."""
    import highspy

    solver = quiet()
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("simplex_strategy", strategy)
    solver.setOptionValue("time_limit", time_limit_s)
    solver.passModel(lp(model))
    if basis is not None:
        solver.setOptionValue("presolve", "off")
        start = to_highs(basis)
        start.alien = True
        solver.setBasis(start)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    return Solved(
        cost=float(solver.getInfo().objective_function_value),
        x=np.array(solution.col_value),
        row_dual=np.array(solution.row_dual),
        basis=from_highs(solver.getBasis()),
    )


def search(model: Linear, whole: Bools, gap: float, limits: Limits) -> Searched:
    """Branch and bound over the whole unknowns.

    It is given no start: HiGHS 1.16 may then report the start's values with another's objective.
    It does not begin anew, does not look twice at the root, jumps nowhere, and looks for no
    symmetry, which classes of equal unknowns have taken out: on fleets of tens of workloads that
    takes longer than all the rest, and the plans come out within 0.05 % without it.
    """
    import highspy

    solver, problem = quiet(), lp(model)
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    problem.integrality_ = [kinds[flag] for flag in whole.astype(int).tolist()]
    solver.passModel(problem)
    for option, to in (
        ("mip_rel_gap", gap),
        ("mip_max_nodes", limits.nodes),
        ("time_limit", limits.time_s),
        ("mip_allow_restart", False),
        ("mip_heuristic_run_root_reduced_cost", False),
        ("mip_heuristic_run_feasibility_jump", False),
        ("mip_detect_symmetry", False),
    ):
        solver.setOptionValue(option, to)
    solver.run()
    value = np.array(solver.getSolution().col_value)
    bound = float(solver.getInfo().mip_dual_bound)
    infeasible = solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
    found = len(value) == len(model.price) and bool(np.isfinite(value).all()) and not infeasible
    return Searched(
        x=value if found else None,
        bound=bound if np.isfinite(bound) and not infeasible else -np.inf,
        infeasible=infeasible,
    )


def quiet() -> highspy.Highs:
    """A solver that prints nothing, uses one thread and does the same each time."""
    # Imported where it is needed, as what only reads plans does without.
    import highspy

    class Quiet(highspy.Highs):
        """Says nothing: HiGHS writes its name to stdout as its callbacks are set up."""

        def enableCallbacks(self) -> None:  # noqa: N802 - its name
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()  # type: ignore[no-untyped-call]  # theirs

    solver = Quiet()  # type: ignore[no-untyped-call]  # theirs
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", SEED)
    return solver


def lp(model: Linear) -> highspy.HighsLp:
    """The model as HiGHS takes it."""
    import highspy

    made = highspy.HighsLp()
    made.num_col_, made.num_row_ = model.columns.shape
    made.col_cost_, made.offset_ = model.price, model.constant
    made.col_lower_, made.col_upper_ = model.lower, model.upper
    made.row_lower_, made.row_upper_ = model.row_lower, model.row_upper
    made.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    made.a_matrix_.start_ = model.columns.indptr
    made.a_matrix_.index_ = model.columns.indices
    made.a_matrix_.value_ = model.columns.data
    return made


def to_highs(basis: Basis) -> highspy.HighsBasis:
    """A basis in its words."""
    import highspy

    words = [highspy.HighsBasisStatus(word) for word in range(5)]
    made = highspy.HighsBasis()
    made.col_status = [words[word] for word in basis.columns.tolist()]
    made.row_status = [words[word] for word in basis.rows.tolist()]
    made.valid = True
    return made


def from_highs(basis: highspy.HighsBasis) -> Basis:
    """A basis in ours."""
    return Basis(
        columns=np.array([int(word) for word in basis.col_status], dtype=np.int8),
        rows=np.array([int(word) for word in basis.row_status], dtype=np.int8),
    )
