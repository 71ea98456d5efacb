"""Observe: every site and source is asked at once, each within a deadline."""

import asyncio
from collections.abc import Sequence

from adapters.base import Adapter, AdapterError
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant
from scheduler.domain.readings import Readings, Series
from scheduler.domain.snapshot import Memory, SiteReport, Snapshot
from scheduler.runtime.logs import Logger
from scheduler.signals.merge import merge
from scheduler.signals.source import Source

log = Logger("tidegate.observe")


async def observe(
    adapters: Sequence[Adapter],
    sources: Sequence[Source],
    previous: Snapshot | None,
    fleet: Fleet,
    memory: Memory,
    now: Instant,
    deadline_s: float,
    window_s: float,
) -> Snapshot:
    """One snapshot, at most `deadline_s` later.

    A site that fails or is late is `unseen` and keeps its last report. A source that fails or is
    late leaves its series out: unknown.
    """
    answers, series = await asyncio.gather(
        asyncio.gather(*(_site(adapter, deadline_s) for adapter in adapters)),
        asyncio.gather(*(_source(source, now, window_s, deadline_s) for source in sources)),
    )
    seen = dict(sorted(answers))
    before = previous.sites if previous else {}
    sites = {name: _newest(answer, before.get(name)) for name, answer in seen.items()}
    return Snapshot(
        now=now,
        fleet=fleet,
        sites={name: report for name, report in sites.items() if report is not None},
        unseen={name: answer for name, answer in seen.items() if isinstance(answer, str)},
        readings=_merged(sources, series),
        memory=memory,
    )


async def _site(adapter: Adapter, deadline_s: float) -> tuple[ClusterName, SiteReport | str]:
    try:
        async with asyncio.timeout(deadline_s):
            return adapter.cluster, await adapter.observe()
    except TimeoutError:
        why = f"no answer within {deadline_s:g} s"
    except AdapterError as error:
        why = f"{error.outcome}: {error}"
    except Exception as error:  # noqa: BLE001 - the fan-out: one site's bug must not blind the rest
        why = f"{type(error).__name__}: {error}"
    log.warning("site.unseen", cluster=adapter.cluster, why=why)
    return adapter.cluster, why


async def _source(
    source: Source, now: Instant, window_s: float, deadline_s: float
) -> tuple[Series, ...]:
    try:
        async with asyncio.timeout(deadline_s):
            return await source.read(now, window_s)
    except TimeoutError:
        why = f"no answer within {deadline_s:g} s"
    except Exception as error:  # noqa: BLE001 - the fan-out: one source's bug must not blind the rest
        why = f"{type(error).__name__}: {error}"
    log.warning("source.failed", source=source.name, why=why)
    return ()


def _merged(sources: Sequence[Source], answers: Sequence[tuple[Series, ...]]) -> Readings:
    merged = merge({source.name: answer for source, answer in zip(sources, answers, strict=True)})
    for note in merged.notes:
        log.warning("sources.differ", why=note)
    return Readings(series=merged.series)


def _newest(answer: SiteReport | str, before: SiteReport | None) -> SiteReport | None:
    return before if isinstance(answer, str) else answer
