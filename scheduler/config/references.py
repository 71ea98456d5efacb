"""What one document says of another, and of itself: names that exist, numbers in order."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath

from scheduler.config.declared import csv_path
from scheduler.config.documents import Catalogue, Entry, Source
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.mapping import default_classes
from scheduler.config.place_documents import ClusterSpec, LinkSpec, NodePoolSpec
from scheduler.config.policy_document import PolicySpec
from scheduler.config.workload_documents import InferenceServiceSpec, TrainingJobSpec
from scheduler.domain.places import Contract

IsFile = Callable[[FilePath], bool]


def reference_faults(catalogue: Catalogue, is_file: IsFile) -> Iterator[Fault]:
    """Every name that does not exist and every pair of values that contradict each other."""
    for cluster in catalogue.clusters:
        yield from _cluster(catalogue, cluster)
    for pool in catalogue.pools:
        yield from _pool(catalogue, pool)
    for workload in catalogue.workloads():
        yield from _workload(catalogue, workload)
    for service in catalogue.services:
        yield from _service(catalogue, service)
    for job in catalogue.jobs:
        yield from _job(job)
    yield from _datasets(catalogue)
    yield from _links(catalogue)
    for source in catalogue.sources:
        if not is_file(csv_path(source)):
            message = f"no such file: {csv_path(source)}"
            yield source.source.fault(("spec", "csv", "path"), message, got=True)


def policy_faults(entry: Entry[PolicySpec]) -> Iterator[Fault]:
    """Windows of the guard that have no length, and a USD that is not one."""
    for index, hours in enumerate(entry.spec.guard.quiet_hours):
        if hours.start == hours.end:
            window = ("spec", "guard", "quietHours", index, "to")
            yield entry.source.fault(window, "the window has no length", got=True)
    if entry.spec.currencies.get("USD", 1.0) != 1.0:
        path = ("spec", "currencies", "USD")
        yield entry.source.fault(path, "one USD is one USD: remove it", got=True)


def _cluster(catalogue: Catalogue, entry: Entry[ClusterSpec]) -> Iterator[Fault]:
    own = {pool.name: pool for pool in catalogue.pools if pool.spec.cluster == entry.name}
    simulated, static = entry.spec.access.simulated, entry.spec.access.static
    at: Path = ("spec", "access")
    for index, out in enumerate(simulated.stock_outs if simulated else ()):
        path: Path = (*at, "simulated", "stockOuts", index)
        yield from _own_pool(catalogue, entry, out.pool, (*path, "pool"))
        if out.start == out.end:
            yield entry.source.fault((*path, "to"), "the window has no length", got=True)
    for name, count in (static.nodes if static else {}).items():
        path = (*at, "static", "nodes", name)
        yield from _own_pool(catalogue, entry, name, path)
        pool = own.get(name)
        if pool is not None and count > pool.spec.nodes.max:
            message = f"more nodes than the pool may have ({pool.spec.nodes.max})"
            yield entry.source.fault(path, message, got=True)


def _own_pool(
    catalogue: Catalogue, entry: Entry[ClusterSpec], name: str, path: Path
) -> Iterator[Fault]:
    """A pool named by its cluster, as a value or as the key that the path ends with."""
    if name not in catalogue.named("NodePool"):
        if catalogue.whole:
            meant = closest(name, catalogue.named("NodePool"))
            yield entry.source.key_fault(path, f"unknown pool {name}", meant=meant)
        return
    owner = next((pool.spec.cluster for pool in catalogue.pools if pool.name == name), entry.name)
    if owner != entry.name and owner in catalogue.named("Cluster"):
        own = [pool.name for pool in catalogue.pools if pool.spec.cluster == entry.name]
        message = f"the pool {name} belongs to the cluster {owner}"
        yield entry.source.key_fault(path, message, meant=closest(name, own))


def _pool(catalogue: Catalogue, entry: Entry[NodePoolSpec]) -> Iterator[Fault]:
    spec, source = entry.spec, entry.source
    path: Path = ("spec", "cluster")
    yield from _known(catalogue, "Cluster", source, spec.cluster, path, what="cluster")
    if spec.nodes.min > spec.nodes.max:
        message = f"must not be above max ({spec.nodes.max})"
        yield source.fault(("spec", "nodes", "min"), message, got=True)
    if spec.interruptions_per_hour > 0.0 and spec.contract is not Contract.SPOT:
        message = f"only spot nodes are interrupted, and these are {spec.contract}"
        yield source.fault(("spec", "interruptionsPerHour"), message, got=True)


def _workload(
    catalogue: Catalogue, entry: Entry[InferenceServiceSpec] | Entry[TrainingJobSpec]
) -> Iterator[Fault]:
    spec, source = entry.spec, entry.source
    for key, kind, names in (
        ("datasets", "Dataset", spec.datasets),
        ("clusters", "Cluster", spec.clusters),
        ("pools", "NodePool", spec.pools),
    ):
        for index, name in enumerate(names):
            path = ("spec", key, index)
            yield from _known(catalogue, kind, source, name, path, what=key.removesuffix("s"))


def _service(catalogue: Catalogue, entry: Entry[InferenceServiceSpec]) -> Iterator[Fault]:
    spec, source = entry.spec, entry.source
    if spec.replicas.min > spec.replicas.max:
        message = f"must not be above max ({spec.replicas.max})"
        yield source.fault(("spec", "replicas", "min"), message, got=True)
    if spec.users is None or not catalogue.places_valid or not catalogue.whole:
        return
    ends = [end for link in catalogue.links for end in (link.spec.source, link.spec.target)]
    known = {*_regions(catalogue), *ends}
    if spec.users not in known:
        message = "no cluster is in this region and no Link touches it: its way is unknown"
        meant = closest(spec.users, known)
        yield source.fault(("spec", "users"), message, got=True, meant=meant)


def _job(entry: Entry[TrainingJobSpec]) -> Iterator[Fault]:
    start, end = entry.spec.not_before, entry.spec.deadline
    if start is not None and end is not None and end <= start:
        path = ("spec", "deadline")
        yield entry.source.fault(path, "must be after notBefore", got=True)


def _datasets(catalogue: Catalogue) -> Iterator[Fault]:
    holds = {item.name: _held(item.spec) for item in catalogue.clusters}
    for entry in catalogue.datasets:
        for index, home in enumerate(entry.spec.homes):
            path = ("spec", "homes", index)
            yield from _known(catalogue, "Cluster", entry.source, home, path, what="cluster")
            held = holds.get(home)
            if held is not None and entry.spec.data_class not in held:
                message = f"this cluster holds {_listed(held)} data only, and the dataset is "
                yield entry.source.fault(path, message + entry.spec.data_class, got=True)


def _links(catalogue: Catalogue) -> Iterator[Fault]:
    users = {item.spec.users for item in catalogue.services if item.spec.users}
    places = {*catalogue.named("Cluster"), *_regions(catalogue), *users}
    ways: dict[tuple[str, str], Entry[LinkSpec]] = {}
    sure = catalogue.whole and catalogue.places_valid
    for entry in sorted(catalogue.links, key=_position):
        spec = entry.spec
        for key, name in (("from", spec.source), ("to", spec.target)):
            if sure and name not in places:
                message = "neither a cluster nor a region"
                meant = closest(name, places)
                yield entry.source.fault(("spec", key), message, got=True, meant=meant)
        if spec.source == spec.target:
            yield entry.source.fault(("spec", "to"), "a link leads somewhere else", got=True)
        yield from _twice(ways, entry)
        yield from _tiers(entry)


def _position(entry: Entry[LinkSpec]) -> tuple[str, int]:
    return entry.source.file, entry.source.node.line


def _twice(ways: dict[tuple[str, str], Entry[LinkSpec]], entry: Entry[LinkSpec]) -> Iterator[Fault]:
    spec = entry.spec
    ends = [(spec.source, spec.target)]
    if spec.both_ways:
        ends.append((spec.target, spec.source))
    for way in dict.fromkeys(ends):
        first = ways.setdefault(way, entry)
        if first is not entry:
            where = first.source.place(("spec",))
            message = f"the way from {way[0]} to {way[1]} is already in {first.name} ({where})"
            yield entry.source.fault(("spec",), message)


def _tiers(entry: Entry[LinkSpec]) -> Iterator[Fault]:
    before = 0.0
    last = len(entry.spec.price) - 1
    for index, tier in enumerate(entry.spec.price):
        path = ("spec", "price", index, "upTo")
        if tier.up_to is None and index < last:
            yield entry.source.fault(path, "is missing: only the last tier has no end")
        elif tier.up_to is not None and index == last:
            message = "the last tier has no end: it is for all that is more"
            yield entry.source.fault(path, message, got=True)
        elif tier.up_to is not None:
            if tier.up_to <= before:
                message = "must be above the tier before it"
                yield entry.source.fault(path, message, got=True)
            before = tier.up_to


def _known(
    catalogue: Catalogue, kind: str, source: Source, name: str, path: Path, *, what: str
) -> Iterator[Fault]:
    """Nothing, or a fault; nothing too while a file that may declare it cannot be read."""
    names = catalogue.named(kind)
    if name not in names and catalogue.whole:
        yield source.fault(path, f"unknown {what}", got=True, meant=closest(name, names))


def _regions(catalogue: Catalogue) -> set[str]:
    return {entry.spec.region for entry in catalogue.clusters}


def _held(spec: ClusterSpec) -> Iterable[str]:
    return spec.holds or default_classes(spec.exposure)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
