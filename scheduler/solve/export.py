"""The model as text: LP, which people can read, and MPS, which every solver can."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from scheduler.model.affine import Bools, Floats
from scheduler.model.problem import Problem
from scheduler.solve.labels import column_names, row_names, row_words, unlike

WIDTH = 79
"""Some readers of .lp files take no longer line than 255."""
CONSTANT = "constant"
"""An unknown that is 1: it carries the cost that no decision changes, in every solver."""
HAIR = 1e-6
"""What comes first may be missing by this much more than it must: solvers are not exact."""


def lp_text(problem: Problem) -> str:
    """The problem in CPLEX's LP format; each rule stands above its row, in words."""
    sheet = _sheet(problem)
    lines = ["\\ Tidegate: USD per hour", "Minimize", *_lp_row("cost", _lp_objective(sheet), "")]
    lines.append("Subject To")
    for side in sheet.sides:
        terms = sheet.terms(side.row) or [(0.0, 0)]
        tail = f" {'=' if side.kind == 'E' else side.kind + '='} {_number(side.limit)}"
        lines += [f"\\ {side.words}"] if side.words else []
        lines += _lp_row(side.name, _lp_sum(sheet, terms), tail)
    lines += ["Bounds", *(line for at in range(sheet.columns) for line in _lp_bound(sheet, at))]
    binary = sheet.integer & (sheet.lower == 0.0) & (sheet.upper == 1.0)
    for title, chosen in (("Generals", sheet.integer & ~binary), ("Binaries", binary)):
        names = [f" {sheet.names[at]}" for at in np.nonzero(chosen)[0]]
        lines += [title, *names] if names else []
    return "\n".join([*lines, "End", ""])


def mps_text(problem: Problem) -> str:
    """The problem in free MPS format."""
    sheet = _sheet(problem)
    kinds = {"<": "L", ">": "G", "E": "E"}
    lines = ["* Tidegate: USD per hour", "NAME tidegate FREE", "ROWS", " N cost"]
    for side in sheet.sides:
        lines += [f"* {side.words}"] if side.words else []
        lines.append(f" {kinds[side.kind]} {side.name}")
    lines += ["COLUMNS", *_mps_columns(sheet), "RHS"]
    lines += [f" RHS {side.name} {_number(side.limit)}" for side in sheet.sides if side.limit]
    lines += ["BOUNDS", *(line for at in range(sheet.columns) for line in _mps_bound(sheet, at))]
    return "\n".join([*lines, "ENDATA", ""])


