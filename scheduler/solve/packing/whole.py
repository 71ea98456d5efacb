"""Whole numbers: which of the known fillings to take how often, by MILP."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from scheduler.model.affine import Floats, Ints
from scheduler.solve.engine import quiet
from scheduler.solve.packing.reduce import Core
from scheduler.solve.packing.values import Effort, Fillings

if TYPE_CHECKING:
    import highspy
    from highspy.highs import HighsCallbackEvent

TRUST = 1e-6
"""Share of its own bound by which a solver may be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """A whole packing of the core, cost and missing pods counted by our own."""

    fillings: Fillings
    nodes: Ints
    """(F,)"""
    cost: float
    """USD an hour, pods left out included."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """What the MILP found."""

    whole: Whole | None
    bound: float
    """No choice among these fillings costs less; -inf where nothing is known."""


def whole(core: Core, fillings: Fillings, nodes: Ints) -> Whole:
    """With its cost; fillings that are not used are dropped."""
    used = np.flatnonzero(nodes > 0)
    kept = Fillings(kind=fillings.kind[used], pods=fillings.pods[used])
    missing = np.maximum(0, core.count - nodes[used] @ kept.pods)
    cost = nodes[used] @ core.usd_per_hour[kept.kind] + missing @ core.usd_missing
    return Whole(fillings=kept, nodes=nodes[used], cost=float(cost))


def choose(core: Core, fillings: Fillings, effort: Effort) -> Chosen:
    """The cheapest whole packing over these fillings, as far as the branches go.

    No start is given: with one, presolve of HiGHS 1.16 loses better packings.
    """
    solver = _loaded(core, fillings)
    solver.setOptionValue("mip_rel_gap", effort.gap)
    solver.setOptionValue("mip_max_nodes", effort.mip_nodes)
    _limit(solver, effort.mip_checks)
    solver.run()
    value = np.array(solver.getSolution().col_value)
    info = solver.getInfo()
    bound = float(info.mip_dual_bound)
    if not np.isfinite(bound):
        bound = -np.inf
    if len(value) != len(fillings) + len(core.count) or not np.isfinite(value).all():
        return Chosen(whole=None, bound=bound - TRUST * abs(bound))
    nodes = np.maximum(0, np.rint(value[: len(fillings)])).astype(np.int64)
    return Chosen(whole=_within(core, fillings, nodes), bound=bound - TRUST * abs(bound))


def _limit(solver: "highspy.Highs", checks: int) -> None:
    """Stop after so many checks: a node limit alone may leave the root taking a minute."""
    left = checks

    def check(event: "HighsCallbackEvent") -> None:
        nonlocal left
        left -= 1
        if left < 0:
            event.interrupt()

    solver.cbMipInterrupt.subscribe(check)


def _within(core: Core, fillings: Fillings, nodes: Ints) -> Whole | None:
    """The packing, unless the solver took more nodes than there are."""
    taken = np.bincount(fillings.kind, weights=nodes, minlength=len(core.most))
    return whole(core, fillings, nodes) if (taken <= core.most).all() else None


def _loaded(core: Core, fillings: Fillings) -> "highspy.Highs":
    # Imported where it is used: it costs start-up time and memory that most ticks do not need.
    import highspy

    limited = np.flatnonzero(core.limited)
    classes, size = len(core.count), len(fillings)
    rows = np.vstack(
        [
            np.hstack([fillings.pods.T, np.eye(classes)]),
            np.hstack([limited[:, None] == fillings.kind, np.zeros((len(limited), classes))]),
        ]
    )
    matrix = csc_array(rows)
    upper = _upper(core, fillings)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = size + classes, len(rows)
    lp.col_cost_ = np.concatenate([core.usd_per_hour[fillings.kind], core.usd_missing])
    lp.col_lower_ = np.zeros(size + classes)
    lp.col_upper_ = np.concatenate([upper, core.count.astype(np.float64)])
    lp.row_lower_ = np.concatenate([core.count, np.full(len(limited), -np.inf)])
    lp.row_upper_ = np.concatenate([np.full(classes, np.inf), core.most[limited]])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data.astype(np.float64)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * (size + classes)
    solver = quiet()
    solver.passModel(lp)
    return solver


def _upper(core: Core, fillings: Fillings) -> Floats:
    """(F,) no more nodes of a filling than cover all of its classes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(fillings.pods > 0, np.ceil(core.count / fillings.pods), 0.0)
    upper: Floats = np.minimum(wanted.max(axis=1, initial=0.0), core.most[fillings.kind])
    return upper
