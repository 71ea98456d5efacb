"""A simulated day under the real daemon: the world, the story as it goes, baselines, the result."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from adapters.simulated import EventWord, SiteEvent
from scheduler.app.standing import BRAIN, Loader, csv_sources
from scheduler.app.tables import load_documents
from scheduler.config import Declared, SimulatedSite
from scheduler.domain.names import Instant
from scheduler.domain.readings import Series, Signal
from scheduler.runtime.daemon import Daemon, Record
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.reload import Documents
from scheduler.runtime.status import Status
from scheduler.runtime.timer import VirtualClock, VirtualTimer
from scheduler.runtime.world import Standing, Tick
from scheduler.simulation.baselines import BASELINES, play
from scheduler.simulation.record import History, Summary
from scheduler.simulation.world import DAY_S, Day, World

ALARMS = frozenset({EventWord.SPOT_NOTICE, EventWord.NODE_LOST})
"""What does not wait for the timer."""


class NotSimulatedError(ValueError):
    """The documents declare a cluster that is not simulated, or no load to simulate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way to run the day: what it cost and what came of it."""

    name: str
    summary: Summary
    history: History


def is_simulated(declared: Declared) -> bool:
    """Whether all clusters are simulated ones."""
    return bool(declared.sites) and all(
        isinstance(site.options, SimulatedSite) for site in declared.sites.values()
    )


async def recorded_signals(declared: Declared) -> tuple[Series, ...]:
    """All recorded series, whole."""
    series: list[Series] = []
    for source in csv_sources(declared):
        begin, end = source.bounds()
        series += await source.read(end, end - begin + 1.0)
    return tuple(series)


def day_of(signals: Sequence[Series], hours: float | None) -> Day:
    """The recorded day: from the first load reading on, 24 hours or what there is of it."""
    loads = [item for item in signals if item.signal is Signal.LOAD and item.times]
    if not loads:
        raise NotSimulatedError(
            "no load is recorded: add a SignalSource with load_rps rows, "
            "or run against static sites"
        )
    begin = Instant(min(item.times[0] for item in loads))
    recorded = max(item.times[-1] for item in loads) - begin
    length = min(DAY_S, recorded) if hours is None else min(recorded, hours * 3600.0)
    return Day(begin=begin, length_s=length)


class SimulatedRun:
    """The daemon over a simulated world, told tick by tick."""

    def __init__(
        self, declared: Declared, signals: Sequence[Series], day: Day, paths: Sequence[Path]
    ) -> None:
        self.world = World(declared.fleet, declared.sites, signals, day)
        self.clock = VirtualClock(day.start)
        self.status = Status()
        self.metrics = Metrics(self.status, self.clock, time.monotonic)
        loader = Loader(self.world.adapters(), (self.world.readings,), self.clock)
        self.documents: Documents[Standing] = Documents(paths, loader, self.status, time.monotonic)

    def daemon(
        self,
        *,
        heard: Callable[[Tick], None],
        happened: Callable[[Sequence[SiteEvent]], None],
        record: Record | None = None,
    ) -> Daemon:
        """The real daemon on a timer that moves the world instead of waiting."""

        def advance(now: Instant) -> None:
            self.world.advance_to(now)
            events = self.world.take_events()
            happened(events)
            if any(event.word in ALARMS for event in events):
                daemon.ring("a node is lost or will be")

        timer = VirtualTimer(self.clock, Instant(self.world.day.end), advance)
        daemon = Daemon(
            brain=BRAIN,
            documents=self.documents,
            timer=timer,
            clock=self.clock,
            status=self.status,
            record=record,
            listeners=(heard, self.metrics.ticked),
            monotonic=time.monotonic,
        )
        return daemon

    def outcome(self) -> Outcome:
        """What came of the day so far."""
        return Outcome(name="tidegate", summary=self.world.summary(), history=self.world.history())


@contextmanager
def baselines_beside(
    paths: Sequence[Path], signals: Sequence[Series], day: Day
) -> Iterator[Callable[[], list[Outcome]]]:
    """Plays the baselines in a process of their own meanwhile; call what it gives to wait."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as workers:
        under_way: list[Future[Outcome]] = [
            workers.submit(_play, i, tuple(paths), tuple(signals), day)
            for i in range(len(BASELINES))
        ]
        try:
            yield lambda: [future.result() for future in under_way]
        finally:
            for future in under_way:
                future.cancel()


def _play(index: int, paths: Sequence[Path], signals: Sequence[Series], day: Day) -> Outcome:
    declared = load_documents(paths).declared
    if declared is None:
        raise NotSimulatedError("the documents were broken while the day ran")
    baseline = BASELINES[index]
    world = play(baseline, declared.fleet, declared.sites, signals, day)
    return Outcome(name=baseline.name, summary=world.summary(), history=world.history())
