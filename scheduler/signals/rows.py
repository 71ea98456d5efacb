"""Rows: one line of recorded signals as a reading, or what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from math import isfinite
from typing import NamedTuple

from scheduler.domain.readings import Signal

Key = tuple[Signal, str, str]
"""Signal, subject and pool."""

NEEDED = ("time", "signal", "subject", "value")
OPTIONAL = ("pool",)
_SIGNALS = {str(signal): signal for signal in Signal}
_LAST_SECOND = 1e11
"""The year 5138: what is larger counts milliseconds or less."""
_SHOWN = 40


class Row(NamedTuple):
    """One reading."""

    line: int
    key: Key
    time: float
    """Seconds since the epoch."""
    value: float


class RowFault(NamedTuple):
    """What is wrong with a line."""

    line: int
    message: str


class _CellError(ValueError):
    """A cell that cannot be used; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where each column stands."""

    width: int
    time: int
    signal: int
    subject: int
    value: int
    pool: int | None


def columns_of(cells: Sequence[str]) -> Columns | tuple[str, ...]:
    """The columns that a header names, in any order, or its faults."""
    names = [cell.strip().lower() for cell in cells]
    missing = [name for name in NEEDED if name not in names]
    strange = sorted({name for name in names if name not in (*NEEDED, *OPTIONAL)})
    double = sorted({name for name in names if names.count(name) > 1})
    faults = (
        *(f"unknown column {_shown(name)}{_hint(name, (*NEEDED, *OPTIONAL))}" for name in strange),
        *(f"column {_shown(name)} is there twice" for name in double),
        *([f"the first line lacks the column {', '.join(missing)}"] if missing else []),
    )
    if faults:
        return faults
    place = {name: i for i, name in enumerate(names)}
    return Columns(
        width=len(names),
        time=place["time"],
        signal=place["signal"],
        subject=place["subject"],
        value=place["value"],
        pool=place.get("pool"),
    )


def parse_row(cells: Sequence[str], columns: Columns, line: int) -> Row | RowFault:
    """The reading of a line, or the first thing that is wrong with it."""
    if len(cells) != columns.width:
        return RowFault(line, f"{len(cells)} cells where the header has {columns.width}")
    try:
        signal = _signal(cells[columns.signal])
        subject = cells[columns.subject].strip()
        pool = "" if columns.pool is None else cells[columns.pool].strip()
        _check_subject(signal, subject, pool)
        key = (signal, subject, pool)
        return Row(line, key, _time(cells[columns.time]), _value(cells[columns.value]))
    except _CellError as wrong:
        return RowFault(line, str(wrong))


def _signal(cell: str) -> Signal:
    word = cell.strip()
    if word not in _SIGNALS:
        known = ", ".join(_SIGNALS)
        hint = _hint(word.lower(), tuple(_SIGNALS)) or f"; known are {known}"
        raise _CellError(f"unknown signal {_shown(word)}{hint}")
    return _SIGNALS[word]


def _check_subject(signal: Signal, subject: str, pool: str) -> None:
    if not subject:
        raise _CellError("the subject is empty: name a workload, or a pool for a price")
    if pool and signal is Signal.PRICE:
        raise _CellError("a price belongs to the pool in `subject`: leave `pool` empty")


def _time(cell: str) -> float:
    """Seconds since the epoch, from a number or from ISO 8601 with a zone."""
    word = cell.strip()
    try:
        seconds = float(word)
    except ValueError:
        return _iso(word)
    if not seconds < _LAST_SECOND:
        raise _CellError(f"time {_shown(word)} is not in seconds since 1970: milliseconds perhaps?")
    return _since_1970(seconds, word)


def _iso(word: str) -> float:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        example = "2026-11-11T08:30:00Z or seconds since 1970"
        raise _CellError(f"time {_shown(word)} is not readable: write {example}") from None
    if moment.tzinfo is None:
        raise _CellError(f"time {_shown(word)} has no zone: end it with Z or +08:00")
    return _since_1970(moment.timestamp(), word)


def _since_1970(seconds: float, word: str) -> float:
    if seconds < 0.0:
        raise _CellError(f"time {_shown(word)} lies before 1970")
    return seconds


def _value(cell: str) -> float:
    word = cell.strip()
    try:
        value = float(word)
    except ValueError:
        raise _CellError(
            f"value {_shown(word)} is not a number: leave out what is unknown"
        ) from None
    if not isfinite(value):
        raise _CellError(f"value {_shown(word)} is not finite: leave out what is unknown")
    if value < 0.0:
        raise _CellError(f"value {_shown(word)} is negative")
    return value


def _hint(word: str, known: Sequence[str]) -> str:
    found = get_close_matches(word[:_SHOWN], known, n=1, cutoff=0.5)
    return f", did you mean {found[0]}?" if found else ""


def _shown(word: str) -> str:
    return repr(word if len(word) <= _SHOWN else f"{word[:_SHOWN]}...")
