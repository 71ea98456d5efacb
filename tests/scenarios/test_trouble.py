"""Trouble: an offer is sold out, a site falls silent, a source says nothing."""

from dataclasses import dataclass
from pathlib import Path

from adapters.base import Adapter, Unreachable
from adapters.decorators import Around
from scheduler.app.simulated import SimulatedRun
from scheduler.domain.actions import Drain, Grow, Release
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.readings import Freshness, Series
from scheduler.domain.snapshot import SiteReport
from scheduler.signals.source import Source, SourceUnreachable
from tests.scenarios.stage import a_shop, at, minutes_of, play

RISING = (1500, 3000, 6000, 7000)
RENTED, SPOT = PoolName("rented"), PoolName("spot")


def test_what_is_sold_out_is_bought_elsewhere_at_the_next_tick(tmp_path: Path) -> None:
    weather = '{seed: 2, stockOuts: [{pool: spot, from: "07:00", to: "10:00"}]}'
    played = play(a_shop(tmp_path, RISING, weather=weather))
    tried = played.receipts(Grow)
    first, refused = tried[0]
    assert (refused.action.pool, refused.outcome) == (SPOT, "no-capacity")
    following = next(tick for tick in played.ticks if tick.number == first.number + 1)
    assert SPOT in following.snapshot.memory.sold_out
    bought = [one.action.pool for tick, one in tried if tick.number == following.number]
    assert bought == [RENTED]
    spot = next(line for line in following.plan.pools if line.pool == SPOT)
    assert (spot.before, spot.after) == (0, 0)
    assert played.run.outcome().summary.attainment > 0.97


@dataclass
class Silence:
    """When a site gives no answer."""

    begin: Instant
    end: Instant


class Faint(Around):
    """A site that falls silent for a while, for questions and orders alike."""

    def __init__(self, inner: Adapter, run: SimulatedRun, silence: Silence) -> None:
        super().__init__(inner)
        self._run, self._silence = run, silence

    async def observe(self) -> SiteReport:
        if self._silence.begin <= self._run.clock.now() < self._silence.end:
            raise Unreachable(f"{self.cluster} is silent")
        return await super().observe()


def test_a_site_that_is_not_seen_is_frozen_not_empty(tmp_path: Path) -> None:
    folder = a_shop(tmp_path, (1500, 3000, 6000, 8000, 8000))
    silence = Silence(begin=at(26.0), end=at(34.0))

    def around(adapter: Adapter, run: SimulatedRun) -> Adapter:
        return Faint(adapter, run, silence) if adapter.cluster == "cloud" else adapter

    played = play(folder, around=around)
    blind = [tick for tick in played.ticks if 26.0 <= minutes_of(tick) < 34.0]
    assert len(blind) == 8
    held = next(line.before for line in blind[0].plan.pools if line.pool == SPOT)
    assert held >= 2
    for tick in blind:
        assert set(tick.snapshot.unseen) == {"cloud"}
        assert "is silent" in tick.snapshot.unseen[next(iter(tick.snapshot.unseen))]
        lines = {line.pool: line for line in tick.plan.pools}
        assert lines[SPOT].before == lines[SPOT].after == held
        assert lines[RENTED].before == lines[RENTED].after == 0
        assert {action.cluster for action in tick.guarded.allowed} <= {"home"}
    seen_again = [tick for tick in played.ticks if minutes_of(tick) >= 34.0]
    assert all(not tick.snapshot.unseen for tick in seen_again)
    assert any(action.cluster == "cloud" for tick in seen_again for action in tick.guarded.allowed)


@dataclass
class Mute:
    """A source that gives no answer from an instant on."""

    inner: Source
    run: SimulatedRun
    from_on: Instant
    name: str = "mute"

    async def read(self, now: Instant, window_s: float) -> tuple[Series, ...]:
        if now >= self.from_on:
            raise SourceUnreachable("no answer; look at the monitoring system")
        return await self.inner.read(now, window_s)


def test_without_readings_nothing_is_taken_away(tmp_path: Path) -> None:
    folder = a_shop(tmp_path, (6500, 6500, 900, 900))
    played = play(folder, source=lambda source, run: Mute(source, run, at(8.0)))
    last = next(tick for tick in played.ticks if minutes_of(tick) == 8.0)
    busy = sum(line.after for line in last.plan.placements)
    assert busy >= 14
    for tick in played.after(8.0):
        assert tick.plan.services[0].freshness is not Freshness.FRESH
        assert sum(line.after for line in tick.plan.placements) >= busy
    taken = [minutes_of(tick) for tick, _ in played.receipts(Drain, Release)]
    assert [minute for minute in taken if minute >= 8.0] == []
