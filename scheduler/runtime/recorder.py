"""The recorder: writes the journal beside the loop, and never stops it."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from scheduler.runtime.journal import Journal, JournalError
from scheduler.runtime.logs import Logger
from scheduler.runtime.status import Status
from scheduler.runtime.world import Tick

log = Logger("tidegate.journal")

PRUNE_EVERY = 256
"""Ticks between two prunings."""


class Recorder:
    """Hands each tick to one thread that encodes and writes it.

    At most one tick is under way: the next one waits for it. What goes wrong is logged, counted
    and said in the status; the file is opened anew at the next tick.
    """

    def __init__(self, path: Path, status: Status, keep: int = 5_000) -> None:
        self._path = path
        self._status = status
        self._keep = keep
        self._journal: Journal | None = None
        self._written = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._under_way: Future[None] | None = None

    def last(self) -> int:
        """The number of the last recorded tick; 0 where there is none or it cannot be read."""
        try:
            with closing(Journal.open(self._path)) as journal:
                return journal.last()
        except JournalError as error:
            self._failed(error)
            return 0

    async def record(self, tick: Tick) -> None:
        """Take the tick over; returns as soon as the tick before it is on disk."""
        await self.settled()
        self._under_way = self._thread.submit(self._write, tick)

    async def close(self) -> None:
        """Returns when the last tick is on disk."""
        await self.settled()
        if self._journal:
            self._journal.close()
        self._thread.shutdown()

    async def settled(self) -> None:
        """Returns when what was taken over is on disk, or its failure noted."""
        if self._under_way is None:
            return
        try:
            await asyncio.wrap_future(self._under_way)
            self._status.journal_fault = ""
        except (JournalError, TypeError, OSError) as error:
            self._failed(error)
        finally:
            self._under_way = None

    def _write(self, tick: Tick) -> None:
        if self._journal is None:
            self._journal = Journal.open(self._path)
        try:
            self._journal.record(tick)
            self._written += 1
            if self._written % PRUNE_EVERY == 0:
                self._journal.prune(self._keep)
        except JournalError:
            broken, self._journal = self._journal, None
            with suppress(JournalError):
                broken.close()
            raise

    def _failed(self, error: Exception) -> None:
        self._status.journal_fault = str(error)
        self._status.journal_failures += 1
        log.error("journal.failed", why=str(error))
