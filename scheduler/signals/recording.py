"""A recording: the rows of a CSV file as sorted arrays, or every fault with its line."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scheduler.signals.rows import Columns, Key, Row, RowFault, columns_of, parse_row
from scheduler.signals.source import SourceBroken, SourceUnreachable

MAX_BYTES = 64 * 2**20
"""Of text, unpacked: about a million readings."""

__all__ = ["MAX_BYTES", "Key", "Recorded", "Recording", "load_recording"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """One series: times in seconds since the epoch, rising; values in the signal's unit."""

    times: NDArray[np.float64]
    values: NDArray[np.float64]


Recording = Mapping[Key, Recorded]
"""By signal, subject and pool, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """The rows of one series as they come."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def load_recording(path: Path, max_bytes: int = MAX_BYTES) -> Recording:
    """The readings of the file. Raises SourceBroken with all its faults, or SourceUnreachable."""
    data = _bytes_of(path, max_bytes)
    faults: list[tuple[int, str]] = []
    columns: dict[Key, _Column] = {}
    for row in _rows(path, data):
        if isinstance(row, RowFault):
            faults.append((row.line, row.message))
            continue
        column = columns.get(row.key) or columns.setdefault(row.key, _Column())
        column.times.append(row.time)
        column.values.append(row.value)
        column.lines.append(row.line)
    recording = {key: _sorted(columns[key], faults) for key in sorted(columns)}
    if not recording and not faults:
        faults.append((1, "there are no readings below the header; record some or drop the source"))
    if faults:
        raise SourceBroken([f"{path}:{line}: {message}" for line, message in sorted(faults)])
    return recording


def _bytes_of(path: Path, max_bytes: int) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceBroken([f"{path}:1: not a whole gzip file ({error}); pack it again"]) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceUnreachable(f"{path}: {why}; give the path of a readable CSV file") from error
    if len(data) > max_bytes:
        limit = f"more than {max_bytes / 2**20:g} MiB of text"
        raise SourceBroken([f"{path}:1: {limit}; split the file or record less often"])
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise SourceBroken([f"{path}:{line}: {found}; save the file as UTF-8"]) from error
    return data


def _rows(path: Path, data: bytes) -> Iterator[Row | RowFault]:
    # Decoded as it is read: a text buffer of the whole file takes four times its size.
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    try:
        columns = _header(path, next(reader, []))
        for cells in reader:
            if cells:
                yield parse_row(cells, columns, reader.line_num)
    except csv.Error as error:
        yield RowFault(line=reader.line_num, message=f"not readable as CSV: {error}")


def _header(path: Path, cells: list[str]) -> Columns:
    columns = columns_of(cells)
    if not isinstance(columns, Columns):
        raise SourceBroken([f"{path}:1: {fault}" for fault in columns])
    return columns


def _sorted(column: _Column, faults: list[tuple[int, str]]) -> Recorded:
    """In the order of time; a reading given twice alike counts once, given otherwise is a fault."""
    times, values = np.array(column.times), np.array(column.values)
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    twin = np.flatnonzero(times[1:] == times[:-1])
    for place in twin[values[twin] != values[twin + 1]].tolist():
        first, second = (column.lines[int(order[place + step])] for step in (0, 1))
        message = (
            f"a second value for this time: {values[place + 1]:g} here, "
            f"{values[place]:g} in line {first}; keep one"
        )
        faults.append((second, message))
    once = np.append(np.diff(times) > 0.0, True)
    return Recorded(times=times[once], values=values[once])
