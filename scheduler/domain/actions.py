"""Actions: one end state each, with a key and a why. May be sent twice."""

from dataclasses import dataclass

from scheduler.domain.names import ActionKey, ClusterName, NodeName, PoolName, WorkloadName


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every action carries."""

    key: ActionKey
    """Equal for equal intentions: an order sent again after a crash is recognised by it."""
    cluster: ClusterName
    pool: PoolName
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grow(Step):
    """The pool shall have `nodes` nodes that take work; `before` it had fewer."""

    before: int
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Step):
    """The workload shall have `pods` replicas on the pool, and `share` of its traffic."""

    workload: WorkloadName
    before: int
    pods: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Step):
    """The pool shall get `share` of the service's traffic; its `pods` stay."""

    workload: WorkloadName
    pods: int
    before: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Step):
    """The gang of `pods` workers shall run here, all or none."""

    workload: WorkloadName
    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Step):
    """The gang shall stop here at its last checkpoint."""

    workload: WorkloadName
    pods: int
    """The workers that stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain(Step):
    """These nodes shall take no new work and lose what they have."""

    nodes: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Step):
    """These drained nodes shall be given back."""

    nodes: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacate(Step):
    """These nodes shall be emptied and come back: a gang needs whole nodes and finds fragments.

    Their pods move into the free room of the pool's other nodes. The pool still wants the nodes,
    so a later growth takes them back, and the gang gets its seats.
    """

    nodes: tuple[NodeName, ...]
    workload: WorkloadName
    """The gang that room is made for."""


Action = Grow | Place | Shift | Resume | Suspend | Vacate | Drain | Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An action that was not allowed now, with the reason."""

    action: Action
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What may be done now and what is held back."""

    allowed: tuple[Action, ...]
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an action: accepted, or the word for what went wrong."""

    action: Action
    outcome: str
    """accepted | unreachable | refused | no-capacity | throttled | skipped."""
    detail: str = ""
