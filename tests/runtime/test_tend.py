"""Sites carry on side by side, and none holds up another or the tick."""

import asyncio
from dataclasses import dataclass

from adapters.base import Throttled
from scheduler.runtime.loop import tick
from scheduler.runtime.tend import tend

from .worlds import BrokenSite, MemorySite, a_site, a_standing, a_world


@dataclass(kw_only=True)
class Failing(MemorySite):
    error: Exception

    async def tend(self) -> None:
        raise self.error


@dataclass(kw_only=True)
class Hung(MemorySite):
    async def tend(self) -> None:
        await asyncio.Event().wait()


async def test_sites_that_fail_are_told_and_the_others_go_on() -> None:
    good = a_site("good")
    sites = [
        Failing(cluster="busy", error=Throttled("later")),
        Failing(cluster="odd", error=KeyError("bug")),
        Hung(cluster="hung"),
        good,
    ]
    assert await tend(sites, 0.05) == {
        "busy": "throttled: later",
        "odd": "KeyError: 'bug'",
        "hung": "no answer within 0.05 s",
    }
    assert good.tended == 1


async def test_a_tick_goes_on_and_keeps_what_could_not_be_carried_on() -> None:
    done = await tick(a_world(a_standing(Failing(cluster="dc", error=Throttled("later")))), None)
    assert done.untended == {"dc": "throttled: later"}
    assert "tend" in done.seconds


async def test_a_site_that_is_not_seen_is_not_asked() -> None:
    site = BrokenSite(cluster="dc", error=Throttled("later"))
    await tick(a_world(a_standing(site)), None)
    assert site.tended == 0


async def test_it_comes_after_the_orders_of_the_tick() -> None:
    @dataclass(kw_only=True)
    class Watching(MemorySite):
        orders_before: int = -1

        async def tend(self) -> None:
            self.orders_before = len(self.orders)

    site = Watching(cluster="dc")
    await tick(a_world(a_standing(site)), None)
    assert site.orders_before == 1
