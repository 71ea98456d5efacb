"""The daemon ticks one at a time, answers events, survives failures and stops in order."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Scale
from scheduler.domain.names import Instant
from scheduler.domain.plan import Plan
from scheduler.domain.settings import LoopSettings
from scheduler.runtime.daemon import Daemon, stopped_by_signals
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.reload import Documents
from scheduler.runtime.status import Status
from scheduler.runtime.timer import VirtualClock, VirtualTimer, WallTimer
from scheduler.runtime.world import Brain, Standing, Tick

from .worlds import (
    BRAIN,
    NOON,
    FixedClock,
    MemorySite,
    a_fleet,
    a_pool,
    a_site,
    a_standing,
    decide,
    grow,
    place,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    declared: Standing | None
    faults: Sequence[str] = ()


@dataclass(kw_only=True)
class Case:
    """A daemon over one folder of documents; `most` in the file is the size of the pool."""

    folder: Path
    brain: Brain = BRAIN
    sites: list[MemorySite] = field(default_factory=lambda: [a_site("dc")])
    every_s: float = 3600.0
    status: Status = field(default_factory=Status)
    ticks: list[Tick] = field(default_factory=list)
    on_tick: Callable[[Tick], None] = lambda _: None
    seconds: float = 0.0

    def load(self, paths: Sequence[Path]) -> Outcome:
        text = (paths[0] / "pool.yaml").read_text()
        if not text.isdigit():
            return Outcome(declared=None, faults=(f"pool.yaml:1:1: not a number (got {text})",))
        standing = a_standing(*self.sites, fleet=a_fleet([a_pool(most=int(text))]))
        return Outcome(declared=replace(standing, loop=LoopSettings(every_s=self.every_s)))

    def write(self, text: str) -> None:
        (self.folder / "pool.yaml").write_text(text)

    def daemon(self, **more: Any) -> Daemon:
        documents = Documents([self.folder], self.load, self.status, self.clock_s)
        given: dict[str, Any] = {"timer": WallTimer(debounce_s=0.0), "clock": FixedClock()} | more
        return Daemon(
            brain=self.brain,
            documents=documents,
            status=self.status,
            listeners=(self.ticks.append, self.heard),
            monotonic=self.clock_s,
            **given,
        )

    def heard(self, tick: Tick) -> None:
        self.on_tick(tick)

    def clock_s(self) -> float:
        # Every look at the clock is a second later, so that no look at the files is put off.
        self.seconds += 1.0
        return self.seconds

    def a_day(self, hours: float = 1.0) -> Daemon:
        clock = VirtualClock(NOON)
        until = Instant(NOON + 3600.0 * hours)
        return self.daemon(timer=VirtualTimer(clock, until, lambda _: None), clock=clock)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = Case(folder=tmp_path)
    case.write("4")
    return case


async def finished(daemon: Daemon) -> None:
    async with asyncio.timeout(10.0):
        await daemon.run()


async def test_a_simulated_hour_is_a_tick_a_minute(case: Case) -> None:
    case.every_s = 60.0
    await finished(case.a_day(hours=1.0))
    assert [tick.number for tick in case.ticks] == list(range(1, 62))
    assert case.ticks[-1].snapshot.now == NOON + 3600.0


async def test_documents_edited_in_simulated_time_change_the_next_decision(case: Case) -> None:
    def edit(tick: Tick) -> None:
        if tick.number == 2:
            case.write("7")

    case.on_tick = edit
    await finished(case.a_day(hours=4.0))
    assert [tick.plan.pools[0].after for tick in case.ticks] == [4, 4, 7, 7, 7]


async def test_broken_documents_change_nothing_and_are_said_in_the_status(case: Case) -> None:
    def edit(tick: Tick) -> None:
        case.write("seven")

    case.on_tick = edit
    await finished(case.a_day(hours=2.0))
    assert [tick.plan.pools[0].after for tick in case.ticks] == [4, 4, 4]
    assert case.status.faults() == ["pool.yaml:1:1: not a number (got seven)"]


async def test_without_good_documents_it_waits_unready(case: Case) -> None:
    case.write("seven")
    await finished(case.a_day())
    assert case.ticks == []
    assert case.status.unready_because == "no valid documents yet"


async def test_a_changed_file_triggers_a_tick(case: Case) -> None:
    """Found by the watch on the folder: the timer's next beat is an hour away."""
    daemon = case.daemon()
    sizes = iter(range(5, 100))

    def check(tick: Tick) -> None:
        if tick.plan.pools[0].after > 4:
            daemon.stop("seen")

    case.on_tick = check
    running = asyncio.ensure_future(finished(daemon))
    while not running.done():
        # The watch begins some time after the daemon: make the change until it is seen.
        case.write(str(next(sizes)))
        await asyncio.wait([running], timeout=0.2)
    await running
    assert case.ticks[-1].plan.pools[0].after > 4


