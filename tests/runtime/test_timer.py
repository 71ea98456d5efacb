"""When a tick is due: on the beat, on an event, and once for many events."""

import asyncio

from scheduler.domain.names import Instant
from scheduler.runtime.timer import SHARES, Bell, VirtualClock, VirtualTimer, WallTimer

from .worlds import NOON


class Pause:
    """A sleep that lasts until the test ends it."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.begun = asyncio.Event()
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.begun.set()
        await self.over.wait()


async def test_events_close_together_share_one_tick() -> None:
    bell, pause = Bell(), Pause()
    timer = WallTimer(debounce_s=0.5, sleep=pause)
    bell.ring("spot notice")
    due = asyncio.ensure_future(timer.due(bell, 3600.0))
    await pause.begun.wait()
    bell.ring("node lost")
    bell.ring("spot notice")
    pause.over.set()
    assert await due == ("spot notice", "node lost")
    assert pause.asked == [0.5]
    await timer.close()


async def test_an_event_during_a_tick_is_heard_after_it() -> None:
    bell = Bell()
    timer = WallTimer(debounce_s=0.0)
    bell.ring("start", urgent=True)
    assert await timer.due(bell, 3600.0) == ("start",)
    bell.ring("documents")
    assert await timer.due(bell, 3600.0) == ("documents",)
    await timer.close()


async def test_the_wall_timer_beats_at_the_pace_in_force() -> None:
    bell, timer = Bell(), WallTimer()
    async with asyncio.timeout(5.0):
        assert await timer.due(bell, 0.01) == ("timer",)
        assert await timer.due(bell, 0.02) == ("timer",)
    await timer.close()


async def test_traffic_has_a_pace_of_its_own_and_can_be_switched_off() -> None:
    bell, timer = Bell(), WallTimer()
    async with asyncio.timeout(5.0):
        assert await timer.due(bell, 3600.0, 0.01) == (SHARES,)
        assert await timer.due(bell, 0.01, 0.0) == ("timer",)
    await timer.close()


async def test_in_simulated_time_traffic_moves_between_two_ticks() -> None:
    moved: list[float] = []
    timer = VirtualTimer(VirtualClock(NOON), Instant(NOON + 60.0), moved.append)
    reasons = []
    while why := await timer.due(Bell(), 60.0, 25.0):
        reasons.append(why)
    assert [at - NOON for at in moved] == [0.0, 25.0, 50.0, 60.0]
    assert reasons == [("timer",), (SHARES,), (SHARES,), ("timer",)]


async def test_an_urgent_event_waits_for_no_other() -> None:
    bell, pause = Bell(), Pause()
    timer = WallTimer(sleep=pause)
    bell.ring("documents")
    bell.ring("stop", urgent=True)
    assert await timer.due(bell, 3600.0) == ("documents", "stop")
    assert pause.asked == []
    await timer.close()


async def test_simulated_time_runs_to_its_end_and_moves_the_world_along() -> None:
    moved: list[float] = []
    clock = VirtualClock(NOON)
    timer = VirtualTimer(clock, Instant(NOON + 150.0), moved.append)
    bell = Bell()
    while await timer.due(bell, 60.0):
        assert clock.now() == moved[-1]
    assert moved == [NOON, NOON + 60.0, NOON + 120.0]


async def test_an_event_in_simulated_time_comes_before_the_next_beat() -> None:
    moved: list[float] = []
    timer = VirtualTimer(VirtualClock(NOON), Instant(NOON + 60.0), moved.append, debounce_s=1.0)
    bell = Bell()
    await timer.due(bell, 60.0)
    bell.ring("spot notice")
    assert await timer.due(bell, 60.0) == ("spot notice",)
    assert await timer.due(bell, 60.0) == ("timer",)
    assert moved == [NOON, NOON + 1.0, NOON + 60.0]


async def test_simulated_time_lets_the_event_loop_have_its_turn() -> None:
    turns = 0

    async def bystander() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(bystander())
    timer = VirtualTimer(VirtualClock(NOON), Instant(NOON + 600.0), lambda _: None)
    while await timer.due(Bell(), 60.0):
        pass
    beside.cancel()
    assert turns >= 10
