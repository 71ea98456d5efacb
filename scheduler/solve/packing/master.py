"""The restricted master: the relaxed packing over the fillings known so far, warm."""

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.engine import PRIMAL, quiet
from scheduler.solve.packing.reduce import Core
from scheduler.solve.packing.values import Fillings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxed:
    """A solution of the restricted master."""

    cost: float
    """USD an hour."""
    nodes: Floats
    """(F,) nodes of each filling, in fractions."""
    worth: Floats
    """(K,) what one more pod of the class costs, never more than leaving it out."""
    scarcity: Floats
    """(T,) what one more node of a type that runs short saves, zero or more."""


class Master:
    """Covers every class at least cost; any class may be left out at its price."""

    def __init__(self, core: Core, count: Ints | None = None) -> None:
        """`count` (K,) pods to cover, all of the core's where not said."""
        self._core = core
        self._classes = len(core.count)
        self._row = np.full(len(core.most), -1, dtype=np.int64)
        limited = np.flatnonzero(core.limited)
        self._row[limited] = self._classes + np.arange(len(limited))
        self._kind: list[Ints] = []
        self._pods: list[Ints] = []
        self._solver = quiet()
        # Columns come and costs change while the last basis stays feasible.
        self._solver.setOptionValue("simplex_strategy", PRIMAL)
        asked = core.count if count is None else count
        lower = np.concatenate([asked.astype(np.float64), np.full(len(limited), -np.inf)])
        upper = np.concatenate([np.full(self._classes, np.inf), core.most[limited]])
        rows, nothing = len(lower), np.zeros(0, dtype=np.int32)
        starts = np.zeros(rows, dtype=np.int32)
        self._solver.addRows(rows, lower, upper, 0, starts, nothing, np.zeros(0))
        each = np.arange(self._classes)
        self._columns(core.usd_missing, each, each, np.ones(self._classes))

    def add(self, fillings: Fillings) -> None:
        """More fillings to choose from."""
        row_of = self._row[fillings.kind]
        place, kind = np.nonzero(fillings.pods)
        short = np.flatnonzero(row_of >= 0)
        column = np.concatenate([place, short])
        order = np.argsort(column, kind="stable")
        row = np.concatenate([kind, row_of[short]])[order]
        value = np.concatenate([fillings.pods[place, kind], np.ones(len(short))])[order]
        starts = np.searchsorted(column[order], np.arange(len(fillings)))
        self._columns(self._core.usd_per_hour[fillings.kind], starts, row, value)
        self._kind.append(fillings.kind)
        self._pods.append(fillings.pods)

    @property
    def fillings(self) -> Fillings:
        """All that were added."""
        none = np.zeros((0, self._classes), dtype=np.int64)
        kind = np.concatenate([np.zeros(0, dtype=np.int64), *self._kind])
        return Fillings(kind=kind, pods=np.concatenate([none, *self._pods]))

    def solve(self) -> Relaxed | None:
        """The best fractions of the fillings known; None when the solver has no answer."""
        self._solver.run()
        solution = self._solver.getSolution()
        duals, nodes = np.array(solution.row_dual), np.array(solution.col_value)
        if len(duals) != self._solver.getNumRow() or not np.isfinite(duals).all():
            return None
        worth = np.clip(duals[: self._classes], 0.0, self._core.usd_missing)
        scarcity = np.zeros(len(self._row))
        short = self._row >= 0
        scarcity[short] = np.maximum(0.0, -duals[self._row[short]])
        return Relaxed(
            cost=float(self._solver.getObjectiveValue()),
            nodes=np.maximum(0.0, nodes[self._classes :]),
            worth=worth,
            scarcity=scarcity,
        )

    def _columns(self, usd: Floats, starts: Ints, row: Ints, value: Floats) -> None:
        size = len(usd)
        self._solver.addCols(
            size,
            np.asarray(usd, dtype=np.float64),
            np.zeros(size),
            np.full(size, np.inf),
            len(row),
            starts.astype(np.int32),
            row.astype(np.int32),
            np.asarray(value, dtype=np.float64),
        )
