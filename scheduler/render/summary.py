"""The end of a day: ours against the baselines, by cost, attainment, GPU hours and moves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import msgspec

from scheduler.render import sheet
from scheduler.render.figures import UNKNOWN, count, money, percent
from scheduler.render.machine import dump
from scheduler.render.paper import Ink, Line, Output, Word, clean, paint, wrap
from scheduler.render.sheet import Column, Fit

LEAST_WIDTH = 80

_COLUMNS = (
    Column("The day", Fit.NAME),
    Column("USD", Fit.FIGURE),
    Column("against ours", Fit.FIGURE),
    Column("on time", Fit.FIGURE),
    Column("GPU hours", Fit.FIGURE),
    Column("moves", Fit.FIGURE),
    Column("deadlines met", Fit.FIGURE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to run the day, and what came of it."""

    name: str
    usd: float
    attainment: float | None
    """Share of all requests that were answered within their objective, 0 to 1."""
    gpu_hours: float
    """GPU hours that were paid for."""
    moves: int
    """Actions that were carried out."""
    deadlines: int
    """Training jobs that had to be done on this day."""
    deadlines_met: int


def render_summary(
    ours: Row, baselines: Sequence[Row], *, output: Output, width: int, colour: bool
) -> str:
    """The rows below each other, and one sentence a baseline; no final line break.

    A baseline's percentage is its bill against ours. Its sentence also says where it serves fewer
    or more requests on time, so that a cheaper bill is never shown without its price.
    """
    match output:
        case Output.JSON | Output.YAML:
            return dump(_document(ours, baselines), output)
        case Output.TABLE | Output.WIDE:
            lines = _page(ours, baselines, max(width, LEAST_WIDTH))
            return paint(lines, colour=colour)


def _document(ours: Row, baselines: Sequence[Row]) -> Mapping[str, object]:
    others = [
        {**msgspec.to_builtins(row), "usd_against_ours": _against(row, ours)} for row in baselines
    ]
    return {"ours": ours, "baselines": others}


def _page(ours: Row, baselines: Sequence[Row], width: int) -> Iterator[Line]:
    rows = [_row(ours, None), *(_row(row, ours) for row in baselines)]
    yield from sheet.sheet(_COLUMNS, rows, width=width)
    if baselines:
        yield ()
    for row in baselines:
        for place, text in enumerate(wrap(_sentence(ours, row), width - 4)):
            yield (Word(f"  {'*' if place == 0 else ' '} {text}"),)


def _row(row: Row, ours: Row | None) -> sheet.Row:
    against = None if ours is None else _against(row, ours)
    texts = (
        f"  {row.name}",
        money(row.usd),
        "" if ours is None else _signed(against),
        UNKNOWN if row.attainment is None else _share(row.attainment),
        count(row.gpu_hours),
        count(row.moves),
        f"{row.deadlines_met} of {row.deadlines}" if row.deadlines else "",
    )
    return sheet.Row(texts, Ink.BOLD if ours is None else Ink.PLAIN)


def _against(row: Row, ours: Row) -> float | None:
    """The other bill's surplus over ours, as a share of ours; None where ours is nothing."""
    if ours.usd <= 0.0 or not isfinite(row.usd) or not isfinite(ours.usd):
        return None
    return row.usd / ours.usd - 1.0


def _signed(share: float | None) -> str:
    if share is None:
        return UNKNOWN
    return f"+{percent(share)}" if share > 0.0 else percent(share)


def _share(share: float) -> str:
    """Two digits, rounded down: 99.996 % is not yet all of them."""
    hundredth = int(share * 10_000.0 + 1e-6) / 100.0
    return f"{hundredth:.2f} %"


def _sentence(ours: Row, row: Row) -> str:
    parts = [_cost(ours, row), _punctuality(ours, row), _deadlines(ours, row)]
    return f"Against {clean(row.name)}: {', '.join(filter(None, parts))}."


def _cost(ours: Row, row: Row) -> str:
    saved = row.usd - ours.usd
    if not isfinite(saved) or row.usd <= 0.0:
        return f"{money(ours.usd)} USD against {money(row.usd)}"
    if abs(saved) < 0.005:
        return "the same bill"
    word = "less" if saved > 0.0 else "more"
    return f"{percent(abs(saved) / row.usd)} {word} ({money(abs(saved))} USD)"


def _punctuality(ours: Row, row: Row) -> str:
    if ours.attainment is None or row.attainment is None:
        return ""
    mine, other = _share(ours.attainment), _share(row.attainment)
    return f"{mine} on time as well" if mine == other else f"{mine} on time against {other}"


def _deadlines(ours: Row, row: Row) -> str:
    more = ours.deadlines_met - row.deadlines_met
    if more == 0:
        return ""
    noun = "deadline" if abs(more) == 1 else "deadlines"
    return f"{abs(more)} {noun} {'more' if more > 0 else 'fewer'} met"
