"""Succession: what one leader takes over from another, and leaves for the next."""

from collections.abc import Sequence
from dataclasses import replace

from scheduler.domain.names import ActionKey, Instant
from scheduler.domain.snapshot import Memory
from scheduler.runtime.keeping import Keeper, Kept, OvertakenError
from scheduler.runtime.logs import Logger
from scheduler.runtime.office import Office
from scheduler.runtime.world import Before, Considered, Past, Tick

log = Logger("tidegate.memory")


class Succession:
    """The past that the next turn builds upon: our own, or that of who led before us."""

    def __init__(self, office: Office, keeper: Keeper | None) -> None:
        self._office, self._keeper = office, keeper
        self._term: int | None = None
        self._kept: Memory | None = None
        self.ticks_before = 0
        """The number of the last tick in our journal."""
        self.past: Before | None = None
        self.fault = ""
        """Why the memory could not be kept; empty when it was."""

    @property
    def is_due(self) -> bool:
        """We lead, and have not taken the memory over yet."""
        return self._keeper is not None and self._term != self._office.term

    async def take_over(self, now: Instant, history_s: float) -> None:
        """Begin to lead: with the memory of who led last, and what we have watched ourselves.

        Raises whatever keeps the memory from being read. A memory older than `history_s` says
        when nobody watched: then we begin to watch now.
        """
        if self._keeper is None or not self.is_due:
            return
        term = self._office.term
        kept = await self._keeper.load()
        self._term, self._kept = term, kept.memory if kept else None
        self._build_upon(kept, now, history_s)
        intended = list(kept.intended) if kept else []
        log.info("memory.taken", tick=self._tick(), intended=intended, found=kept is not None)

    async def follow(self, now: Instant, history_s: float) -> None:
        """Stand by: plan on what the leader remembers. What cannot be read stays as it was."""
        self._term = None
        if self._keeper is None:
            return
        try:
            kept = await self._keeper.load()
        except Exception as error:  # noqa: BLE001 - the outer edge: a standby plans on without it
            log.warning("memory.unread", why=f"{type(error).__name__}: {error}")
        else:
            self._build_upon(kept, now, history_s)

    def considered(self, thought: Considered) -> None:
        """A turn on stand-by is done."""
        self.past = Past(snapshot=thought.snapshot, memory=thought.snapshot.memory)

    async def intend(self, keys: Sequence[ActionKey]) -> None:
        """Write down orders before they are sent. Raises if that cannot be done."""
        if self._keeper is not None:
            await self._keeper.intend(keys)

    async def done(self, tick: Tick) -> None:
        """A tick is done: leave its memory. Resigns if somebody else has written there."""
        self.past = tick
        if self._keeper is None or not (tick.whole or self._news(tick.memory)):
            return
        try:
            await self._keeper.save(tick.memory, tick.snapshot.now)
        except OvertakenError as error:
            self._office.resign(str(error))
        except Exception as error:  # noqa: BLE001 - the outer edge: the next tick writes it again
            self.fault = f"memory not kept: {type(error).__name__}: {error}"
            log.error("memory.unsaved", why=str(error))
        else:
            self._kept, self.fault = tick.memory, ""

    def _news(self, memory: Memory) -> bool:
        return self._kept is None or replace(memory, tick=0) != replace(self._kept, tick=0)

    def _build_upon(self, kept: Kept | None, now: Instant, history_s: float) -> None:
        if kept is None:
            if self.past is not None:
                return
            kept = Kept(memory=Memory(started_at=now), at=now)
        memory = kept.memory
        if now - kept.at > history_s:
            memory = replace(memory, started_at=now)
        tick = max(memory.tick, self.ticks_before, self._tick())
        snapshot = self.past.snapshot if self.past else None
        self.past = Past(snapshot=snapshot, memory=replace(memory, tick=tick))

    def _tick(self) -> int:
        return self.past.memory.tick if self.past else 0
