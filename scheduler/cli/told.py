"""The story of a run on the console: what each tick did, and what happened between ticks."""

from collections import Counter
from collections.abc import Callable, Sequence

from adapters.simulated import EventWord, SiteEvent
from scheduler.render.story import Event, EventKind, Moment, tell, tell_event
from scheduler.runtime.world import Tick

TOLD = {EventWord.SPOT_NOTICE: EventKind.INTERRUPTED, EventWord.NODE_LOST: EventKind.LOST}


class Teller:
    """Says what is worth saying, line by line."""

    def __init__(self, *, say: Callable[[str], None], width: int, colour: bool) -> None:
        self._say, self._width, self._colour = say, width, colour
        self._previous: Tick | None = None

    def heard(self, tick: Tick) -> None:
        """The lines of one tick."""
        before = self._previous
        moment = Moment(
            now=tick.snapshot.now,
            plan=tick.plan,
            guarded=tick.guarded,
            receipts=tick.receipts,
            previous=before.plan if before else None,
            receipts_before=before.receipts if before else (),
        )
        for line in tell(moment, width=self._width, colour=self._colour, resizes=False):
            self._say(line)
        self._previous = tick

    def happened(self, events: Sequence[SiteEvent]) -> None:
        """Spot notices and losses, each pool once."""
        found = Counter((TOLD[e.word], e.place) for e in events if e.word in TOLD)
        at = {(TOLD[e.word], e.place): e.at for e in events if e.word in TOLD}
        for (kind, pool), nodes in found.items():
            event = Event(now=at[kind, pool], kind=kind, subject=pool, nodes=nodes)
            self._say(tell_event(event, width=self._width, colour=self._colour))
