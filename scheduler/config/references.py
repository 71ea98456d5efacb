"""What one document says of another: names that exist, and values that agree."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path as FilePath

from scheduler.config.declared import csv_path
from scheduler.config.documents import Catalogue, Entry, Source
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.mapping import default_classes
from scheduler.config.place_documents import ClusterSpec, LinkSpec

IsFile = Callable[[FilePath], bool]
Solvers = Callable[[], Collection[str]]
"""The solvers of PuLP that work on this machine."""

OWN_SOLVERS = ("highs", "cbc")
"""Solvers that are always there."""
WORDS = {"Cluster": "cluster", "NodePool": "pool", "Dataset": "dataset"}
WORKLOAD_NAMES = (
    (("spec", "datasets"), "Dataset"),
    (("spec", "clusters"), "Cluster"),
    (("spec", "pools"), "NodePool"),
)
NAMES: Mapping[str, tuple[tuple[Path, str], ...]] = {
    "NodePool": ((("spec", "cluster"), "Cluster"),),
    "InferenceService": WORKLOAD_NAMES,
    "TrainingJob": WORKLOAD_NAMES,
    "Dataset": ((("spec", "homes"), "Cluster"),),
}
"""By kind: where it names documents, and of which kind."""
STOCK_OUTS = ("spec", "access", "simulated", "stockOuts")
STATIC_NODES = ("spec", "access", "static", "nodes")


def reference_faults(catalogue: Catalogue, is_file: IsFile) -> Iterator[Fault]:
    """Every name that does not exist, in documents with other faults too, and what disagrees."""
    if catalogue.whole:
        yield from _unknown_names(catalogue)
    for cluster in catalogue.of("Cluster"):
        yield from _own_pools(catalogue, cluster)
    if catalogue.regions_known:
        yield from _unknown_places(catalogue)
    for source in catalogue.of("SignalSource"):
        path = ("spec", "csv", "path")
        if source.text(*path) and not is_file(csv_path(source)):
            yield source.fault(path, f"no such file: {csv_path(source)}", got=True)
    yield from _too_many_nodes(catalogue)
    yield from _not_held(catalogue)
    yield from _same_ways(catalogue.links)


def solver_faults(documents: Iterable[Source], solvers: Solvers) -> Iterator[Fault]:
    """A solver that is not here. The others are looked for only if another one is asked for."""
    path = ("spec", "solver", "use")
    for source in documents:
        use = source.text(*path)
        if use and use not in OWN_SOLVERS:
            there = tuple(dict.fromkeys((*OWN_SOLVERS, *sorted(solvers()))))
            if use not in there:
                message = f"no such solver here: there are {', '.join(there)}"
                yield source.fault(path, message, got=True, meant=closest(use, there))


def _unknown_names(catalogue: Catalogue) -> Iterator[Fault]:
    for kind, references in NAMES.items():
        for source in catalogue.of(kind):
            for path, target in references:
                for place in source.each(*path):
                    yield from _known(catalogue.named(target), source, place, WORDS[target])


def _known(names: Collection[str], source: Source, path: Path, what: str) -> Iterator[Fault]:
    name = source.text(*path)
    if name and name not in names:
        yield source.fault(path, f"unknown {what}", got=True, meant=closest(name, names))


def _own_pools(catalogue: Catalogue, cluster: Source) -> Iterator[Fault]:
    """Pools named by a cluster, as values or as keys, must be pools of this cluster."""
    named = [
        (cluster.text(*place, "pool"), (*place, "pool")) for place in cluster.each(*STOCK_OUTS)
    ]
    named += [(key, (*STATIC_NODES, key)) for key in cluster.keys(*STATIC_NODES)]
    own_name = cluster.text("metadata", "name")
    pools = list(catalogue.of("NodePool"))
    owners = {pool.text("metadata", "name"): pool.text("spec", "cluster") for pool in pools}
    for name, path in named:
        owner = owners.get(name, "")
        if name and name not in catalogue.named("NodePool"):
            if catalogue.whole:
                meant = closest(name, catalogue.named("NodePool"))
                yield cluster.key_fault(path, f"unknown pool {name}", meant=meant)
        elif own_name and owner != own_name and owner in catalogue.named("Cluster"):
            own = [pool for pool, place in owners.items() if place == own_name]
            message = f"the pool {name} belongs to the cluster {owner}"
            yield cluster.key_fault(path, message, meant=closest(name, own))


def _unknown_places(catalogue: Catalogue) -> Iterator[Fault]:
    """Where links lead and where users are: a cluster's name or region, or each other's."""
    regions = {cluster.text("spec", "region") for cluster in catalogue.of("Cluster")}
    services, links = list(catalogue.of("InferenceService")), list(catalogue.of("Link"))
    ends = {link.text("spec", end) for link in links for end in ("from", "to")}
    users = {service.text("spec", "users") for service in services}
    places = {*catalogue.named("Cluster"), *regions, *users} - {""}
    for link in links:
        for end in ("from", "to"):
            name, path = link.text("spec", end), ("spec", end)
            if name not in places:
                message, meant = "neither a cluster nor a region", closest(name, places)
                yield link.fault(path, message, got=True, meant=meant)
    for service in services:
        name = service.text("spec", "users")
        if name and name not in regions | ends:
            message = "no cluster is in this region and no Link touches it: its way is unknown"
            meant = closest(name, regions | ends)
            yield service.fault(("spec", "users"), message, got=True, meant=meant)


def _too_many_nodes(catalogue: Catalogue) -> Iterator[Fault]:
    pools = {pool.name: pool for pool in catalogue.pools}
    for cluster in catalogue.clusters:
        static = cluster.spec.access.static
        for name, count in (static.nodes if static else {}).items():
            pool = pools.get(name)
            own = pool is not None and pool.spec.cluster == cluster.name
            if pool is not None and own and count > pool.spec.nodes.max:
                message = f"more nodes than the pool may have ({pool.spec.nodes.max})"
                yield cluster.source.fault((*STATIC_NODES, name), message, got=True)


def _not_held(catalogue: Catalogue) -> Iterator[Fault]:
    """Datasets in clusters that may not hold their class of data."""
    holds = {item.name: _held(item.spec) for item in catalogue.clusters}
    for entry in catalogue.datasets:
        for index, home in enumerate(entry.spec.homes):
            held = holds.get(home)
            if held is not None and entry.spec.data_class not in held:
                message = f"this cluster holds {_listed(held)} data only, and the dataset is "
                path = ("spec", "homes", index)
                yield entry.source.fault(path, message + entry.spec.data_class, got=True)


def _same_ways(links: Iterable[Entry[LinkSpec]]) -> Iterator[Fault]:
    ways: dict[tuple[str, str], Entry[LinkSpec]] = {}
    for entry in sorted(links, key=_position):
        yield from _twice(ways, entry)


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


def _held(spec: ClusterSpec) -> Iterable[str]:
    return spec.holds or default_classes(spec.exposure)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
