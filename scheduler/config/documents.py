"""The table of kinds, and a document at the place in a file where it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Generic, NamedTuple, TypeVar

from scheduler.config.faults import Fault, Path, dotted, sentence, shown
from scheduler.config.fields import Shape
from scheduler.config.place_documents import (
    ClusterDocument,
    ClusterSpec,
    DatasetDocument,
    DatasetSpec,
    Document,
    LinkDocument,
    LinkSpec,
    NodePoolDocument,
    NodePoolSpec,
    SignalSourceDocument,
    SignalSourceSpec,
)
from scheduler.config.policy_document import PolicyDocument
from scheduler.config.workload_documents import (
    InferenceServiceDocument,
    InferenceServiceSpec,
    TrainingJobDocument,
    TrainingJobSpec,
)
from scheduler.config.yaml_nodes import Node

S = TypeVar("S", bound=Shape)

KINDS: Mapping[str, type[Document]] = {
    "Cluster": ClusterDocument,
    "NodePool": NodePoolDocument,
    "InferenceService": InferenceServiceDocument,
    "TrainingJob": TrainingJobDocument,
    "Dataset": DatasetDocument,
    "Link": LinkDocument,
    "SignalSource": SignalSourceDocument,
    "Policy": PolicyDocument,
}
NAMESPACES = {"InferenceService": "workload", "TrainingJob": "workload"}
"""Kinds whose names must differ among one another too."""
KEY = "[key]"
"""What pydantic puts at the end of a path that means a key, not its value."""


class Spot(NamedTuple):
    """Where a path leads: the key's place, the value's place, the value, and how far it got."""

    key_line: int
    key_column: int
    node: Node
    depth: int


def find(root: Node, path: Path) -> Spot:
    """The node at the end of the path, or the deepest one on the way to it."""
    spot = Spot(root.line, root.column, root, 0)
    for part in path:
        value = spot.node.value
        if isinstance(value, dict) and str(part) in value:
            entry = value[str(part)]
            spot = Spot(entry.line, entry.column, entry.node, spot.depth + 1)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            item = value[part]
            spot = Spot(item.line, item.column, item, spot.depth + 1)
        else:
            break
    return spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document as it was read, valid or not."""

    file: str
    node: Node
    refused: frozenset[Path] = frozenset()
    """Paths of values, and with `KEY` at the end of keys, that are faults already."""

    @property
    def is_object(self) -> bool:
        """Read from an API server: no lines, and no files beside it."""
        return self.node.line == 0

    def text(self, *path: str | int) -> str:
        """The text at a path; empty if there is none or it is refused."""
        spot = find(self.node, path)
        value = spot.node.value if spot.depth == len(path) else None
        return value if isinstance(value, str) and path not in self.refused else ""

    def each(self, *path: str | int) -> tuple[Path, ...]:
        """The paths of the items of a list, or the path itself where no list is."""
        spot = find(self.node, path)
        if spot.depth < len(path) or path in self.refused:
            return ()
        value = spot.node.value
        return tuple((*path, i) for i in range(len(value))) if isinstance(value, list) else (path,)

    def keys(self, *path: str | int) -> tuple[str, ...]:
        """The keys of the mapping at a path that are not refused."""
        spot = find(self.node, path)
        value = spot.node.value if spot.depth == len(path) else None
        there = value if isinstance(value, dict) and path not in self.refused else {}
        return tuple(key for key in there if (*path, key, KEY) not in self.refused)

    def folder(self) -> PurePath:
        """The folder that relative paths in the document start from."""
        return PurePath(self.file).parent

    def place(self, path: Path) -> str:
        """`file:line:column` of the value at a path; an object of an API server has no lines."""
        node = find(self.node, path).node
        return self.file if self.is_object else f"{self.file}:{node.line}:{node.column}"

    def fault(self, path: Path, message: str, *, got: bool = False, meant: str = "") -> Fault:
        """A fault at the value of the path; at the key for what is missing there."""
        spot = find(self.node, path)
        whole = spot.depth == len(path)
        return self._fault(
            spot.node.line if whole else spot.key_line,
            spot.node.column if whole else spot.key_column,
            path,
            sentence(message, got=shown(spot.node.value) if got and whole else "", meant=meant),
        )

    def key_fault(self, path: Path, message: str, *, meant: str = "") -> Fault:
        """A fault at the key that the path ends with."""
        spot = find(self.node, path)
        return self._fault(spot.key_line, spot.key_column, path, sentence(message, meant=meant))

    def _fault(self, line: int, column: int, path: Path, message: str) -> Fault:
        return Fault(file=self.file, line=line, column=column, path=dotted(path), message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[S]):
    """A valid document: where it stands, its name and what it says."""

    source: Source
    name: str
    spec: S


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All valid documents by kind, in the order of their names, and the trees of all others."""

    clusters: tuple[Entry[ClusterSpec], ...] = ()
    pools: tuple[Entry[NodePoolSpec], ...] = ()
    services: tuple[Entry[InferenceServiceSpec], ...] = ()
    jobs: tuple[Entry[TrainingJobSpec], ...] = ()
    datasets: tuple[Entry[DatasetSpec], ...] = ()
    links: tuple[Entry[LinkSpec], ...] = ()
    sources: tuple[Entry[SignalSourceSpec], ...] = ()
    documents: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    """By kind, as they were read, with faults or without."""
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names by kind, of documents with faults too: they are not unknown."""
    whole: bool = True
    """Every file could be read to its end: a name that is not here does not exist."""
    regions_known: bool = True
    """Every place could be read: a region that is not here does not exist."""
    places_valid: bool = True
    """Every cluster, pool, dataset and link can be used: what does not fit fits nowhere."""

    def workloads(self) -> Iterator[Entry[InferenceServiceSpec] | Entry[TrainingJobSpec]]:
        """Services first, then jobs."""
        yield from self.services
        yield from self.jobs

    def of(self, *kinds: str) -> Iterator[Source]:
        """All documents of these kinds."""
        for kind in kinds:
            yield from self.documents.get(kind, ())

    def named(self, kind: str) -> frozenset[str]:
        """All names of a kind."""
        return self.names.get(kind, frozenset())
