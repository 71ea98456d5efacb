"""A dry run: the loop's own line over the documents, up to the guard and no further."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.base import Adapter
from adapters.decorators import ReadOnly
from scheduler.app.kubernetes_site import close_sites, read_only
from scheduler.app.standing import BRAIN, csv_sources, own_sites, standing_of
from scheduler.config import Declared
from scheduler.domain.names import Instant
from scheduler.runtime.loop import consider
from scheduler.runtime.world import Considered, World


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands at one instant."""

    at: Instant

    def now(self) -> Instant:
        """The instant."""
        return self.at


def instant_of(declared: Declared, wall: Callable[[], float] = time.time) -> Instant:
    """The end of the recorded signals; the wall clock's time where nothing is recorded."""
    ends = [source.bounds()[1] for source in csv_sources(declared)]
    return Instant(max(ends, default=wall()))


async def dry_run(
    declared: Declared, at: Instant, adapters: Sequence[Adapter] | None = None
) -> Considered:
    """What the daemon would decide at that instant. Sites are wrapped so that no order passes."""
    clock = FixedClock(at)
    if adapters is not None:
        return await _considered(declared, clock, adapters)
    sites = own_sites(declared, clock, fence=read_only, once=True)
    try:
        return await _considered(declared, clock, sites)
    finally:
        await close_sites(sites)


async def _considered(
    declared: Declared, clock: FixedClock, sites: Sequence[Adapter]
) -> Considered:
    standing = standing_of(declared, [ReadOnly(site) for site in sites], csv_sources(declared))
    return await consider(World(brain=BRAIN, standing=standing, clock=clock), None)
