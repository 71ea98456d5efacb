"""Recorded signals: a CSV file answers as if its readings came in now."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scheduler.domain.names import Instant
from scheduler.domain.readings import Series, Signal
from scheduler.signals.recording import Key, Recorded, Recording, load_recording


class CsvSource:
    """A file with the columns time, signal, subject, value and perhaps pool; read once."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._recording: Recording | None = None

    @property
    def name(self) -> str:
        """The name in the documents."""
        return self._name

    def bounds(self) -> tuple[Instant, Instant]:
        """The time of the first and of the last reading. Raises like `read`."""
        columns = self._load().values()
        first = min(float(column.times[0]) for column in columns)
        last = max(float(column.times[-1]) for column in columns)
        return Instant(first), Instant(last)

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        """The readings in (now - window_s, now], in the order of signal, subject and pool.

        A price stays in force until the next: the one in force when the window opens comes first,
        with the time of its change. A series that has nothing in the window answers with its last
        reading before it, so that what is old is told from what was never known. Raises
        SourceUnreachable or SourceBroken as long as the file cannot be used.
        """
        if self._recording is None:
            # In a thread: a long file must not keep the probes waiting.
            await asyncio.to_thread(self._load)
        return tuple(_window(self._load(), now, window_s))

    def _load(self) -> Recording:
        if self._recording is None:
            self._recording = load_recording(self._path)
        return self._recording


def _window(recording: Recording, now: Instant, window_s: float) -> Iterator[Series]:
    for key, column in recording.items():
        start, end = np.searchsorted(column.times, [now - window_s, now], side="right").tolist()
        if key[0] is Signal.PRICE or start == end:
            start = max(0, start - 1)
        if start < end:
            yield _series(key, column, slice(start, end))


def _series(key: Key, column: Recorded, part: slice) -> Series:
    signal, subject, pool = key
    return Series(
        signal=signal,
        subject=subject,
        pool=pool,
        times=tuple(column.times[part].tolist()),
        values=tuple(column.values[part].tolist()),
    )
