"""From declared documents to what the loop stands on: policies, sites, sources."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import assert_never, cast

from adapters.base import Adapter
from adapters.decorators import Deadline
from adapters.simulated import SimulatedAdapter, SimulatedSite, StockOut, Weather
from adapters.static import StaticSite
from scheduler.app.kubernetes_site import ConnectingSite, Terms, close_sites, setting_of
from scheduler.app.tables import POLICY_TYPES, load_documents, resolve
from scheduler.config import (
    NO_OBJECTS,
    Declared,
    Fault,
    Objects,
    PolicyUse,
    SiteSettings,
    build_policies,
)
from scheduler.config import SimulatedSite as SimulatedSettings
from scheduler.config import StaticSite as StaticSettings
from scheduler.domain.bindings import KubernetesAccess
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName
from scheduler.forecast import expect
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from scheduler.planning.diff import diff
from scheduler.planning.guard import guard
from scheduler.planning.remember import remember
from scheduler.planning.reshare import reshare
from scheduler.runtime.world import Brain, Clock, Standing
from scheduler.signals import CsvSource, Source

BRAIN = Brain(
    expect=expect,
    decide=partial(decide, clock=perf_counter),
    reshare=reshare,
    diff=diff,
    guard=guard,
    remember=remember,
)
"""The pure functions of the line, as they are in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What the documents at some paths make stand, or what is wrong with them."""

    declared: Standing | None
    faults: tuple[Fault, ...]


def policies_of(declared: Declared) -> tuple[Policy, ...]:
    """The built policies; the loader has checked that each can contribute."""
    return cast(tuple[Policy, ...], declared.policies)


def uses_json(uses: Sequence[PolicyUse]) -> str:
    """Policies as written, as JSON text for the journal."""
    return json.dumps([asdict(use) for use in uses], sort_keys=True)


def policies_from_json(text: str) -> tuple[Policy, ...]:
    """The policies that `uses_json` told of. Raises ValueError if one no longer exists."""
    uses = [PolicyUse(use=item["use"], settings=item["settings"]) for item in json.loads(text)]
    return cast(tuple[Policy, ...], build_policies(uses, POLICY_TYPES, resolve))


def standing_of(
    declared: Declared, adapters: Sequence[Adapter], sources: Sequence[Source]
) -> Standing:
    """The documents, ready for the loop, over these sites and sources."""
    return Standing(
        fleet=declared.fleet,
        policies=policies_of(declared),
        policy_uses=uses_json(declared.policy_uses),
        loop=declared.loop,
        adapters=tuple(Deadline(site, declared.loop.deadline_s) for site in adapters),
        sources=tuple(sources),
        bindings=declared.bindings,
        ways={
            name: site.options
            for name, site in declared.sites.items()
            if isinstance(site.options, KubernetesAccess)
        },
    )


def csv_sources(declared: Declared) -> tuple[CsvSource, ...]:
    """The recorded signals."""
    return tuple(CsvSource(item.csv, item.name) for item in declared.sources)


def own_sites(
    declared: Declared,
    clock: Clock,
    *,
    ring: Callable[[str], None] | None = None,
    fence: Callable[[], None] | None = None,
    once: bool = False,
) -> tuple[Adapter, ...]:
    """Every site by itself: Kubernetes and static ones, and simulated ones as they start.

    `ring` is told what cannot wait for the next tick, `fence` is asked before each write to
    Kubernetes, and `once` looks by lists instead of watches. Close them by `close_sites`.
    """
    terms = Terms(ring=ring, fence=fence, once=once)
    return tuple(
        _site(declared, settings, clock, terms) for _, settings in sorted(declared.sites.items())
    )


def _site(declared: Declared, settings: SiteSettings, clock: Clock, terms: Terms) -> Adapter:
    match settings.options:
        case KubernetesAccess() as access:
            return ConnectingSite(setting_of(declared, access), terms, clock.now)
        case StaticSettings() as options:
            return _static(declared.fleet, settings.cluster, options, clock)
        case SimulatedSettings() as options:
            return _simulated(declared.fleet, settings.cluster, options, clock)
        case other:
            assert_never(other)


def _static(
    fleet: Fleet, cluster: ClusterName, options: StaticSettings, clock: Clock
) -> StaticSite:
    return StaticSite(
        cluster=cluster,
        pools=fleet.pools_of(cluster),
        services=fleet.services,
        jobs=fleet.jobs,
        nodes=options.nodes,
        now=clock.now,
        state=options.state,
    )


def _simulated(
    fleet: Fleet, cluster: ClusterName, options: SimulatedSettings, clock: Clock
) -> SimulatedAdapter:
    weather = Weather(
        boot_jitter=options.boot_jitter,
        stock_outs=tuple(
            StockOut(pool=out.pool, from_minute=out.from_minute, to_minute=out.to_minute)
            for out in options.stock_outs
        ),
    )
    site = SimulatedSite(
        cluster=cluster,
        pools=fleet.pools_of(cluster),
        services=fleet.services,
        jobs=fleet.jobs,
        weather=weather,
        seed=options.seed,
        start=clock.now(),
    )
    return SimulatedAdapter(site, clock.now)


class Loader:
    """Loads documents as a Standing over fixed sites or their own, for the daemon's reload.

    Sites whose place was taken are closed, in the event loop that the loader was made in.
    `objects` are documents that stand in no file; `judged` hears the faults of each loading.
    """

    def __init__(
        self,
        adapters: Sequence[Adapter] | None,
        sources: Sequence[Source] | None,
        clock: Clock,
        *,
        ring: Callable[[str], None] | None = None,
        fence: Callable[[], None] | None = None,
        objects: Callable[[], Objects] = lambda: NO_OBJECTS,
        judged: Callable[[Sequence[Fault]], None] = lambda _: None,
    ) -> None:
        self._adapters, self._sources, self._clock = adapters, sources, clock
        self._ring, self._fence = ring, fence
        self._objects, self._judged = objects, judged
        self._sites: tuple[Adapter, ...] = ()
        self._known: object = None
        self._loop = running_loop()

    def __call__(self, paths: Sequence[Path]) -> Stood:
        """The documents at these paths, over the given sites or those that they declare."""
        loaded = load_documents(paths, self._objects())
        self._judged(loaded.faults)
        declared = loaded.declared
        if declared is None:
            return Stood(declared=None, faults=loaded.faults)
        adapters = self._adapters if self._adapters is not None else self._declared(declared)
        sources = self._sources if self._sources is not None else csv_sources(declared)
        return Stood(declared=standing_of(declared, adapters, sources), faults=())

    async def close(self) -> None:
        """Let go of the sites that are declared now."""
        sites, self._sites, self._known = self._sites, (), None
        await close_sites(sites)

    def _declared(self, declared: Declared) -> Sequence[Adapter]:
        """Sites are built once and again only when places or work change."""
        known = (declared.fleet, declared.sites, declared.bindings)
        if known != self._known:
            retired = self._sites
            self._sites = own_sites(declared, self._clock, ring=self._ring, fence=self._fence)
            self._known = known
            if retired and self._loop is not None:
                # Loading runs in a thread; what a site holds open belongs to the loop.
                asyncio.run_coroutine_threadsafe(close_sites(retired), self._loop)
        return self._sites


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs here, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
