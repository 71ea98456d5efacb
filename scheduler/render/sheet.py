"""A sheet: rows in columns that share a width. Figures keep theirs; names and reasons give way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduler.render.paper import Ink, Line, Word, cells, clean, cut_name, pad, wrap

GAP = "  "
GOOD_NAME = 24
"""Names shrink this far for a reason beside them, and to the least only for figures."""
LEAST_NAME = 14
LEAST_REASON = 24
BELOW = " " * 6
"""Where a reason begins that stands below its row."""


class Fit(StrEnum):
    """What a column does when there is not room for all."""

    FIGURE = "figure"
    """Aligned to the right, never cut."""
    LABEL = "label"
    """Aligned to the left, never cut."""
    NAME = "name"
    """Cut in the middle."""
    REASON = "reason"
    """Takes what is left, and wraps. Only in the last place."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how its cells fit."""

    head: str
    fit: Fit


@dataclass(frozen=True, slots=True)
class Row:
    """One row's texts, and the ink of its first cell."""

    texts: tuple[str, ...]
    ink: Ink = Ink.PLAIN


def sheet(
    columns: Sequence[Column],
    rows: Sequence[Row | Line],
    *,
    width: int,
    reason_lines: int | None = None,
) -> list[Line]:
    """The rows under their headings, no line wider than `width` while the figures allow it.

    Columns that are empty in every row are left out. The first heading is the sheet's title.
    A line among the rows is set as it is.
    """
    tidy = [row if isinstance(row, tuple) else _cleaned(row) for row in rows]
    used = _used(columns, tidy)
    columns = [columns[place] for place in used]
    body = [row if isinstance(row, tuple) else _narrowed(row, used) for row in tidy]
    widths = _widths(columns, [row for row in body if isinstance(row, Row)], width)
    lines = [_head(columns, widths)] if rows else []
    for row in body:
        if isinstance(row, Row):
            lines.extend(_body(columns, row, widths, width, reason_lines))
        else:
            lines.append(row)
    return lines


def _cleaned(row: Row) -> Row:
    return Row(tuple(clean(text) for text in row.texts), row.ink)


def _used(columns: Sequence[Column], rows: Sequence[Row | Line]) -> list[int]:
    """The title's column, and all with anything in them."""
    cells_of = [row.texts for row in rows if isinstance(row, Row)]
    return [
        place for place in range(len(columns)) if place == 0 or any(row[place] for row in cells_of)
    ]


def _narrowed(row: Row, used: Sequence[int]) -> Row:
    return Row(tuple(row.texts[place] for place in used), row.ink)


def _widths(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int]:
    """A width for each column; 0 for a reason that finds no room beside names and figures."""
    natural = [
        max([cells(column.head), *(cells(row.texts[place]) for row in rows)])
        for place, column in enumerate(columns)
    ]
    steps = ((Fit.REASON, LEAST_REASON), (Fit.NAME, GOOD_NAME))
    fitting = _shrunk(columns, natural, width, steps)
    if columns[-1].fit is Fit.REASON and _total(fitting) > width:
        return [*_shrunk(columns[:-1], natural[:-1], width, ((Fit.NAME, LEAST_NAME),)), 0]
    return _shrunk(columns, fitting, width, ((Fit.NAME, LEAST_NAME),))


def _shrunk(
    columns: Sequence[Column],
    widths: Sequence[int],
    width: int,
    steps: Sequence[tuple[Fit, int]],
) -> list[int]:
    """The widths with the excess taken from the columns that can give, no head cut."""
    given = list(widths)
    for fit, least in steps:
        for place in _widest_first(columns, given, fit):
            spare = given[place] - max(least, cells(columns[place].head))
            given[place] -= min(max(_total(given) - width, 0), max(spare, 0))
    return given


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widest_first(columns: Sequence[Column], widths: Sequence[int], fit: Fit) -> list[int]:
    places = [place for place, column in enumerate(columns) if column.fit is fit]
    return sorted(places, key=lambda place: -widths[place])


def _head(columns: Sequence[Column], widths: Sequence[int]) -> Line:
    texts = [
        pad(column.head, size, right=column.fit is Fit.FIGURE)
        for column, size in zip(columns, widths, strict=True)
        if size
    ]
    return (Word(texts[0], Ink.BOLD), Word(GAP + GAP.join(texts[1:]), Ink.DIM))


def _body(
    columns: Sequence[Column],
    row: Row,
    widths: Sequence[int],
    width: int,
    reason_lines: int | None,
) -> list[Line]:
    words: list[Word] = []
    more: list[Line] = []
    left = 0
    for place, (column, text, size) in enumerate(zip(columns, row.texts, widths, strict=True)):
        if size == 0:
            below = wrap(text, width - len(BELOW), at_most=reason_lines) if text else []
            more.extend((Word(BELOW), Word(line)) for line in below)
            continue
        first, *others = _cell(column.fit, text, size, reason_lines)
        shown = pad(first, size, right=column.fit is Fit.FIGURE)
        words.extend((Word(shown, row.ink if place == 0 else Ink.PLAIN), Word(GAP)))
        more.extend((Word(" " * left), Word(other)) for other in others)
        left += size + len(GAP)
    return [tuple(words), *more]


def _cell(fit: Fit, text: str, size: int, reason_lines: int | None) -> list[str]:
    match fit:
        case Fit.NAME:
            return [cut_name(text, size)]
        case Fit.REASON:
            return wrap(text, size, at_most=reason_lines)
        case Fit.FIGURE | Fit.LABEL:
            return [text]
