"""Equal workloads as one class and equal nodes as one pool: a problem's quotient by symmetry."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array

from scheduler.model.affine import Block, Floats
from scheduler.model.problem import Problem, RowFamily
from scheduler.solve.colours import Partition, coloured
from scheduler.solve.highs import Relaxed

Words = Callable[[int], str]
WORTH = 0.8
"""A quotient with more than this share of the columns is not worth its trouble."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quotient:
    """A problem over the sums of equal unknowns, and the problem that it stands for.

    Whoever solves the full problem solves this one with the sums: so its bound holds there too.
    Its relaxation has the same optimum, as equal shares of the sums satisfy every row.
    """

    problem: Problem
    full: Problem
    columns: Partition
    rows: Partition


def quotient(problem: Problem) -> Quotient | None:
    """Equal columns added up, equal rows added up; nothing where too little is equal."""
    found = coloured(problem, WORTH * problem.columns)
    if found is None or len(found[0].first) > WORTH * problem.columns:
        return None
    columns, rows = found
    merged = replace(
        problem,
        blocks=_blocks(problem, columns),
        cost=problem.cost[columns.first],
        urgent=problem.urgent[columns.first],
        lower=problem.lower[columns.first] * columns.size,
        upper=problem.upper[columns.first] * columns.size,
        integer=problem.integer[columns.first],
        matrix=_matrix(problem, columns, rows),
        row_lower=problem.row_lower[rows.first] * rows.size,
        row_upper=problem.row_upper[rows.first] * rows.size,
        families=_families(problem, rows),
        bills={
            policy: (_mean(columns, vector), constant)
            for policy, (vector, constant) in problem.bills.items()
        },
        changes=tuple(
            replace(part, usd_per_hour=_mean(columns, part.usd_per_hour))
            for part in problem.changes
        ),
    )
    return Quotient(problem=merged, full=problem, columns=columns, rows=rows)


def expand_relaxed(quotient: Quotient, relaxed: Relaxed) -> Relaxed:
    """The quotient's relaxation as one of the full problem: same bound, same prices.

    A row of the quotient is the sum of its members, so each member has the dual of the sum; and
    what one more unit costs does not depend on which of equal columns it is.
    """
    columns = quotient.columns
    return Relaxed(
        x=(relaxed.x / columns.size)[columns.of],
        bound=relaxed.bound,
        row_duals=relaxed.row_duals[quotient.rows.of],
        reduced_costs=relaxed.reduced_costs[columns.of],
    )


def sums(quotient: Quotient, x: Floats) -> Floats:
    """What a solution of the full problem is in the quotient."""
    return np.bincount(quotient.columns.of, x, minlength=len(quotient.columns.first)).astype(float)


def _mean(columns: Partition, vector: Floats) -> Floats:
    total = np.bincount(columns.of, vector, minlength=len(columns.first))
    return np.asarray(total / columns.size, dtype=float)


def _blocks(problem: Problem, columns: Partition) -> tuple[Block, ...]:
    """The same blocks, each with its classes: no class reaches over two blocks."""
    blocks, start = [], 0
    for block in problem.blocks:
        at = (columns.first >= start) & (columns.first < start + block.size)
        member, size = columns.first[at] - start, columns.size[at]
        merged = replace(
            block,
            lower=block.lower[member] * size,
            upper=block.upper[member] * size,
            label=_label(block.label, member.tolist(), size.tolist()),
        )
        blocks.append(merged)
        start += block.size
    return tuple(blocks)


def _label(
    label: Callable[[int], str], member: list[int], size: list[float]
) -> Callable[[int], str]:
    def of_class(i: int) -> str:
        more = f" and {size[i] - 1:.0f} like it" if size[i] > 1 else ""
        return f"{label(member[i])}{more}"

    return of_class


def _families(problem: Problem, rows: Partition) -> tuple[RowFamily, ...]:
    families = []
    for family in problem.families:
        start, stop = np.searchsorted(rows.first, (family.start, family.stop))
        member = (rows.first[start:stop] - family.start).tolist()
        families.append(
            replace(family, start=int(start), stop=int(stop), words=_words(family.words, member))
        )
    return tuple(families)


def _words(words: Words, member: list[int]) -> Words:
    return lambda row: words(member[row])


def _matrix(problem: Problem, columns: Partition, rows: Partition) -> csr_array:
    """A column's entries in all rows of a class, added up: the same for all of its class."""
    kept = csc_array(problem.matrix)[:, columns.first]
    column = np.repeat(np.arange(len(columns.first)), np.diff(kept.indptr))
    shape = (len(rows.first), len(columns.first))
    return csr_array((kept.data, (rows.of[kept.indices], column)), shape=shape)
