"""Reduction: equal pods become one class, useless and dominated node types go."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.solve.packing.boxes import fitting
from scheduler.solve.packing.values import (
    HAIR,
    Fillings,
    NodeTypes,
    PodClasses,
    a_missing_price,
)

_Run: TypeAlias = tuple[int, Ints, Ints, int]
"""Node type, pods by class asked about, places by class of the core, nodes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """The question without repetition: what the solver sees."""

    room: Floats
    """(T, R)"""
    usd_per_hour: Floats
    """(T,)"""
    most: Floats
    """(T,)"""
    take: Floats
    """(K, R)"""
    count: Ints
    """(K,)"""
    fit: Ints
    """(K, T) pods of the class that fit on one node alone, no more than there are; or 0."""
    usd_missing: Floats
    """(K,)"""

    @property
    def limited(self) -> Bools:
        """(T,) types of which there may be too few."""
        short: Bools = self.most < self.count.sum()
        return short


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduction:
    """The core, and the way back."""

    core: Core
    kinds: Ints
    """(T of the core,) the node types asked about."""
    group: Ints
    """(K asked about,) the core's class of each class."""
    count: Ints
    """(K asked about,)"""


def reduced(types: NodeTypes, classes: PodClasses) -> Reduction:
    """Same costs, fewer types and classes."""
    usable = _usable(types, classes)
    dear = a_missing_price(types, classes)
    key = np.column_stack([classes.take, usable, dear])
    _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    count = np.bincount(group, weights=classes.count, minlength=len(first)).astype(np.int64)
    usable = usable[first] & (count > 0)[:, None]
    kinds = _undominated(types, usable, int(count.sum()))
    fit = _alone(types.room[kinds], classes.take[first], usable[:, kinds])
    core = Core(
        room=types.room[kinds],
        usd_per_hour=types.usd_per_hour[kinds],
        most=np.floor(types.most[kinds] + HAIR),
        take=classes.take[first],
        count=count,
        fit=np.minimum(fit, count[:, None]),
        usd_missing=dear[first],
    )
    return Reduction(core=core, kinds=kinds, group=group, count=classes.count)


def left_over(core: Core, fillings: Fillings, nodes: Ints) -> Core:
    """The core that remains when these nodes are bought: same types and classes, fewer pods."""
    count = np.maximum(0, core.count - nodes @ fillings.pods)
    bought = np.bincount(fillings.kind, weights=nodes, minlength=len(core.most))
    most = core.most - bought
    fit = np.where(most >= 1, np.minimum(core.fit, count[:, None]), 0)
    return replace(core, count=count, most=most, fit=fit)


def _usable(types: NodeTypes, classes: PodClasses) -> Bools:
    room = types.room * (1.0 + HAIR)
    fits = (classes.take[:, None, :] <= room[None, :, :]).all(axis=2)
    return classes.allowed & fits & (types.most >= 1.0 - HAIR)


def _undominated(types: NodeTypes, usable: Bools, pods: int) -> Ints:
    """Types that some class may use, but not those that another is at least as good as.

    Another type stands in for all nodes of a type when it has room for as much, hosts the same
    classes, costs no more and there are as many of it as can ever be wanted.
    """
    kinds = np.flatnonzero(usable.any(axis=0))
    room, usd = types.room[kinds], types.usd_per_hour[kinds]
    plenty = types.most[kinds] >= pods
    # better[a, b]: a is at least as good as b
    better = (usd[:, None] <= usd) & plenty[:, None]
    better &= (room[:, None, :] >= room[None, :, :]).all(axis=2)
    hosts = usable[:, kinds].astype(np.float64)
    better &= (1.0 - hosts).T @ hosts == 0
    order = np.arange(len(kinds))
    equal = better & better.T
    beaten = (better & (~equal | (order[:, None] < order))).any(axis=0)
    return kinds[~beaten]


def _alone(room: Floats, take: Floats, usable: Bools) -> Ints:
    """(K, T) pods of each class that fit on an empty node."""
    wide = room * (1.0 + HAIR)
    fits = [fitting(wide, one) for one in take]
    return np.where(usable, np.array(fits, dtype=np.int64).reshape(usable.shape), 0)


def expanded(reduction: Reduction, fillings: Fillings, nodes: Ints) -> tuple[Fillings, Ints, Ints]:
    """The fillings, nodes and missing pods in terms of what was asked about.

    Places for more pods than there are stay free; a node that nobody needs is not bought.
    """
    runs = [
        (int(kind), pods, int(times))
        for kind, pods, times in zip(fillings.kind, fillings.pods, nodes, strict=True)
        if times > 0
    ]
    asked = len(reduction.group)
    full: list[_Run] = [
        (kind, np.zeros(asked, dtype=np.int64), pods, times) for kind, pods, times in runs
    ]
    missing = np.zeros(asked, dtype=np.int64)
    for group in range(len(reduction.core.count)):
        members = np.flatnonzero(reduction.group == group)
        full, left = _shared_out(full, group, members, reduction.count[members])
        missing[members] = left
    kept = [(kind, own, times) for kind, own, _, times in full if own.any()]
    kinds = reduction.kinds[[kind for kind, _, _ in kept]] if kept else np.zeros(0, dtype=np.int64)
    pods = np.array([own for _, own, _ in kept], dtype=np.int64).reshape(len(kept), asked)
    times = np.array([times for _, _, times in kept], dtype=np.int64)
    return Fillings(kind=kinds, pods=pods), times, missing


def _shared_out(
    runs: list[_Run], group: int, members: Ints, count: Ints
) -> tuple[list[_Run], Ints]:
    """The places of a group given to its members in turn; runs of equal nodes split as needed."""
    left = count.copy()
    shared: list[_Run] = []
    for kind, own, places, times in runs:
        rest = times
        while rest > 0:
            taken, alike = _turn(left, int(places[group]), rest)
            mine = own.copy()
            mine[members] = taken
            shared.append((kind, mine, places, alike))
            left = left - taken * alike
            rest -= alike
    return shared, left


def _turn(left: Ints, places: int, nodes: int) -> tuple[Ints, int]:
    """What one node hosts of each member, first come first served, and how many nodes alike."""
    before = np.cumsum(left) - left
    taken = np.clip(places - before, 0, left)
    hosted = taken > 0
    if not hosted.any():
        return taken, nodes
    alike = int((left[hosted] // taken[hosted]).min())
    # Only while the first members last does the next node look the same.
    return taken, max(1, min(nodes, alike))
