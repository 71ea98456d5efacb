"""Rents: what each resource of each box is worth, by the relaxed knapsacks all at once."""

from typing import TYPE_CHECKING

import numpy as np

from scheduler.model.affine import Floats
from scheduler.solve.engine import PRIMAL, quiet
from scheduler.solve.packing.boxes import Boxes

if TYPE_CHECKING:
    import highspy


class Rents:
    """The dual prices of the boxes' resources: warm from one call to the next.

    Any prices of zero or more give a valid bound on what a box can hold; good ones a tight one.
    """

    def __init__(self, batch: Boxes) -> None:
        # Scaled, as bytes and GPUs in one row set would ruin the solver's tolerances.
        self._scale = np.maximum(batch.room.max(axis=0, initial=0.0), 1e-12)
        self._shape = (*batch.room.shape, len(batch.takes))
        self._solver = _loaded(batch, self._scale)

    def of(self, worth: Floats) -> Floats:
        """(B, R) USD an hour of one unit of each resource, where items have this worth (B, K)."""
        boxes, resources, kinds = self._shape
        size = boxes * kinds
        top = float(worth.max(initial=0.0))
        if top <= 0:
            return np.zeros((boxes, resources))
        self._solver.changeColsCost(size, np.arange(size, dtype=np.int32), worth.ravel() / top)
        self._solver.run()
        duals = np.array(self._solver.getSolution().row_dual)
        if len(duals) != boxes * resources or not np.isfinite(duals).all():
            return np.zeros((boxes, resources))
        rents: Floats = np.maximum(0.0, duals.reshape(boxes, resources)) * top / self._scale
        return rents


def _loaded(batch: Boxes, scale: Floats) -> "highspy.Highs":
    # Imported where it is used: it costs start-up time and memory that most ticks do not need.
    import highspy

    boxes, kinds = batch.most.shape
    kind, resource = np.nonzero(batch.takes > 0)
    entries = len(kind)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = boxes * kinds, batch.room.size
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = np.zeros(boxes * kinds)
    lp.col_lower_ = np.zeros(boxes * kinds)
    lp.col_upper_ = batch.most.astype(np.float64).ravel()
    lp.row_lower_ = np.full(batch.room.size, -np.inf)
    lp.row_upper_ = (batch.room / scale).ravel()
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    per_kind = np.tile(np.bincount(kind, minlength=kinds), boxes)
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(per_kind)]).astype(np.int32)
    first = np.repeat(np.arange(boxes) * batch.room.shape[1], entries)
    lp.a_matrix_.index_ = (np.tile(resource, boxes) + first).astype(np.int32)
    lp.a_matrix_.value_ = np.tile((batch.takes / scale)[kind, resource], boxes)
    solver = quiet()
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("simplex_strategy", PRIMAL)
    solver.passModel(lp)
    return solver
