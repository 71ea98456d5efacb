"""The shape of a large model: needs that are covered by many columns, tied by few other rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.problem import Problem

HAIR = 1e-9
Index = NDArray[np.int32] | Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A problem read as needs and ties.

    A need is a row `sum of factor * column >= need` over columns that may always be lowered to
    0 but for their needs; each such column is an offer of one need. All other rows are ties, all
    other columns are free. Offers are stored need by need.
    """

    needs: Index
    """Row of each need."""
    ties: Index
    """All other rows."""
    need: Floats
    start: Index
    """Offers of need i are start[i]..start[i + 1]."""
    owner: Index
    """The need of each offer."""
    offers: Index
    """Column of each offer."""
    covers: Floats
    """What one unit of an offer covers."""
    factor: Floats
    """The same, but of an offer in whole units no more than the need: one unit is enough then."""
    price: Floats
    """Cost of one unit of an offer."""
    most: Floats
    """Upper bound of an offer; never more than what covers all of its needs."""
    links: csr_array
    """(offers, ties): what one unit takes of each tie."""
    free: Index
    """Column of each free unknown."""
    free_links: csr_array
    """(free, ties)."""

    @property
    def enough(self) -> bool:
        """Whether each offer can cover its need alone."""
        return bool(np.all(self.most * self.factor >= self.need[self.owner] * (1.0 - HAIR)))

    def part(self, chosen: Ints, need: Floats) -> Shape:
        """These needs only, with other amounts."""
        count = np.diff(self.start)[chosen]
        start = np.concatenate([[0], np.cumsum(count)])
        owner = np.repeat(np.arange(len(chosen)), count)
        at = np.arange(len(owner)) - start[owner] + self.start[chosen][owner]
        most = self.most[at] * (need / np.maximum(self.need[chosen], HAIR))[owner]
        return replace(
            self,
            needs=self.needs[chosen],
            need=need,
            start=start,
            owner=owner,
            offers=self.offers[at],
            covers=self.covers[at],
            factor=self.factor[at],
            price=self.price[at],
            most=most,
            links=self.links[at],
        )

    def only(self, kept: Ints) -> Shape:
        """These offers only, at least one of each need."""
        owner = self.owner[kept]
        count = np.bincount(owner, minlength=len(self.need))
        return replace(
            self,
            start=np.concatenate([[0], np.cumsum(count)]),
            owner=owner,
            offers=self.offers[kept],
            covers=self.covers[kept],
            factor=self.factor[kept],
            price=self.price[kept],
            most=self.most[kept],
            links=self.links[kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capacity:
    """Ties `use of offers - size * nodes <= limit`, where one free unknown alone gives room."""

    tie: Ints
    nodes: Ints
    """Position among the free unknowns, of each."""
    size: Floats
    limit: Floats
    whole: Bools
    """Whether the nodes are whole."""
    sole: Bools
    """Whether the nodes stand in no other tie."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Large:
    """A problem and how it is read."""

    problem: Problem
    shape: Shape
    capacity: Capacity


def read(problem: Problem) -> Large:
    """Finds the shape of any problem."""
    shape = shape_of(problem)
    return Large(problem=problem, shape=shape, capacity=capacity_of(problem, shape))


def capacity_of(problem: Problem, shape: Shape) -> Capacity:
    """Ties with an upper limit that nothing but their nodes can widen."""
    links = shape.free_links.tocoo()
    who, tie = links.coords[0].astype(np.int64), links.coords[1].astype(np.int64)
    gives = links.data < 0.0
    count = len(shape.ties)
    givers = np.bincount(tie[gives], minlength=count)
    # What takes room may be left out of an inequality only where it cannot be negative.
    negative = ~gives & (problem.lower[shape.free[who]] < 0.0)
    spoiled = np.bincount(tie[negative], minlength=count) > 0
    spoiled |= np.bincount(shape.links.indices[shape.links.data < 0.0], minlength=count) > 0
    upper, lower = problem.row_upper[shape.ties], problem.row_lower[shape.ties]
    good = (givers == 1) & ~spoiled & np.isfinite(upper) & np.isneginf(lower)
    entry = gives & good[tie]
    times = np.bincount(who, minlength=len(shape.free))
    return Capacity(
        tie=tie[entry],
        nodes=who[entry],
        size=-links.data[entry],
        limit=upper[tie[entry]],
        whole=problem.integer[shape.free[who[entry]]],
        sole=times[who[entry]] == 1,
    )


def shape_of(problem: Problem) -> Shape:
    """Needs and ties of any problem; without needs, or with few, all rows are ties."""
    matrix = _without_zeros(problem.matrix)
    at_least = np.isfinite(problem.row_lower) & np.isposinf(problem.row_upper)
    at_most = np.isneginf(problem.row_lower) & np.isfinite(problem.row_upper)
    lowers = _can_be_lowered(problem, matrix, at_least | at_most)
    needs = _needs(matrix, at_least & (problem.row_lower >= 0.0), lowers)
    if 2 * len(needs) < matrix.shape[0]:
        # Where most rows tie, settling needs one by one saves nothing.
        needs = needs[:0]
    ties = np.setdiff1d(np.arange(matrix.shape[0]), needs, assume_unique=True)
    covers = _rows(matrix, needs)
    offers, factor, start = covers.indices, covers.data, covers.indptr
    owner = np.repeat(np.arange(len(needs), dtype=np.int32), np.diff(start))
    free = np.ones(problem.columns, dtype=bool)
    free[offers] = False
    links = csr_array(_rows(matrix, ties).T.tocsr())
    shape = Shape(
        needs=needs,
        ties=ties,
        need=problem.row_lower[needs],
        start=start,
        owner=owner,
        offers=offers,
        covers=factor,
        factor=factor,
        price=np.zeros(0),
        most=np.zeros(0),
        links=_rows(links, offers),
        free=free.nonzero()[0],
        free_links=_rows(links, free.nonzero()[0]),
    )
    return with_needs(shape, problem)


def with_needs(shape: Shape, problem: Problem) -> Shape:
    """The same shape where only prices, limits of rows and bounds have changed."""
    need = problem.row_lower[shape.needs]
    alone, factor = need[shape.owner] / shape.covers, shape.covers
    again = _wanted_elsewhere(shape, problem)
    if again is not None:
        alone = np.maximum(alone, again)
    whole = problem.integer[shape.offers]
    if whole.any():
        alone = np.where(whole, np.ceil(alone - HAIR), alone)
        asked = need[shape.owner]
        factor = np.where(whole & (asked > 0.0), np.minimum(factor, asked), factor)
    most = np.minimum(problem.upper[shape.offers], alone)
    return replace(shape, need=need, factor=factor, most=most, price=problem.cost[shape.offers])


def read_again(large: Large, problem: Problem) -> Large | None:
    """As `read`, but fast, where nothing but prices, limits and bounds differ; else nothing."""
    old, shape = large.problem, large.shape
    if not _same_matrix(old, problem) or not np.array_equal(old.integer, problem.integer):
        return None
    sides = (np.isfinite(old.row_lower), np.isfinite(old.row_upper))
    again = (np.isfinite(problem.row_lower), np.isfinite(problem.row_upper))
    if not all(np.array_equal(a, b) for a, b in zip(sides, again, strict=True)):
        return None
    offers = shape.offers
    fits = (
        np.all(problem.cost[offers] >= 0.0)
        and np.all(problem.lower[offers] == 0.0)
        and np.all(problem.row_lower[shape.needs] >= 0.0)
        and np.array_equal(problem.lower[shape.free] < 0.0, old.lower[shape.free] < 0.0)
    )
    if not fits:
        return None
    now = with_needs(shape, problem)
    return Large(problem=problem, shape=now, capacity=capacity_of(problem, now))


def _same_matrix(old: Problem, new: Problem) -> bool:
    a, b = old.matrix, new.matrix
    return a is b or (
        a.shape == b.shape
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and np.array_equal(a.data, b.data)
    )


def _without_zeros(matrix: csr_array) -> csr_array:
    if np.all(matrix.data):
        return matrix
    matrix = matrix.copy()
    matrix.eliminate_zeros()
    return matrix


def _can_be_lowered(problem: Problem, matrix: csr_array, one_sided: Bools) -> Bools:
    """Columns that nothing but a `>=` row keeps above 0: lowering them breaks no other row."""
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    keeps = (matrix.data <= 0.0) | ~one_sided[row]
    lowers: Bools = (problem.lower == 0.0) & (problem.cost >= 0.0)
    lowers[matrix.indices[keeps]] = False
    return lowers


def _needs(matrix: csr_array, at_least: Bools, lowers: Bools) -> Ints:
    """Rows of lowerable columns only; of rows that share a column the first."""
    rows = at_least & (np.diff(matrix.indptr) > 0)
    filled = np.diff(matrix.indptr).nonzero()[0]
    if not len(filled):
        return np.zeros(0, dtype=np.int64)
    starts = matrix.indptr[filled]
    fit = np.zeros(matrix.shape[0], dtype=bool)
    fit[filled] = np.logical_and.reduceat(lowers[matrix.indices], starts)
    rows &= fit
    chosen = rows.nonzero()[0]
    part = _rows(matrix, chosen)
    times = np.bincount(part.indices, minlength=matrix.shape[1])
    if not len(chosen) or times.max() <= 1:
        return chosen
    first = np.full(matrix.shape[1], matrix.shape[0])
    owner = np.repeat(chosen, np.diff(part.indptr))
    np.minimum.at(first, part.indices, owner)
    own = np.logical_and.reduceat(first[part.indices] == owner, part.indptr[:-1])
    kept: Ints = chosen[own]
    return kept


def _wanted_elsewhere(shape: Shape, problem: Problem) -> Floats | None:
    """Units of each offer that satisfy its largest `>=` tie alone; nothing without such ties."""
    lower = problem.row_lower[shape.ties]
    asks = np.isfinite(lower)
    if not len(asks) or not asks[shape.links.indices].any():
        return None
    offer = np.repeat(np.arange(len(shape.offers)), np.diff(shape.links.indptr))
    asked = asks[shape.links.indices]
    units = lower[shape.links.indices[asked]] / shape.links.data[asked]
    most = np.zeros(len(shape.offers))
    np.maximum.at(most, offer[asked], units)
    return most


def _rows(matrix: csr_array, rows: Index) -> csr_array:
    """Some rows; without a copy where they stand together."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and np.all(np.diff(rows) == 1):
        first, stop = int(rows[0]), int(rows[-1]) + 1
        span = slice(matrix.indptr[first], matrix.indptr[stop])
        pointer = matrix.indptr[first : stop + 1] - matrix.indptr[first]
        shape = (len(rows), matrix.shape[1])
        return csr_array((matrix.data[span], matrix.indices[span], pointer), shape=shape)
    return csr_array(matrix[rows])