async def test_a_decision_that_fails_is_counted_and_the_next_tick_goes_on(case: Case) -> None:
    tries = 0

    def sometimes(*told: Any) -> Plan:
        nonlocal tries
        tries += 1
        if tries == 2:
            raise ArithmeticError("no pivot")
        return decide(*told)

    case.brain = replace(BRAIN, decide=sometimes)
    await finished(case.a_day(hours=3.0))
    assert [tick.number for tick in case.ticks] == [1, 2, 3]
    assert case.status.tick_failures == 1
    assert case.status.last_failure == ""


async def test_one_tick_at_a_time_and_one_more_for_all_events_during_it(case: Case) -> None:
    entered, leave = threading.Event(), threading.Event()
    inside: list[int] = []

    def slow(*told: Any) -> Plan:
        inside.append(len(case.ticks))
        entered.set()
        assert leave.wait(5.0)
        return decide(*told)

    case.brain = replace(BRAIN, decide=slow)
    daemon = case.daemon()

    def check(tick: Tick) -> None:
        if tick.number == 2:
            daemon.stop("enough")

    case.on_tick = check
    running = asyncio.ensure_future(finished(daemon))
    await asyncio.to_thread(entered.wait, 5.0)
    for why in ("spot notice", "node lost", "documents", "spot notice"):
        daemon.ring(why)
    leave.set()
    await running
    assert inside == [0, 1]


async def test_sigterm_in_mid_act_finishes_one_order_sends_no_second_and_keeps_the_tick(
    case: Case, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    site = a_site("dc", gate=gate)
    case.sites = [site]
    case.brain = replace(BRAIN, diff=lambda plan, snapshot: (grow(), place(pods=2)))
    recorder = Recorder(tmp_path / "journal.db", case.status)
    daemon = case.daemon(record=recorder)
    with stopped_by_signals(daemon):
        running = asyncio.ensure_future(finished(daemon))
        await site.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        gate.set()
        await running
    assert [type(order) for order in site.orders] == [Scale]
    assert [one.outcome for one in case.ticks[0].receipts] == ["accepted", "skipped"]
    assert recorder.last() == 1


async def test_told_to_stop_while_it_waits_it_ends_at_once(case: Case) -> None:
    daemon = case.daemon()
    case.on_tick = lambda _: daemon.stop("enough")
    await finished(daemon)
    assert len(case.ticks) == 1


async def test_numbers_go_on_where_the_journal_ended(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for _ in range(2):
        clock = VirtualClock(NOON)
        await finished(
            case.daemon(
                timer=VirtualTimer(clock, NOON, lambda _: None),
                clock=clock,
                record=Recorder(path, case.status),
            )
        )
    assert [tick.number for tick in case.ticks] == [1, 2]


async def test_a_journal_that_fails_does_not_stop_the_loop(case: Case, tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    until = Instant(NOON + 7200.0)
    await finished(
        case.daemon(
            timer=VirtualTimer(clock, until, lambda _: None),
            clock=clock,
            record=Recorder(tmp_path / "none" / "journal.db", case.status),
        )
    )
    assert len(case.ticks) == 3
    assert case.status.journal_failures == 4
