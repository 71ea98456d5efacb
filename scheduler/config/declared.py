"""What the documents declare, ready for use, and the digest that tells two of them apart."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from scheduler.config.documents import Catalogue, Entry, Source
from scheduler.config.faults import Fault
from scheduler.config.kubernetes_mapping import access_of, bindings_of
from scheduler.config.mapping import fleet_of
from scheduler.config.place_documents import (
    AccessShape,
    ClusterSpec,
    SignalSourceSpec,
    SimulatedShape,
    StaticShape,
    StockOutShape,
)
from scheduler.config.pod_templates import Templates
from scheduler.config.policy_build import PolicyUse
from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, PoolName
from scheduler.domain.settings import LoopSettings

DAY_MINUTES = 1_440


@dataclass(frozen=True, slots=True, kw_only=True)
class StockOut:
    """Minutes of the simulated day (UTC), from < to, in which a pool is sold out."""

    pool: PoolName
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSite:
    """A cluster that exists in this process only."""

    seed: int = 0
    boot_jitter: float = 0.2
    stock_outs: tuple[StockOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticSite:
    """A cluster with a fixed number of nodes by pool."""

    nodes: Mapping[PoolName, int]
    state: Path | None = None


Options = SimulatedSite | StaticSite | KubernetesAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """The way into one cluster."""

    cluster: ClusterName
    access: str
    """simulated | static | kubernetes."""
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A table of recorded readings."""

    name: str
    csv: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Everything in the documents, checked and ready for use."""

    fleet: Fleet
    bindings: Bindings
    """How pools and workloads are known to clusters that are Kubernetes."""
    sites: Mapping[ClusterName, SiteSettings]
    sources: tuple[SourceSettings, ...]
    policies: tuple[object, ...]
    """Built policies in the order of their name."""
    policy_uses: tuple[PolicyUse, ...]
    """What `build_policies` makes the same policies from, in the same order."""
    loop: LoopSettings
    digest: str
    """Equal for equal content, whatever the files, their order, their comments and units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the documents declare, or everything that is wrong with them."""

    declared: Declared | None
    faults: tuple[Fault, ...]


def declare(
    catalogue: Catalogue,
    policies: Iterable[tuple[PolicyUse, object]],
    loop: LoopSettings,
    templates: Templates,
) -> Declared:
    """The declaration of documents without a fault."""
    chosen = tuple(policies)
    uses = tuple(use for use, _ in chosen)
    bindings = bindings_of(catalogue, templates)
    return Declared(
        fleet=fleet_of(catalogue),
        bindings=bindings,
        sites={site.cluster: site for site in map(site_of, catalogue.clusters)},
        sources=tuple(map(source_of, catalogue.sources)),
        policies=tuple(policy for _, policy in chosen),
        policy_uses=uses,
        loop=loop,
        digest=digest_of(catalogue, uses, loop, templates),
    )


def digest_of(
    catalogue: Catalogue, uses: Iterable[PolicyUse], loop: LoopSettings, templates: Templates
) -> str:
    """SHA-256 of the content in one canonical form: parsed values, sorted by kind and name."""
    kinds: dict[str, tuple[Entry[Any], ...]] = {
        "clusters": catalogue.clusters,
        "pools": catalogue.pools,
        "services": catalogue.services,
        "jobs": catalogue.jobs,
        "datasets": catalogue.datasets,
        "links": catalogue.links,
        "sources": catalogue.sources,
    }
    content = {
        "documents": {
            kind: [[entry.name, entry.spec.model_dump(mode="json")] for entry in entries]
            for kind, entries in kinds.items()
        },
        "templates": [[name, file.node.plain()] for name, file in templates.by_name()],
        "policies": [asdict(use) for use in uses],
        "loop": asdict(loop),
    }
    text = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def site_of(entry: Entry[ClusterSpec]) -> SiteSettings:
    """The way into a cluster."""
    options = _options(entry.name, entry.spec.access, Path(entry.source.folder()))
    access = next(name for name in AccessShape.model_fields if getattr(entry.spec.access, name))
    return SiteSettings(cluster=ClusterName(entry.name), access=access, options=options)


def source_of(entry: Entry[SignalSourceSpec]) -> SourceSettings:
    """A source of readings, its path resolved from the folder of the YAML file."""
    return SourceSettings(name=entry.name, csv=csv_path(entry.source))


def csv_path(source: Source) -> Path:
    """Where the table of a source lies."""
    return Path(source.folder()) / source.text("spec", "csv", "path")


def _options(name: str, access: AccessShape, folder: Path) -> Options:
    if access.kubernetes is not None:
        return access_of(name, access.kubernetes, folder)
    if access.static is not None:
        return _static(access.static, folder)
    return _simulated(access.simulated or SimulatedShape.model_validate({}))


def _static(shape: StaticShape, folder: Path) -> StaticSite:
    nodes = {PoolName(name): count for name, count in sorted(shape.nodes.items())}
    return StaticSite(nodes=nodes, state=None if shape.state is None else folder / shape.state)


def _simulated(shape: SimulatedShape) -> SimulatedSite:
    return SimulatedSite(
        seed=shape.seed,
        boot_jitter=shape.boot_jitter,
        stock_outs=tuple(part for item in shape.stock_outs for part in _stock_outs(item)),
    )


def _stock_outs(item: StockOutShape) -> tuple[StockOut, ...]:
    """One window, or the two halves of one that goes over midnight."""
    pool = PoolName(item.pool)
    if item.start < item.end:
        return (StockOut(pool=pool, from_minute=item.start, to_minute=item.end),)
    halves = ((item.start, DAY_MINUTES), (0, item.end))
    return tuple(
        StockOut(pool=pool, from_minute=start, to_minute=end)
        for start, end in halves
        if start < end
    )
