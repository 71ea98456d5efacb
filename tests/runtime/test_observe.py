"""What is known after asking everyone, and what is not."""

import asyncio
from collections.abc import Sequence

from adapters.base import Adapter, Refused, Unreachable
from scheduler.domain.names import ClusterName
from scheduler.domain.readings import Signal
from scheduler.domain.snapshot import Memory, SiteReport, Snapshot
from scheduler.runtime.observe import observe
from scheduler.signals.source import Source

from .worlds import (
    NOON,
    BrokenSite,
    FixedSource,
    HungSite,
    a_fleet,
    a_node,
    a_series,
    a_site,
)

DC = ClusterName("dc")
EAST = ClusterName("east")


async def look(
    adapters: Sequence[Adapter],
    sources: Sequence[Source] = (),
    previous: Snapshot | None = None,
    deadline_s: float = 5.0,
) -> Snapshot:
    return await observe(
        adapters, sources, previous, a_fleet(), Memory(), NOON, deadline_s, window_s=900.0
    )


async def test_every_site_and_source_is_in_the_snapshot() -> None:
    seen = await look(
        [a_site("east"), a_site("dc", a_node("n1"))], [FixedSource(series=(a_series(),))]
    )
    assert list(seen.sites) == ["dc", "east"]
    assert not seen.unseen
    assert seen.readings.find(Signal.LOAD, "search") == a_series()


async def test_an_unreachable_site_is_unseen_and_keeps_its_last_report() -> None:
    before = await look([a_site("dc", a_node("n1"))])
    after = await look([BrokenSite(cluster=DC, error=Unreachable("no route"))], previous=before)
    assert after.unseen == {"dc": "unreachable: no route"}
    assert after.sites[DC] == before.sites[DC]


async def test_a_site_never_seen_has_no_report_at_all() -> None:
    seen = await look([BrokenSite(cluster=DC, error=Refused("forbidden"))])
    assert seen.unseen == {"dc": "refused: forbidden"}
    assert seen.sites == {}


async def test_a_bug_in_one_adapter_blinds_no_other() -> None:
    seen = await look([BrokenSite(cluster=DC, error=KeyError("spec")), a_site("east")])
    assert seen.unseen == {"dc": "KeyError: 'spec'"}
    assert list(seen.sites) == ["east"]


async def test_a_slow_site_is_given_up_at_its_deadline() -> None:
    hung = HungSite(cluster=DC)
    async with asyncio.timeout(2.0):
        seen = await look([hung, a_site("east")], deadline_s=0.02)
    assert seen.unseen == {"dc": "no answer within 0.02 s"}
    assert list(seen.sites) == ["east"]


async def test_a_failing_source_leaves_its_signals_unknown() -> None:
    good = FixedSource(series=(a_series("ads"),))
    seen = await look([], [FixedSource(name="bad", error=OSError("gone")), good])
    assert seen.readings.find(Signal.LOAD, "search") is None
    assert seen.readings.find(Signal.LOAD, "ads") is not None


async def test_of_two_sources_with_the_same_signal_one_counts() -> None:
    first = FixedSource(name="first", series=(a_series(value=40.0),))
    second = FixedSource(name="second", series=(a_series(value=90.0),))
    seen = await look([], [first, second])
    assert seen.readings.series == (a_series(value=40.0),)


async def test_a_site_taken_out_of_the_documents_is_forgotten() -> None:
    before = await look([a_site("dc"), a_site("east")])
    after = await look([a_site("dc")], previous=before)
    assert list(after.sites) == ["dc"]


async def test_a_report_is_kept_under_the_name_of_its_adapter() -> None:
    seen = await look([a_site("dc")])
    assert isinstance(seen.sites[DC], SiteReport)
