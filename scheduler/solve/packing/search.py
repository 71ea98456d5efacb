"""The search: all boxes at once, breadth first, partial fillings dropped by a proven bound.

Items are taken kind by kind. A partial filling is dropped when its worth, the rent of its room left
and the best that the kinds to come could add above their rent do not exceed what is asked for. One
resource that comes in few whole units (GPUs) is not rented but counted exactly, as it is what makes
the relaxed knapsack lie.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.boxes import Boxes, fitting

UNITS = 64
"""A resource with no more than so many whole units a box may be counted instead of rented."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Fillings worth more than asked for, and what the search may have missed."""

    box: Ints
    """(F,) in order of boxes."""
    pods: Ints
    """(F, K)"""
    worth: Floats
    """(F,)"""
    missed: Floats
    """(B,) no filling that was passed over for lack of effort is worth more; -inf: none was."""
    looked: int
    """Partial fillings looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layer:
    """Partial fillings: of which box, room left, worth, pods so far."""

    box: Ints
    left: Floats
    worth: Floats
    pods: NDArray[np.int32]
    """Small numbers, copied often."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bounds:
    """What room left and kinds to come can add at most."""

    rent: Floats
    """(B, R) with nothing for the counted resource."""
    counted: int | None
    table: Floats
    """(K + 1, B, units + 1) what the kinds from place j on add above their rent."""

    def of(self, box: Ints, left: Floats, place: int) -> Floats:
        """(N,) at most."""
        rented: Floats = np.einsum("nr,nr->n", left, self.rent[box])
        units = np.zeros(len(box), dtype=np.int64)
        if self.counted is not None:
            units = np.maximum(left[:, self.counted], 0.0).astype(np.int64)
        most: Floats = rented + self.table[place, box, units]
        return most


def search(batch: Boxes, worth: Floats, rent: Floats, floor: Floats, states: int) -> Found:
    """Fillings worth more than `floor` (B,), at most `states` partial ones kept at a time.

    `worth` (B, K) is not negative; `rent` (B, R) as Rents gives it. Where nothing was missed, all
    fillings above the floor are found whose last kinds cannot be increased.
    """
    order = _order(batch)
    bounds = _bounds(batch, worth, rent, order)
    missed = np.full(len(floor), -np.inf)
    looked = 0
    layer, best = _roots(batch, bounds, floor)
    for place, kind in enumerate(order):
        last = place == len(order) - 1
        fit = np.minimum(fitting(layer.left, batch.takes[kind]), batch.most[layer.box, kind])
        children = np.ones_like(fit) if last else fit + 1
        keep, drop = _most_promising(layer.box, best, children, states)
        np.maximum.at(missed, layer.box[drop], best[drop])
        layer = _grown(_kept(layer, keep), batch, worth, int(kind), fit[keep], last)
        looked += len(layer.box)
        best = layer.worth + bounds.of(layer.box, layer.left, place + 1)
        rows = np.flatnonzero(best > floor[layer.box])
        layer, best = _kept(layer, rows), best[rows]
    good = np.flatnonzero(layer.worth > floor[layer.box])
    pods = layer.pods[good].astype(np.int64)
    return Found(
        box=layer.box[good], pods=pods, worth=layer.worth[good], missed=missed, looked=looked
    )


def _order(batch: Boxes) -> Ints:
    """Kinds by the room they take, largest first: few branches while there is much to decide."""
    top = np.maximum(batch.room.max(axis=0, initial=0.0), 1e-300)
    share = np.sort(batch.takes / top, axis=1)[:, ::-1]
    return np.lexsort((np.arange(len(share)), -share.sum(axis=1), -share[:, 0]))


def _bounds(batch: Boxes, worth: Floats, rent: Floats, order: Ints) -> _Bounds:
    counted = _counted(batch)
    rented = rent.copy()
    units, steps = 0, np.zeros(len(order), dtype=np.int64)
    if counted is not None:
        rented[:, counted] = 0.0
        units = int(batch.room[:, counted].max())
        steps = batch.takes[:, counted].astype(np.int64)
    over = np.maximum(0.0, worth - rented @ batch.takes.T)
    table = np.zeros((len(order) + 1, len(batch.room), units + 1))
    for place in range(len(order) - 1, -1, -1):
        kind = order[place]
        table[place] = _with_kind(table[place + 1], over[:, kind], batch.most[:, kind], steps[kind])
    return _Bounds(rent=rented, counted=counted, table=table)


def _with_kind(later: Floats, over: Floats, most: Ints, step: int) -> Floats:
    """(B, units + 1) the best of taking 0, 1, 2, ... of a kind."""
    if step == 0:
        return later + (over * most)[:, None]
    best, units = later.copy(), later.shape[1]
    for times in range(1, (units - 1) // step + 1):
        gain = np.where(most >= times, times * over, 0.0)[:, None]
        here = best[:, times * step :]
        np.maximum(here, later[:, : units - times * step] + gain, out=here)
    return best


def _counted(batch: Boxes) -> int | None:
    """The resource of few whole units that items take the largest share of."""
    takes = batch.takes
    whole = (takes == np.floor(takes)).all(axis=0) & (takes > 0).any(axis=0)
    top = batch.room.max(axis=0, initial=0.0)
    fit = np.flatnonzero(whole & (top >= 1) & (top <= UNITS))
    if not len(fit):
        return None
    return int(fit[np.argmax((takes[:, fit] / top[fit]).sum(axis=0))])


def _roots(batch: Boxes, bounds: _Bounds, floor: Floats) -> tuple[_Layer, Floats]:
    every = np.arange(len(batch.room))
    best = bounds.of(every, batch.room, 0)
    box = np.flatnonzero(best > floor)
    pods = np.zeros((len(box), len(batch.takes)), dtype=np.int32)
    return _Layer(box=box, left=batch.room[box], worth=np.zeros(len(box)), pods=pods), best[box]


def _most_promising(box: Ints, best: Floats, children: Ints, states: int) -> tuple[Ints, Ints]:
    """Rows to keep and to drop, so that not many more than `states` children grow.

    Every box has its share, so that none is forgotten.
    """
    if children.sum() <= states:
        return np.arange(len(box)), np.zeros(0, dtype=np.int64)
    order = np.lexsort((-best, box))
    sorted_box = box[order]
    before = np.cumsum(children[order]) - children[order]
    start = np.searchsorted(sorted_box, sorted_box)
    share = states // len(np.unique(sorted_box))
    # The most promising of each box always stays.
    keep = (before - before[start] < share) | (start == np.arange(len(order)))
    return order[keep], order[~keep]


def _grown(layer: _Layer, batch: Boxes, worth: Floats, kind: int, fit: Ints, last: bool) -> _Layer:
    """Each partial filling with 0, 1, 2, ... of a kind; of the last one as many as fit."""
    if last:
        parent, times = np.arange(len(fit)), fit
    else:
        parent = np.repeat(np.arange(len(fit)), fit + 1)
        ends = np.cumsum(fit + 1)
        times = np.arange(len(parent)) - np.repeat(ends - fit - 1, fit + 1)
    box = layer.box[parent]
    pods = layer.pods[parent]
    pods[:, kind] = times
    return _Layer(
        box=box,
        left=layer.left[parent] - times[:, None] * batch.takes[kind],
        worth=layer.worth[parent] + times * worth[box, kind],
        pods=pods,
    )


def _kept(layer: _Layer, rows: Ints) -> _Layer:
    return _Layer(
        box=layer.box[rows], left=layer.left[rows], worth=layer.worth[rows], pods=layer.pods[rows]
    )
