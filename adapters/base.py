"""The adapter protocol: what Tidegate asks of a site, and the few ways in which that can fail."""

from dataclasses import dataclass
from typing import Protocol

from scheduler.domain.names import ActionKey, ClusterName, NodeName, PoolName, WorkloadName
from scheduler.domain.snapshot import SiteReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The pool shall have at least `nodes` nodes that take work, booting ones included.

    Draining nodes are taken back before new ones are bought. Never takes a node away.
    """

    key: ActionKey
    pool: PoolName
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """The workload shall have `pods` pods on the pool and `share` of its traffic.

    A gang (`gang=True`) runs with all of its pods or with none.
    """

    key: ActionKey
    workload: WorkloadName
    pool: PoolName
    pods: int
    share: float = 0.0
    gang: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainOrder:
    """These nodes shall take no new pods and lose those they have, within disruption budgets."""

    key: ActionKey
    pool: PoolName
    nodes: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrder:
    """These nodes shall be given back. One that is not drained and empty is left alone."""

    key: ActionKey
    pool: PoolName
    nodes: tuple[NodeName, ...]


Order = Scale | PlaceOrder | DrainOrder | ReleaseOrder


class AdapterError(Exception):
    """What went wrong at a site, sorted by what the caller does about it."""

    outcome = "failed"


class Unreachable(AdapterError):
    """No answer in time: the site is frozen as last seen, and asked again at the next tick."""

    outcome = "unreachable"


class Refused(AdapterError):
    """The site understood and said no: a person has to look (permission, wrong name)."""

    outcome = "refused"


class NoCapacity(AdapterError):
    """Sold out, or the pool's own limit: planned without for a while."""

    outcome = "no-capacity"


class Throttled(AdapterError):
    """Asked too often: the same order goes out at the next tick."""

    outcome = "throttled"


class Adapter(Protocol):
    """A site: a place that has nodes and runs workloads.

    `observe` is the only source of truth; an adapter remembers nothing between calls that the
    site does not. An order says the end state, carries a key, and may be sent again after a
    crash. It returns when it is accepted, not when it is true: the next observation tells. What
    fails, fails as Unreachable, Refused, NoCapacity or Throttled, and as nothing else.
    """

    @property
    def cluster(self) -> ClusterName:
        """The cluster that this adapter speaks for."""
        ...

    async def observe(self) -> SiteReport:
        """Nodes, placements and progress as they are now."""
        ...

    async def scale(self, order: Scale) -> None:
        """Grow a pool. Raises NoCapacity when sold out or beyond the pool's limit."""
        ...

    async def place(self, order: PlaceOrder) -> None:
        """Set the pods and the traffic share of one workload on one pool."""
        ...

    async def drain(self, order: DrainOrder) -> None:
        """Empty nodes."""
        ...

    async def release(self, order: ReleaseOrder) -> None:
        """Give empty nodes back."""
        ...

    async def tend(self) -> None:
        """Carry on with what was ordered and could not be done at once. Once a tick, after orders.

        Evictions that a disruption budget put off, gangs that wait for their seats. Decides
        nothing new. What fails here is tried again at the next tick.
        """
        ...
