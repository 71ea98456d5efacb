"""Pricing: the best fillings of nodes, exact or with a bound on what was missed."""

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.boxes import Boxes, boxes, greedy, maximal, topped_up
from scheduler.solve.packing.rents import Rents
from scheduler.solve.packing.search import Found, search

STATES = 200_000
BEAM = 4_000
SPARE = 8
"""Partial fillings allowed for each maximal filling wanted."""
BETTER = 1e-9
"""A filling is better than another when it is worth more by this share."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filling:
    """The best filling found of one node."""

    pods: Ints
    """(K,)"""
    worth: float
    upper: float
    """No filling is worth more; equal to `worth` where the filling is proven best."""

    @property
    def exact(self) -> bool:
        """No filling is worth more than this one."""
        return self.upper <= self.worth * (1.0 + BETTER) + BETTER * BETTER


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priced:
    """Maximal fillings of a batch of boxes, with their worth."""

    box: Ints
    """(F,)"""
    pods: Ints
    """(F, K)"""
    worth: Floats
    """(F,)"""
    upper: Floats
    """(B,) no filling of the box is worth more than this."""
    missed: Floats
    """(B,) no filling passed over for lack of effort is worth more; -inf: none was."""


def best_filling(
    room: Floats, takes: Floats, worths: Floats, most: Ints, states: int = STATES
) -> Filling:
    """The filling of one node's room (R,) that is worth most.

    Pods take `takes` (K, R) and are worth `worths` (K,) >= 0 each; at most `most` (K,) of each
    class. `states` limits the partial fillings looked at at a time; when it is too few the filling
    may not be the best, and `upper` says how much better another may be.
    """
    pricer = Pricer(room[None, :], takes, most[None, :])
    worth = np.maximum(0.0, worths)[None, :]
    known = pricer.quick(worth)
    pods, best, upper = known.pods[0], float(known.worth[0]), np.inf
    for wide in (min(BEAM, states), states):
        found = pricer.best(worth, np.full(1, best * (1.0 + BETTER)), wide)
        if len(found.box):
            first = int(np.argmax(found.worth))
            pods, best = found.pods[first], float(found.worth[first])
        upper = min(upper, float(found.upper[0]))
        if upper <= best * (1.0 + BETTER):
            break
    return Filling(pods=pods, worth=best, upper=max(best, upper))


def maximal_fillings(room: Floats, takes: Floats, most: Ints, limit: int) -> Ints | None:
    """(F, K) all fillings of one node to which no pod can be added; None when over `limit`."""
    pricer = Pricer(room[None, :], takes, most[None, :])
    nothing, below = np.zeros((1, len(takes))), np.full(1, -1.0)
    found = pricer.above(nothing, below, states=max(limit * SPARE, BEAM))
    if np.isfinite(found.missed).any() or len(found.box) > limit:
        return None
    return found.pods


class Pricer:
    """Prices fillings of the same B nodes again and again, as worths of the pods change."""

    def __init__(self, room: Floats, takes: Floats, most: Ints) -> None:
        """`room` (B, R), `takes` (K, R), `most` (B, K): 0 where a class is not allowed."""
        self.batch: Boxes = boxes(room, takes, most)
        self._rents = Rents(self.batch)
        self.looked = 0
        """Partial fillings looked at so far: the effort spent."""

    def quick(self, worth: Floats) -> Priced:
        """A greedy filling of each box; nothing is proven."""
        every = np.arange(len(self.batch.room))
        pods = topped_up(self.batch, every, greedy(self.batch, worth))
        unknown = np.full(len(every), np.inf)
        value = np.einsum("bk,bk->b", pods, worth)
        return Priced(box=every, pods=pods, worth=value, upper=unknown, missed=unknown)

    def best(self, worth: Floats, floor: Floats, states: int, each: int = 3) -> Priced:
        """Up to `each` best fillings of every box that are worth more than `floor` (B,)."""
        found = self._search(worth, floor, states)
        upper = np.maximum(floor, found.missed)
        np.maximum.at(upper, found.box, found.worth)
        chosen = _first(found.box, found.worth, each)
        box = found.box[chosen]
        pods = topped_up(self.batch, box, found.pods[chosen])
        value = np.einsum("fk,fk->f", pods, worth[box])
        return Priced(box=box, pods=pods, worth=value, upper=upper, missed=found.missed)

    def above(self, worth: Floats, floor: Floats, states: int) -> Priced:
        """All maximal fillings worth more than `floor` (B,), but for those that were missed."""
        found = self._search(worth, floor, states)
        rows = maximal(self.batch, found.box, found.pods)
        box, pods, value = found.box[rows], found.pods[rows], found.worth[rows]
        upper = np.maximum(floor, found.missed)
        np.maximum.at(upper, box, value)
        return Priced(box=box, pods=pods, worth=value, upper=upper, missed=found.missed)

    def _search(self, worth: Floats, floor: Floats, states: int) -> Found:
        found = search(self.batch, worth, self._rents.of(worth), floor, states)
        self.looked += found.looked
        return found


def _first(box: Ints, worth: Floats, each: int) -> Ints:
    """Rows of the best fillings of each box."""
    order = np.lexsort((np.arange(len(box)), -worth, box))
    sorted_box = box[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_box, sorted_box)
    return order[rank < each]
