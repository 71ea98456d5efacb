"""From declared documents to what the loop stands on: policies, sites, sources."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import cast

from adapters.base import Adapter
from adapters.decorators import Deadline
from adapters.simulated import SimulatedAdapter, SimulatedSite, StockOut, Weather
from adapters.static import StaticSite
from scheduler.app.tables import POLICY_TYPES, load_documents, resolve
from scheduler.config import Declared, Fault, PolicyUse, SiteSettings, build_policies
from scheduler.config import StaticSite as StaticSettings
from scheduler.domain.fleet import Fleet
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
    )


def csv_sources(declared: Declared) -> tuple[CsvSource, ...]:
    """The recorded signals."""
    return tuple(CsvSource(item.csv, item.name) for item in declared.sources)


def own_sites(declared: Declared, clock: Clock) -> tuple[Adapter, ...]:
    """Every site by itself: static ones, and simulated ones as they start."""
    return tuple(
        _site(declared.fleet, settings, clock) for _, settings in sorted(declared.sites.items())
    )


def _site(fleet: Fleet, settings: SiteSettings, clock: Clock) -> Adapter:
    options = settings.options
    pools = fleet.pools_of(settings.cluster)
    if isinstance(options, StaticSettings):
        return StaticSite(
            cluster=settings.cluster,
            pools=pools,
            services=fleet.services,
            jobs=fleet.jobs,
            nodes=options.nodes,
            now=clock.now,
            state=options.state,
        )
    weather = Weather(
        boot_jitter=options.boot_jitter,
        stock_outs=tuple(
            StockOut(pool=out.pool, from_minute=out.from_minute, to_minute=out.to_minute)
            for out in options.stock_outs
        ),
    )
    site = SimulatedSite(
        cluster=settings.cluster,
        pools=pools,
        services=fleet.services,
        jobs=fleet.jobs,
        weather=weather,
        seed=options.seed,
        start=clock.now(),
    )
    return SimulatedAdapter(site, clock.now)


class Loader:
    """Loads documents as a Standing over fixed sites, for the daemon's reload."""

    def __init__(
        self,
        adapters: Sequence[Adapter] | None,
        sources: Sequence[Source] | None,
        clock: Clock,
    ) -> None:
        self._adapters, self._sources, self._clock = adapters, sources, clock
        self._sites: Mapping[str, Adapter] = {}
        self._known: object = None

    def __call__(self, paths: Sequence[Path]) -> Stood:
        """The documents at these paths, over the given sites or those that they declare."""
        loaded = load_documents(paths)
        declared = loaded.declared
        if declared is None:
            return Stood(declared=None, faults=loaded.faults)
        adapters = self._adapters if self._adapters is not None else self._declared(declared)
        sources = self._sources if self._sources is not None else csv_sources(declared)
        return Stood(declared=standing_of(declared, adapters, sources), faults=())

    def _declared(self, declared: Declared) -> Sequence[Adapter]:
        """Sites are built once and again only when places or work change."""
        known = (declared.fleet, declared.sites)
        if known != self._known:
            self._sites = {site.cluster: site for site in own_sites(declared, self._clock)}
            self._known = known
        return tuple(self._sites.values())
