"""The values of packing: node types, pod classes, effort, and the packing itself.

T node types, K pod classes, R resources, F different fillings. A filling is a node type with whole
numbers of pods of each class. Resources are in any unit, the same for rooms and takes; whole units
(millicores, MiB, GPUs) are counted exactly.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from scheduler.model.affine import Bools, Floats, Ints

HAIR = 1e-9
"""A filling may exceed its room by this share of it: what sums of decimal fractions lose."""
DEAR = 10.0
"""Unless said otherwise, a pod left out costs this many times the dearest node."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeTypes:
    """What can be bought: T types of nodes."""

    names: tuple[str, ...]
    room: Floats
    """(T, R) what pods may use of one node."""
    usd_per_hour: Floats
    """(T,) of one node."""
    most: Floats
    """(T,) nodes there are; infinite where there is no limit."""

    def __post_init__(self) -> None:
        shape = (len(self.names),)
        _same("usd_per_hour", self.usd_per_hour.shape, shape)
        _same("most", self.most.shape, shape)
        _same("room", self.room.shape[:1], shape)
        if not (np.isfinite(self.room).all() and np.isfinite(self.usd_per_hour).all()):
            raise ValueError("rooms and prices must be finite")
        if (self.usd_per_hour < 0).any() or not (self.most >= 0).all():
            raise ValueError("prices and limits must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PodClasses:
    """What must be placed: K classes of equal pods."""

    take: Floats
    """(K, R) what one pod takes of a node."""
    count: Ints
    """(K,) pods of the class."""
    allowed: Bools
    """(K, T) the node types that may host it."""
    usd_missing: Floats | None = None
    """(K,) USD an hour that one pod left out costs; ten times the dearest node where not said."""

    def __post_init__(self) -> None:
        shape = (len(self.count),)
        _same("take", self.take.shape[:1], shape)
        _same("allowed", self.allowed.shape[:1], shape)
        if not (np.isfinite(self.take).all() and (self.take >= 0).all()):
            raise ValueError("takes must be finite and not negative")
        if (self.count < 0).any():
            raise ValueError("counts must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try, in counts: the same question gets the same answer on any machine."""

    rounds: int = 300
    """Of column generation."""
    states: int = 80_000
    """Partial fillings at a time while the best filling of each type is looked for."""
    beam: int = 1_000
    """The same, while good fillings are easily found."""
    looks: int = 4_000_000
    """Partial fillings looked at, at which column generation ends."""
    columns: int = 1_000
    """Fillings among which whole numbers are chosen."""
    entries: int = 6_000
    """Class entries of all these fillings together, which the solver's time grows with."""
    mip_nodes: int = 200
    """Branches of each choice of whole numbers."""
    mip_checks: int = 100
    """Times that the solver may look up from its work, which it does at fixed points of it."""
    gap: float = 1e-3
    """Share of the cost that is not worth looking for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fillings:
    """F fillings: of which type, with which pods."""

    kind: Ints
    """(F,) the node type."""
    pods: Ints
    """(F, K) pods of each class."""

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def none(cls, classes: int) -> Self:
        """No fillings, of so many classes."""
        pods: Ints = np.zeros((0, classes), dtype=np.int64)
        return cls(kind=np.zeros(0, dtype=np.int64), pods=pods)


def joined(one: Fillings, other: Fillings) -> Fillings:
    """All of both, in this order."""
    kind = np.concatenate([one.kind, other.kind])
    return Fillings(kind=kind, pods=np.concatenate([one.pods, other.pods]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packing:
    """Whole nodes, the pods on them, what it costs, and what it costs at least."""

    fillings: Fillings
    nodes: Ints
    """(F,) nodes filled this way."""
    missing: Ints
    """(K,) pods left out: no type may host them, or too few nodes are there."""
    usd_per_hour: float
    """Of the nodes."""
    usd_missing: float
    """Of the pods left out."""
    bound: float
    """No packing costs less than this, pods left out included."""
    relaxed_bound: float
    """What fractions of nodes would cost, at least: never above `bound`."""
    steps: tuple[str, ...] = field(default=())
    """How it was found."""

    @property
    def cost(self) -> float:
        """What the bound is a bound of."""
        return self.usd_per_hour + self.usd_missing

    @property
    def gap(self) -> float:
        """Share of the cost that a better packing might save, at most."""
        return max(0.0, self.cost - self.bound) / self.cost if self.cost > 0 else 0.0


def a_missing_price(types: NodeTypes, classes: PodClasses) -> Floats:
    """(K,) USD an hour that a pod left out costs."""
    if classes.usd_missing is not None:
        return np.asarray(classes.usd_missing, dtype=np.float64)
    dearest = float(np.max(types.usd_per_hour, initial=0.0))
    return np.full(len(classes.count), DEAR * dearest if dearest > 0 else 1.0)


def _same(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise ValueError(f"{name} is shaped {shape} instead of {wanted}")
