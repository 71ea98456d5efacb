"""Shapes: what is read of the API's objects, and nothing else, decoded from raw bytes.

Every field has a default: an odd object never fails a whole list. `gc=False` keeps the cyclic
garbage collector off tens of thousands of them.
"""

from typing import Generic, TypeVar

import msgspec

Labels = dict[str, str]
T = TypeVar("T")


class Shape(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """Names in camel case; unknown fields are skipped."""


class Owner(Shape, frozen=True):
    """An owner reference."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class ManagedFields(Shape, frozen=True):
    """Who wrote which fields last."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: str = ""
    fields_v1: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"{}"), name="fieldsV1")


class Meta(Shape, frozen=True):
    """Metadata of an object."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: Labels = {}
    annotations: Labels = {}
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    owner_references: tuple[Owner, ...] = ()
    finalizers: tuple[str, ...] = ()


class WriterMeta(Meta, frozen=True):
    """Metadata with its writers, where we need to know who set a field."""

    managed_fields: tuple[ManagedFields, ...] = ()


class Marked(Shape, frozen=True):
    """Any object, where its labels are all that matters."""

    metadata: Meta = Meta()


class Condition(Shape, frozen=True):
    """A condition of any object."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class Taint(Shape, omit_defaults=True, frozen=True):
    """A taint of a node."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class NodeSpec(Shape, frozen=True):
    """Spec of a node."""

    provider_id: str = msgspec.field(default="", name="providerID")
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(Shape, frozen=True):
    """Status of a node; amounts are Kubernetes quantities as text."""

    capacity: Labels = {}
    allocatable: Labels = {}
    conditions: tuple[Condition, ...] = ()


class Node(Shape, frozen=True):
    """v1 Node."""

    metadata: Meta = Meta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Requests(Shape, frozen=True):
    """Requests and limits of a container."""

    requests: Labels = {}
    limits: Labels = {}


class Container(Shape, frozen=True):
    """A container, as far as it takes room."""

    name: str = ""
    resources: Requests = Requests()
    restart_policy: str | None = None
    """Always on an init container: a sidecar, which adds to the others."""


class PodTolerates(Shape, frozen=True):
    """A toleration of a pod."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class Gate(Shape, frozen=True):
    """A scheduling gate."""

    name: str = ""


class ClaimRef(Shape, frozen=True):
    """A ResourceClaim that a pod uses."""

    name: str = ""
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class PodSpec(Shape, frozen=True):
    """Spec of a pod."""

    node_name: str = ""
    resources: Requests = Requests()
    """Of the pod as a whole; what it names takes the place of the containers' sum."""
    node_selector: Labels = {}
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    overhead: Labels = {}
    tolerations: tuple[PodTolerates, ...] = ()
    scheduling_gates: tuple[Gate, ...] = ()
    resource_claims: tuple[ClaimRef, ...] = ()
    priority: int = 0


class PodStatus(Shape, frozen=True):
    """Status of a pod."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    start_time: str | None = None


class Pod(Shape, frozen=True):
    """v1 Pod."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Expression(Shape, frozen=True):
    """One line of a label selector: In, NotIn, Exists or DoesNotExist."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class Selector(Shape, frozen=True):
    """A label selector."""

    match_labels: Labels = {}
    match_expressions: tuple[Expression, ...] = ()


class DeploymentSpec(Shape, frozen=True):
    """Spec of a Deployment."""

    replicas: int = 1
    paused: bool = False
    selector: Selector = Selector()


class DeploymentStatus(Shape, frozen=True):
    """Status of a Deployment."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class Deployment(Shape, frozen=True):
    """apps/v1 Deployment."""

    metadata: WriterMeta = WriterMeta()
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class JobSpec(Shape, frozen=True):
    """Spec of a Job."""

    suspend: bool = False
    parallelism: int = 1
    completions: int | None = None


class JobStatus(Shape, frozen=True):
    """Status of a Job."""

    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    conditions: tuple[Condition, ...] = ()


class Job(Shape, frozen=True):
    """batch/v1 Job."""

    metadata: Meta = Meta()
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class BudgetStatus(Shape, frozen=True):
    """Status of a disruption budget."""

    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0


class BudgetSpec(Shape, frozen=True):
    """Spec of a disruption budget."""

    selector: Selector | None = None


class Budget(Shape, frozen=True):
    """policy/v1 PodDisruptionBudget."""

    metadata: Meta = Meta()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class TargetRef(Shape, frozen=True):
    """What an autoscaler scales."""

    kind: str = ""
    name: str = ""


class ScalerSpec(Shape, frozen=True):
    """Spec of a HorizontalPodAutoscaler."""

    scale_target_ref: TargetRef = TargetRef()


class Scaler(Shape, frozen=True):
    """autoscaling/v2 HorizontalPodAutoscaler."""

    metadata: Meta = Meta()
    spec: ScalerSpec = ScalerSpec()


class ConfigMap(Shape, frozen=True):
    """v1 ConfigMap."""

    metadata: Meta = Meta()
    data: Labels = {}


class Device(Shape, frozen=True):
    """A device of a ResourceSlice."""

    name: str = ""


class SlicePool(Shape, frozen=True):
    """The pool of devices that a slice is a part of."""

    name: str = ""
    generation: int = 0


class SliceSpec(Shape, frozen=True):
    """Spec of a ResourceSlice."""

    driver: str = ""
    node_name: str = ""
    pool: SlicePool = SlicePool()
    devices: tuple[Device, ...] = ()


class Slice(Shape, frozen=True):
    """resource.k8s.io/v1 ResourceSlice."""

    metadata: Meta = Meta()
    spec: SliceSpec = SliceSpec()


class DeviceResult(Shape, frozen=True):
    """A device that was allocated to a claim."""

    driver: str = ""
    pool: str = ""
    device: str = ""


class Devices(Shape, frozen=True):
    """The devices of an allocation."""

    results: tuple[DeviceResult, ...] = ()


class Allocation(Shape, frozen=True):
    """What a claim was given."""

    devices: Devices = Devices()


class Consumer(Shape, frozen=True):
    """A pod that a claim is reserved for."""

    name: str = ""
    uid: str = ""


class ClaimStatus(Shape, frozen=True):
    """Status of a claim."""

    allocation: Allocation | None = None
    reserved_for: tuple[Consumer, ...] = ()


class Claim(Shape, frozen=True):
    """resource.k8s.io/v1 ResourceClaim."""

    metadata: Meta = Meta()
    status: ClaimStatus = ClaimStatus()


class ListMeta(Shape, frozen=True):
    """Metadata of a list."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Listed(Shape, Generic[T], frozen=True):
    """A page of a list."""

    metadata: ListMeta = ListMeta()
    items: tuple[T, ...] = ()


class Told(Shape, Generic[T], frozen=True):
    """One event of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: T
