"""Cuts: what whole nodes imply for a pool's capacity, as rows that every whole solution keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.solve.large.shape import HAIR, Capacity, Shape

LEAST = 1e-6
"""A cut must be broken by more than this share of its size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cuts:
    """Rows `sum factor * offer + sum free_factor * free <= limit`, entry by entry."""

    of: Ints
    """The cut of each entry over offers."""
    offer: Ints
    factor: Floats
    free_of: Ints
    free: Ints
    """Position among the free unknowns."""
    free_factor: Floats
    limit: Floats
    tie: Ints
    """The capacity row that each cut was drawn from."""

    @property
    def count(self) -> int:
        """How many."""
        return len(self.limit)

    def beside(self, other: Cuts) -> Cuts:
        """Both."""
        return Cuts(
            of=np.concatenate([self.of, other.of + self.count]),
            offer=np.concatenate([self.offer, other.offer]),
            factor=np.concatenate([self.factor, other.factor]),
            free_of=np.concatenate([self.free_of, other.free_of + self.count]),
            free=np.concatenate([self.free, other.free]),
            free_factor=np.concatenate([self.free_factor, other.free_factor]),
            limit=np.concatenate([self.limit, other.limit]),
            tie=np.concatenate([self.tie, other.tie]),
        )

    def only(self, kept: Bools) -> Cuts:
        """Some of them."""
        number = np.cumsum(kept) - 1
        offers, free = kept[self.of], kept[self.free_of]
        return Cuts(
            of=number[self.of[offers]],
            offer=self.offer[offers],
            factor=self.factor[offers],
            free_of=number[self.free_of[free]],
            free=self.free[free],
            free_factor=self.free_factor[free],
            limit=self.limit[kept],
            tie=self.tie[kept],
        )


_NO_INTS = np.zeros(0, dtype=np.int64)
_NO_FLOATS = np.zeros(0)
NO_CUTS = Cuts(
    of=_NO_INTS,
    offer=_NO_INTS,
    factor=_NO_FLOATS,
    free_of=_NO_INTS,
    free=_NO_INTS,
    free_factor=_NO_FLOATS,
    limit=_NO_FLOATS,
    tie=_NO_INTS,
)


def broken_cuts(shape: Shape, capacity: Capacity, used: Ints, amount: Floats, free: Floats) -> Cuts:
    """The most broken residual capacity inequality of each capacity whose nodes are not whole.

    For offers S of one pool, each at most `most`, with total A = k * size + rest: what S uses is
    at most A - r * (k - nodes), k = ceil(A / size), r = A - size * (k - 1). Those with more than
    the fraction of the nodes are the S to take (Magnanti, Mirchandani and Vachani 1993; separation
    by Atamturk and Rajan 2002).
    """
    links = csr_array(shape.links[used].T.tocsr())
    found = NO_CUTS
    whole = capacity.whole
    for tie, nodes, size, limit in zip(
        capacity.tie[whole],
        capacity.nodes[whole],
        capacity.size[whole],
        capacity.limit[whole],
        strict=True,
    ):
        part = free[nodes] - np.floor(free[nodes])
        if HAIR * 1e3 < part < 1.0 - HAIR * 1e3:
            span = slice(links.indptr[tie], links.indptr[tie + 1])
            at, takes = links.indices[span], links.data[span]
            chosen = amount[at] > part * shape.most[used[at]] + HAIR
            offer, factor = used[at[chosen]], takes[chosen]
            cut = _cut(shape, tie, nodes, size, limit, offer, factor)
            if cut is not None:
                value = float(cut.factor @ amount[at[chosen]]) + cut.free_factor[0] * free[nodes]
                if value - cut.limit[0] > LEAST * (1.0 + abs(cut.limit[0])):
                    found = found.beside(cut)
    return found


def _cut(
    shape: Shape, tie: int, nodes: int, size: float, limit: float, offer: Ints, factor: Floats
) -> Cuts | None:
    """The inequality for these offers; nothing where it says nothing."""
    total = float(factor @ shape.most[offer])
    asked = total - limit
    if not len(offer) or not np.isfinite(total):
        return None
    count = np.ceil(asked / size - HAIR)
    rest = asked - size * (count - 1.0)
    return Cuts(
        of=np.zeros(len(offer), dtype=np.int64),
        offer=offer.astype(np.int64),
        factor=factor,
        free_of=np.zeros(1, dtype=np.int64),
        free=np.array([nodes]),
        free_factor=np.array([-rest]),
        limit=np.array([total - rest * count]),
        tie=np.array([tie]),
    )


def redrawn(shape: Shape, capacity: Capacity, cuts: Cuts) -> Cuts:
    """The same cuts for needs that have changed."""
    found = NO_CUTS
    where = {int(tie): i for i, tie in enumerate(capacity.tie)}
    for number in range(cuts.count):
        i = where[int(cuts.tie[number])]
        mine = cuts.of == number
        again = _cut(
            shape,
            int(capacity.tie[i]),
            int(capacity.nodes[i]),
            float(capacity.size[i]),
            float(capacity.limit[i]),
            cuts.offer[mine],
            cuts.factor[mine],
        )
        if again is not None:
            found = found.beside(again)
    return found
