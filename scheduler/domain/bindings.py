"""Bindings: how clusters, pools and workloads of the fleet are known to Kubernetes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.domain.names import ClusterName, PoolName, WorkloadName


class Supply(StrEnum):
    """Who adds and takes the nodes of a cluster."""

    STATIC = "static"
    """Nobody: the nodes are there. Growth is no capacity, a release is refused."""
    AUTOSCALER = "autoscaler"
    """Another autoscaler, told by pods that wait and by nodes that are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesAccess:
    """The way into one Kubernetes cluster."""

    cluster: ClusterName
    context: str | None = None
    """Of the kubeconfig; None: the service account of the pod that Tidegate runs in."""
    kubeconfig: str | None = None
    """File; None: what KUBECONFIG names, or ~/.kube/config."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that may be written to. Objects elsewhere are counted and never touched."""
    home: str = "tidegate"
    """Namespace of our own objects in that cluster (traffic table)."""
    supply: Supply = Supply.STATIC
    drain_deadline_s: float = 900.0
    """A drain that has not ended by then is reported, and goes on."""
    gang_deadline_s: float = 300.0
    """A gang of which only a part runs for so long gives its seats back and waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A taint that pods on a pool bear. An empty effect bears all effects of the key."""

    key: str
    value: str | None = None
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBinding:
    """How the nodes of a pool are told from others."""

    pool: PoolName
    group: str
    """Name of the node group at the provider; see `adapters.kubernetes.pools`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """All of these labels, if given: takes the place of the group's name."""
    tolerations: tuple[Toleration, ...] = ()
    resource: str = "nvidia.com/gpu"
    """The extended resource that counts its GPUs."""
    shared: bool = False
    """Another autoscaler runs this pool too, and the user wants that."""
    queue: str | None = None
    """Kueue's LocalQueue that stands for this pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A service that runs in Deployments of somebody else: only their scale is ours."""

    namespace: str
    deployments: Mapping[PoolName, str]
    """The Deployment on each pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A service that we run: one Deployment, and one Service, for each pool it is on."""

    namespace: str
    template: Mapping[str, object]
    """A PodTemplateSpec. Selector, tolerations and GPU requests are added to it."""
    port: int | None = None
    """Where the replicas answer; None: no Service is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedJob:
    """A gang that we run: one Indexed batch/v1 Job for each pool it is on."""

    namespace: str
    template: Mapping[str, object]
    """A PodTemplateSpec."""
    kueue: bool = False
    """Kueue starts and stops it; we nominate the queue of the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspendable:
    """A gang in a custom resource of somebody else, stopped and started by one field."""

    namespace: str
    api_version: str
    """As kubeflow.org/v1."""
    resource: str
    """The plural in the path, as pytorchjobs."""
    name: str
    suspend: tuple[str, ...]
    """Path of the field that is true while it stands still, as (spec, runPolicy, suspend)."""
    node_selectors: tuple[tuple[str, ...], ...]
    """Paths of the node selectors that are set before it starts."""
    pods: Mapping[str, str]
    """Labels that its pods carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The HTTPRoute whose weights follow the shares of a service inside one cluster."""

    namespace: str
    name: str
    rule: int = 0
    backends: Mapping[PoolName, str] = field(default_factory=dict)
    """Service by pool; empty: those that we make for an owned service."""


Runs = Adopted | Owned | OwnedJob | Suspendable


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadBinding:
    """How one workload runs on Kubernetes."""

    workload: WorkloadName
    runs: Runs
    route: Route | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """All of them."""

    pools: Mapping[PoolName, PoolBinding] = field(default_factory=dict)
    workloads: Mapping[WorkloadName, WorkloadBinding] = field(default_factory=dict)
