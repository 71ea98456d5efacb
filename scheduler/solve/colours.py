"""Colour refinement: which columns and rows of a problem are the same by all that can be told.

Colours are refined until every two columns of a colour have the same entries in rows of the same
colours, and rows likewise: the coarsest such partition is equitable (Grohe, Kersting, Mladenov,
Selman: Dimension reduction via colour refinement, 2014).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Floats, Ints
from scheduler.model.problem import Problem

Words = NDArray[np.uint64]
ROUNDS = 60
"""A problem that is not settled by then is a long chain: nothing is merged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """Classes in the order of their first members."""

    of: Ints
    """The class of each member."""
    first: Ints
    """The first member of each class."""
    size: Floats
    """How many members each class has."""


def coloured(problem: Problem, most: float) -> tuple[Partition, Partition] | None:
    """Classes of columns and of rows; nothing where columns have more than `most` classes.

    Found by 64-bit hashes and then compared entry by entry: no two that differ are ever merged.
    """
    columns, rows = _column_traits(problem), _row_traits(problem)
    found = _refined(problem.matrix, _hashed(columns), _hashed(rows), most)
    if found is None:
        return None
    by_column, by_row = (_partition(colour) for colour in found)
    same = _alike(columns, by_column) and _alike(rows, by_row)
    return (by_column, by_row) if same and _is_equitable(problem, by_column, by_row) else None


def _column_traits(problem: Problem) -> list[Floats]:
    sizes = [block.size for block in problem.blocks]
    block = np.repeat(np.arange(len(sizes)), sizes)
    said = (block, problem.cost, problem.urgent, problem.lower, problem.upper, problem.integer)
    return [np.asarray(trait, dtype=float) for trait in said]


def _row_traits(problem: Problem) -> list[Floats]:
    """The rule of a row and its limits. The row that holds a tier belongs to no rule."""
    starts = np.array([family.start for family in problem.families], dtype=float)
    owned = problem.families[-1].stop if problem.families else 0
    at = np.arange(len(problem.row_lower))
    family = np.where(at < owned, np.searchsorted(starts, at, side="right"), -1.0 - at)
    return [family, problem.row_lower, problem.row_upper]


def _refined(
    matrix: csr_array, column: Words, row: Words, most: float
) -> tuple[Words, Words] | None:
    """Stable colours: what a colour sees in the other dimension no longer splits it."""
    by_row, by_column = matrix, csc_array(matrix)
    row_values, column_values = _mixed(_bits(by_row.data)), _mixed(_bits(by_column.data))
    counts = (_count(column), _count(row))
    for _ in range(ROUNDS):
        if counts[0] > most:
            return None
        row = _mixed(row * ODD + _seen(by_row, row_values, column))
        column = _mixed(column * ODD + _seen(by_column, column_values, row))
        before, counts = counts, (_count(column), _count(row))
        if counts == before:
            return column, row
    return None


def _seen(matrix: csr_array | csc_array, values: Words, colour: Words) -> Words:
    """The sum over a line's entries of a hash of (value, colour): exact, in any order."""
    each = values * colour[matrix.indices]
    each ^= each >> HALF
    total = np.zeros(len(each) + 1, dtype=np.uint64)
    np.cumsum(each * ODD, out=total[1:])
    seen: Words = total[matrix.indptr[1:]] - total[matrix.indptr[:-1]]
    return seen


ODD = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)


def _mixed(word: Words) -> Words:
    """Every bit in reaches every bit out (the finaliser of splitmix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = word ^ (word >> np.uint64(31))
    return mixed


def _bits(values: Floats) -> Words:
    """Equal numbers have equal bits: there is one zero."""
    bits: Words = (values + 0.0).view(np.uint64)
    return bits


def _hashed(traits: list[Floats]) -> Words:
    colour = np.zeros(len(traits[0]), dtype=np.uint64)
    for trait in traits:
        colour = _mixed(colour * ODD + _bits(trait))
    return colour


def _count(colour: Words) -> int:
    ordered = np.sort(colour)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + min(1, len(ordered))


def _partition(colour: Words) -> Partition:
    _, first, of, size = np.unique(
        colour, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Partition(of=place[of], first=first[order], size=size[order].astype(float))


def _alike(traits: list[Floats], partition: Partition) -> bool:
    member = partition.first[partition.of]
    return all(np.array_equal(trait[member], trait) for trait in traits)


def _is_equitable(problem: Problem, column: Partition, row: Partition) -> bool:
    """Whether members of a class have the same entries in the same classes, by comparing all."""
    matrix = problem.matrix
    values = np.unique(matrix.data)
    by_column = csc_array(matrix)
    return _same_lines(matrix, values, row, column) and _same_lines(by_column, values, column, row)


def _same_lines(
    matrix: csr_array | csc_array, values: Floats, line: Partition, across: Partition
) -> bool:
    kinds = len(across.first) * max(1, len(values))
    entry = across.of[matrix.indices] * len(values) + np.searchsorted(values, matrix.data)
    length = np.diff(matrix.indptr).astype(np.int64)
    at = np.repeat(np.arange(len(length)), length)
    if len(length) * kinds < 2**62:
        entry = np.sort(at * kinds + entry) - at * kinds
    else:
        entry = entry[np.lexsort((entry, at))]
    model = line.first[line.of]
    if not np.array_equal(length[model], length):
        return False
    shift = np.repeat(matrix.indptr[:-1][model] - matrix.indptr[:-1], length)
    return np.array_equal(entry[np.arange(len(entry)) + shift], entry)