def tier_held(problem: Problem, missing: float) -> Problem:
    """The problem with its first tier settled: no more urgent work missing than this share."""
    if not problem.urgent.any():
        return problem
    row = csr_array(problem.urgent.reshape(1, -1))
    return replace(
        problem,
        matrix=csr_array(vstack([problem.matrix, row])),
        row_lower=np.append(problem.row_lower, -np.inf),
        row_upper=np.append(problem.row_upper, missing + HAIR),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One limit of one row: `<`, `>` or `E`. Not every solver reads rows with two limits."""

    name: str
    row: int
    kind: str
    limit: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sheet:
    """What both formats say: names, limits, and the constant as an unknown."""

    names: list[str]
    cost: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    matrix: csr_array
    sides: list[_Side]

    @property
    def columns(self) -> int:
        """How many unknowns, the constant included."""
        return len(self.names)

    def terms(self, row: int) -> list[tuple[float, int]]:
        """Factor and unknown."""
        span = slice(self.matrix.indptr[row], self.matrix.indptr[row + 1])
        pairs = zip(
            self.matrix.data[span].tolist(), self.matrix.indices[span].tolist(), strict=True
        )
        return [(factor, column) for factor, column in pairs if factor]


def _sheet(problem: Problem) -> _Sheet:
    names = column_names(problem)
    extra = int(bool(problem.constant) or not names)
    given = csr_array(problem.matrix)
    shape = (len(problem.row_lower), problem.columns + extra)
    matrix = csr_array((given.data, given.indices, given.indptr), shape=shape, copy=True)
    matrix.sum_duplicates()
    return _Sheet(
        names=unlike([*names, CONSTANT])[: len(names) + extra],
        cost=np.append(problem.cost, [problem.constant] * extra),
        lower=np.append(problem.lower, [1.0] * extra),
        upper=np.append(problem.upper, [1.0] * extra),
        # CBC calls some problems infeasible whose whole unknowns are all fixed.
        integer=np.append(
            problem.integer & (problem.lower < problem.upper), np.zeros(extra, dtype=bool)
        ),
        matrix=matrix,
        sides=list(_sides(problem)),
    )


def _sides(problem: Problem) -> Iterator[_Side]:
    """A row without a limit is left out."""
    named = zip(row_names(problem), row_words(problem), strict=True)
    for row, (name, words) in enumerate(named):
        low, high = float(problem.row_lower[row]), float(problem.row_upper[row])
        if low == high:
            yield _Side(name=name, row=row, kind="E", limit=low, words=words)
            continue
        both = np.isfinite(low) and np.isfinite(high)
        if np.isfinite(low):
            ending = "_least" if both else ""
            yield _Side(name=name + ending, row=row, kind=">", limit=low, words=words)
        if np.isfinite(high):
            ending = "_most" if both else ""
            told = "" if both else words
            yield _Side(name=name + ending, row=row, kind="<", limit=high, words=told)


def _lp_objective(sheet: _Sheet) -> Iterable[str]:
    """Unknowns that are in no row stand here, so that no reader misses their names."""
    used = np.zeros(sheet.columns, dtype=bool)
    used[sheet.matrix.indices] = True
    told = np.nonzero((sheet.cost != 0.0) | ~used)[0].tolist()
    return _lp_sum(sheet, [(float(sheet.cost[at]), at) for at in told or [0]])


def _lp_sum(sheet: _Sheet, terms: Iterable[tuple[float, int]]) -> Iterator[str]:
    for place, (factor, column) in enumerate(terms):
        sign = "- " if factor < 0.0 else "+ " if place else ""
        size = "" if abs(factor) == 1.0 else f"{_number(abs(factor))} "
        yield f"{sign}{size}{sheet.names[column]}"


def _lp_row(name: str, terms: Iterable[str], tail: str) -> Iterator[str]:
    """One row over as many lines as it takes."""
    line = f" {name}:"
    for term in terms:
        if len(line) + 1 + len(term) > WIDTH:
            yield line
            line = "  "
        line += f" {term}"
    yield line + tail


def _lp_bound(sheet: _Sheet, at: int) -> Iterator[str]:
    """From 0 to infinity is what is meant where nothing is said."""
    low, high, name = float(sheet.lower[at]), float(sheet.upper[at]), sheet.names[at]
    if low == high:
        yield f" {name} = {_number(low)}"
    elif np.isfinite(high):
        yield f" {_number(low)} <= {name} <= {_number(high)}"
    elif low == -np.inf:
        yield f" {name} free"
    elif low:
        yield f" {name} >= {_number(low)}"


def _mps_columns(sheet: _Sheet) -> Iterator[str]:
    """Column by column; whole ones stand between markers."""
    by_column = sheet.matrix.tocsc()
    ways: dict[int, list[str]] = {}
    for side in sheet.sides:
        ways.setdefault(side.row, []).append(side.name)
    whole = False
    for at, name in enumerate(sheet.names):
        if bool(sheet.integer[at]) is not whole:
            whole = not whole
            yield f" MARKER 'MARKER' '{'INTORG' if whole else 'INTEND'}'"
        yield f" {name} cost {_number(float(sheet.cost[at]))}"
        span = slice(by_column.indptr[at], by_column.indptr[at + 1])
        for row, factor in zip(by_column.indices[span], by_column.data[span], strict=True):
            for way in ways.get(int(row), []) if factor else []:
                yield f" {name} {way} {_number(float(factor))}"
    if whole:
        yield " MARKER 'MARKER' 'INTEND'"


def _mps_bound(sheet: _Sheet, at: int) -> Iterator[str]:
    """Both ends of whole unknowns are said: readers disagree on what is meant without."""
    low, high, name = float(sheet.lower[at]), float(sheet.upper[at]), sheet.names[at]
    if low == high:
        yield f" FX BND {name} {_number(low)}"
        return
    if low == -np.inf:
        yield f" {'MI' if np.isfinite(high) else 'FR'} BND {name}"
    elif low or high <= 0.0 or sheet.integer[at]:
        yield f" LO BND {name} {_number(low)}"
    if np.isfinite(high):
        yield f" UP BND {name} {_number(high)}"
    elif sheet.integer[at] and low > -np.inf:
        yield f" PL BND {name}"


def _number(value: float) -> str:
    return f"{value + 0.0:.12g}"
