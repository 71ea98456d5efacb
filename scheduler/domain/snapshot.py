"""The snapshot: everything known at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.readings import Readings


class NodePhase(StrEnum):
    """The life of a node, as observed. A node whose GPUs do not show yet is still booting."""

    BOOTING = "booting"
    READY = "ready"
    DRAINING = "draining"
    UNREADY = "unready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a pool."""

    name: NodeName
    pool: PoolName
    phase: NodePhase
    since: Instant
    """When it was ordered: it is paid for from here on."""
    pods: int = 0
    """Replicas and workers of ours that sit on it."""
    gpus_used: float = 0.0
    """GPUs that they take."""
    gpus_others: float = 0.0
    """GPUs taken by pods that are not ours: room that no plan can use."""
    workers: int = 0
    """Those of them that belong to gangs: such a node is not emptied for another gang."""
    doomed: bool = False
    """A spot notice was given: it will be gone in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Replicas or workers of one workload on one pool, as the site has them."""

    workload: WorkloadName
    pool: PoolName
    wanted: int
    """The number last ordered."""
    ready: int
    """The number that serves or trains."""
    pending: int = 0
    """Pods ordered that found no room on any node.

    Neither those that have a node and are starting, nor those that the free room of booting nodes
    will hold. On Kubernetes: pods whose PodScheduled condition is False, reason Unschedulable,
    less what fits on nodes that boot.
    """
    share: float = 0.0
    """Share of the service's traffic that is sent here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job has come."""

    job: WorkloadName
    done_gpu_hours: float
    """Work done, in reference GPU-hours."""
    saved_gpu_hours: float
    """The part of it that a checkpoint holds."""
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNote:
    """Something at a site that a person should know: it keeps an order from coming true."""

    subject: str
    """Kind and name, as node/gpu-7 or deployment/ml/search."""
    reason: str
    """One word in camel case, as DrainBlocked; the reason of the Event that tells it."""
    message: str
    """What is wrong and what to do, without a time or count that changes from look to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What one site says of itself."""

    cluster: ClusterName
    at: Instant
    nodes: tuple[Node, ...] = ()
    placements: tuple[Placement, ...] = ()
    progress: tuple[JobProgress, ...] = ()
    notes: tuple[SiteNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldOut:
    """An offer that was refused for lack of capacity, and until when it is not asked again."""

    until: Instant
    strikes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one tick leaves for the next. Small, and safe to lose: everything else is observed."""

    tick: int = 0
    started_at: Instant | None = None
    """When this daemon first looked: nothing is scaled down on a history it has not seen."""
    sold_out: Mapping[PoolName, SoldOut] = field(default_factory=dict)
    grown_at: Mapping[WorkloadName, Instant] = field(default_factory=dict)
    """When a workload last got more pods."""
    moved_at: Mapping[WorkloadName, Instant] = field(default_factory=dict)
    """When the pods or the traffic of a service were last changed."""
    surplus_since: Mapping[PoolName, Instant] = field(default_factory=dict)
    """Since when a pool has had more nodes than the plans want."""
    vacated_at: Mapping[PoolName, Instant] = field(default_factory=dict)
    """When nodes of a pool were last emptied to make room for a gang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One instant: the documents, the sites seen, the sites unseen, the readings, the memory."""

    now: Instant
    fleet: Fleet
    sites: Mapping[ClusterName, SiteReport] = field(default_factory=dict)
    """The newest report of each site that has ever been seen."""
    unseen: Mapping[ClusterName, str] = field(default_factory=dict)
    """Sites not seen now, with the reason. Frozen: neither empty nor movable."""
    readings: Readings = field(default_factory=Readings)
    memory: Memory = field(default_factory=Memory)
