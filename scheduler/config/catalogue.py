"""All documents of all files, validated and sorted by kind and name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from scheduler.config.documents import KINDS, NAMESPACES, Catalogue, Entry, Source, find
from scheduler.config.faults import Fault, closest
from scheduler.config.fields import RATES, Shape
from scheduler.config.pod_templates import SUFFIXES as TEMPLATES
from scheduler.config.policy_document import PolicySpec
from scheduler.config.validation import validate
from scheduler.config.yaml_nodes import node_of, parse

PLACE_KINDS = ("Cluster", "NodePool", "Dataset", "Link")
NAME_PATH = ("metadata", "name")

Objects = Mapping[str, Mapping[str, object]]
"""Documents that stand in no file, by their place: kind, namespace and name."""
NO_OBJECTS: Objects = MappingProxyType({})

S = TypeVar("S", bound=Shape)


@dataclass(slots=True)
class Gathered:
    """The documents so far, and what is wrong with them."""

    sources: list[Source] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = True
    """Every file could be read to its end."""
    flawless: bool = True
    """YAML itself had no fault."""
    strays: list[Source] = field(default_factory=list)
    """Documents of an unknown kind."""
    broken: set[str] = field(default_factory=set)
    """Kinds of which a document cannot be used."""
    documents: dict[str, list[Source]] = field(default_factory=dict)
    """By kind, with what is refused in them."""
    entries: dict[str, dict[str, Entry[Any]]] = field(default_factory=dict)
    """Valid documents by kind and name."""
    first: dict[tuple[str, str], Source] = field(default_factory=dict)
    """Where a name was declared first."""

    def policy_sources(self) -> list[Source]:
        """The Policy documents, valid or not."""
        return [source for source in self.sources if source.text("kind") == "Policy"]

    def policy(self) -> Entry[PolicySpec] | None:
        """The Policy document, if there is a valid one."""
        found: Iterable[Entry[PolicySpec]] = self.entries.get("Policy", {}).values()
        return next(iter(found), None)

    def policy_source(self) -> Source | None:
        """The first Policy document, with what is refused in it."""
        return next(iter(self.documents.get("Policy", ())), None)


def read(
    files: Mapping[str, str | bytes], *, whole: bool, objects: Objects = NO_OBJECTS
) -> Gathered:
    """Every document of every file and every object, not validated yet. Templates are none."""
    gathered = Gathered(whole=whole, flawless=whole)
    for file, content in sorted(files.items()):
        if file.endswith(TEMPLATES):
            continue
        parsed = parse(file, content)
        gathered.sources.extend(Source(file=file, node=node) for node in parsed.documents)
        gathered.faults.extend(parsed.faults)
        gathered.whole = gathered.whole and parsed.whole
        gathered.flawless = gathered.flawless and not parsed.faults
    for place, told in sorted(objects.items()):
        try:
            gathered.sources.append(Source(file=place, node=node_of(told)))
        except ValueError as error:
            gathered.faults.append(Fault(file=place, line=0, column=0, path="", message=str(error)))
            gathered.whole = gathered.flawless = False
    return gathered


def check(gathered: Gathered, rates: Mapping[str, float]) -> Catalogue:
    """Validates each document on its own. Faults go into `gathered`."""
    for source in gathered.sources:
        _check_one(gathered, source, rates)
    return Catalogue(
        clusters=_sorted(gathered, "Cluster"),
        pools=_sorted(gathered, "NodePool"),
        services=_sorted(gathered, "InferenceService"),
        jobs=_sorted(gathered, "TrainingJob"),
        datasets=_sorted(gathered, "Dataset"),
        links=_sorted(gathered, "Link"),
        sources=_sorted(gathered, "SignalSource"),
        documents={kind: tuple(found) for kind, found in gathered.documents.items()},
        names=_names(gathered),
        whole=gathered.whole,
        regions_known=_regions_known(gathered),
        places_valid=_places_valid(gathered),
    )


def rates_of(sources: Sequence[Source]) -> dict[str, float]:
    """USD for one unit of each currency, as far as the Policy documents say it validly."""
    rates = {"USD": 1.0}
    for source in sources:
        spot = find(source.node, ("spec", "currencies"))
        table = spot.node.value if spot.depth == 2 else None
        for currency, entry in table.items() if isinstance(table, dict) else ():
            rate = entry.node.value
            if isinstance(rate, int | float) and not isinstance(rate, bool) and rate > 0:
                rates.setdefault(currency, float(rate))
    return rates


def _check_one(gathered: Gathered, source: Source, rates: Mapping[str, float]) -> None:
    kind = source.text("kind")
    if kind not in KINDS:
        gathered.faults.append(_unknown_kind(source))
        gathered.strays.append(source)
        return
    twice = _twice(gathered, source, kind)
    model, faults, refused = validate(source, KINDS[kind], {RATES: rates})
    known = replace(source, refused=refused | {NAME_PATH} if twice else refused)
    gathered.documents.setdefault(kind, []).append(known)
    gathered.faults.extend((*faults, *twice))
    if model is None or twice:
        gathered.broken.add(kind)
        return
    spec: Any = getattr(model, "spec", None)
    entry = Entry(source=known, name=model.metadata.name, spec=cast("Shape", spec))
    gathered.entries.setdefault(kind, {})[entry.name] = entry


def _unknown_kind(source: Source) -> Fault:
    if not isinstance(source.node.value, dict):
        return source.fault((), "a document must be a mapping with apiVersion and kind", got=True)
    if "kind" not in source.node.value:
        return source.fault(("kind",), f"is missing: one of {', '.join(KINDS)}")
    meant = closest(source.text("kind"), KINDS)
    message = "unknown kind" if meant else f"unknown kind: there are {', '.join(KINDS)}"
    return source.fault(("kind",), message, got=True, meant=meant)


def _twice(gathered: Gathered, source: Source, kind: str) -> list[Fault]:
    """A name that another document of the kind has, or a second Policy."""
    name = source.text("metadata", "name")
    key = (kind, "") if kind == "Policy" else (NAMESPACES.get(kind, kind), name)
    first = gathered.first.setdefault(key, source)
    if first is source or (not name and kind != "Policy"):
        return []
    where = first.place(("metadata", "name"))
    if kind == "Policy":
        return [source.fault(("kind",), f"only one Policy may be given: the first is at {where}")]
    message = f"this name is taken by the {first.text('kind')} at {where}"
    return [source.fault(("metadata", "name"), message, got=True)]


def _sorted(gathered: Gathered, kind: str) -> tuple[Entry[Any], ...]:
    return tuple(entry for _, entry in sorted(gathered.entries.get(kind, {}).items()))


def _names(gathered: Gathered) -> dict[str, frozenset[str]]:
    """By kind. A document of an unknown kind may be of any: its name exists in all of them."""
    anywhere = {source.text(*NAME_PATH) for source in gathered.strays}
    names = {kind: set(anywhere) for kind in KINDS}
    for kind, sources in gathered.documents.items():
        names[kind].update(source.text(*NAME_PATH) for source in sources)
    return {kind: frozenset(found - {""}) for kind, found in names.items()}


def _regions_known(gathered: Gathered) -> bool:
    """Regions come from clusters, from the ends of links and from the users of services."""
    told = {"Cluster": ("region",), "Link": ("from", "to"), "InferenceService": ("users",)}
    paths = {kind: [("spec",), *(("spec", key) for key in keys)] for kind, keys in told.items()}
    readable = all(
        source.refused.isdisjoint(paths[kind])
        for kind in told
        for source in gathered.documents.get(kind, ())
    )
    return readable and gathered.whole and not gathered.strays


def _places_valid(gathered: Gathered) -> bool:
    usable = gathered.broken.isdisjoint(PLACE_KINDS)
    return usable and gathered.flawless and not gathered.strays
