"""Blocks of unknowns and affine expressions over them: arrays throughout, never scalar objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def _by_position(row: int) -> str:
    return str(row)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A named array of unknowns with bounds; `label` names one of them for people."""

    name: str
    lower: Floats
    upper: Floats
    integer: bool = False
    label: Callable[[int], str] = field(default=_by_position)

    @property
    def size(self) -> int:
        """How many unknowns."""
        return len(self.lower)

    @property
    def value(self) -> Affine:
        """The block itself as an expression of `size` rows."""
        each = np.arange(self.size)
        entries = Entries(rows=each, columns=each, factors=np.ones(self.size))
        return Affine(np.zeros(self.size), {self.name: entries})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """A sparse matrix over one block as coordinates; equal coordinates add up."""

    rows: Ints
    columns: Ints
    factors: Floats

    def moved(self, to: Ints) -> Entries:
        """Row i becomes row to[i]."""
        return Entries(rows=to[self.rows], columns=self.columns, factors=self.factors)

    def scaled(self, by: Floats) -> Entries:
        """Row i times by[i]."""
        return Entries(rows=self.rows, columns=self.columns, factors=self.factors * by[self.rows])

    def beside(self, other: Entries) -> Entries:
        """The sum of two matrices."""
        return Entries(
            rows=np.concatenate([self.rows, other.rows]),
            columns=np.concatenate([self.columns, other.columns]),
            factors=np.concatenate([self.factors, other.factors]),
        )

    def picked(self, wanted: Ints, rows: int) -> Entries:
        """Row k of the result is row wanted[k]; a row may be wanted often."""
        order = np.argsort(self.rows, kind="stable")
        count = np.bincount(self.rows, minlength=rows)
        start = np.concatenate([[0], np.cumsum(count)])
        each = count[wanted]
        row = np.repeat(np.arange(len(wanted)), each)
        within = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
        source = order[start[wanted][row] + within]
        return Entries(rows=row, columns=self.columns[source], factors=self.factors[source])


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Rows that depend linearly on the unknowns: constant + sum over blocks of matrix @ block."""

    constant: Floats
    terms: Mapping[str, Entries] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.constant)

    def __add__(self, other: Affine | ArrayLike) -> Affine:
        """Row by row; numbers go to the constant."""
        if not isinstance(other, Affine):
            return Affine(self.constant + np.asarray(other, dtype=float), self.terms)
        terms = dict(self.terms)
        for name, entries in other.terms.items():
            terms[name] = terms[name].beside(entries) if name in terms else entries
        return Affine(self.constant + other.constant, terms)

    def __sub__(self, other: Affine | ArrayLike) -> Affine:
        """Row by row."""
        return self + (other * -1.0 if isinstance(other, Affine) else -np.asarray(other, float))

    def __mul__(self, factors: ArrayLike) -> Affine:
        """Each row times its factor, or all times one."""
        scale = np.broadcast_to(np.asarray(factors, dtype=float), (self.rows,))
        scaled = {name: entries.scaled(scale) for name, entries in self.terms.items()}
        return Affine(self.constant * scale, scaled)

    def __matmul__(self, weights: ArrayLike) -> Affine:
        """The weighted sum of all rows, as one row."""
        return (self * weights).sum_by(np.zeros(self.rows, dtype=np.int64), 1)

    def sum_by(self, group: Ints, groups: int) -> Affine:
        """Rows added up by their group number; `groups` rows come out."""
        constant = np.bincount(group, self.constant, minlength=groups).astype(float)
        moved = {name: entries.moved(group) for name, entries in self.terms.items()}
        return Affine(constant, moved)

    def take(self, rows: Ints | Bools) -> Affine:
        """Only these rows, in this order; a row may be taken often."""
        wanted = np.nonzero(rows)[0] if rows.dtype == bool else np.asarray(rows, dtype=np.int64)
        picked = {name: entries.picked(wanted, self.rows) for name, entries in self.terms.items()}
        return Affine(self.constant[wanted], picked)

    def at(self, values: Mapping[str, Floats]) -> Floats:
        """The rows' numbers where the unknowns of each block have these values."""
        total = self.constant.copy()
        for name, entries in self.terms.items():
            amount = entries.factors * values[name][entries.columns]
            total += np.bincount(entries.rows, amount, minlength=self.rows)
        return total


NOTHING = Affine(np.zeros(1))
"""Costs nothing."""
