"""The `kubernetes` sections of clusters, pools, services and jobs."""

from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from scheduler.config.fields import Name, Shape, SomeTime, Text, Word, by_default, contradict
from scheduler.domain.bindings import Supply

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
QUALIFIED = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$"
LABEL_VALUE = r"^([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$"
FIELD_PATH = r"^[A-Za-z]\w*(\.[A-Za-z]\w*)+$"
GROUP_VERSION = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/v[0-9][a-z0-9]*$"

Namespace = Annotated[str, StringConstraints(max_length=63, pattern=DNS_LABEL)]
LabelKey = Annotated[str, StringConstraints(max_length=317, pattern=QUALIFIED)]
LabelValue = Annotated[str, StringConstraints(max_length=63, pattern=LABEL_VALUE)]
FieldPath = Annotated[str, StringConstraints(max_length=253, pattern=FIELD_PATH)]
Labels = dict[LabelKey, LabelValue]
Template = dict[str, Any]
T = TypeVar("T", "OwnShape", "JobShape")


class KubernetesShape(Shape):
    """A Kubernetes cluster: by a context of a kubeconfig, or the one that Tidegate runs in."""

    context: Word | None = Field(None, description="A context of the kubeconfig.")
    in_cluster: bool = Field(False, description="By the service account of Tidegate's own pod.")
    kubeconfig: Text | None = Field(
        None, min_length=1, description="Relative to the YAML file. Default: as kubectl finds it."
    )
    namespaces: list[Namespace] = Field(
        min_length=1, max_length=1_000, description="Only there anything is written or evicted."
    )
    namespace: Namespace = Field("tidegate", description="Of Tidegate's own objects there.")
    supply: Supply = by_default(
        "static", strict=False, description="Who adds and takes nodes: static or autoscaler."
    )
    drain_deadline: SomeTime = by_default("15m", description="A longer drain is reported.")
    gang_deadline: SomeTime = by_default(
        "5m", description="A gang that runs in part for so long gives its seats back."
    )

    @model_validator(mode="after")
    def _one_way_in(self, info: ValidationInfo) -> "KubernetesShape":
        if (self.context is None) == (not self.in_cluster):
            raise ValueError("needs exactly one of `context: NAME` and `inCluster: true`")
        if self.in_cluster and self.kubeconfig is not None:
            message = "goes with `context`: in the cluster the service account is the way in"
            contradict(info, [(("kubeconfig",), message)])
        return self


class TolerationShape(Shape):
    """A taint that pods on the pool bear."""

    key: LabelKey
    value: LabelValue | None = Field(None, description="Without it: any value.")
    effect: Annotated[str, Field(pattern="^(NoSchedule|PreferNoSchedule|NoExecute)$")] | None = (
        Field(None, description="Without it: all effects.")
    )


class KubernetesPoolShape(Shape):
    """How the nodes of the pool are told from others in Kubernetes."""

    group: Word | None = Field(
        None, description="The provider's name of the node group. Default: the pool's name."
    )
    labels: Labels = Field({}, max_length=50, description="Its nodes have all of these instead.")
    tolerations: list[TolerationShape] = Field([], max_length=50)
    resource: LabelKey = Field("nvidia.com/gpu", description="What counts its GPUs.")
    shared_with_autoscaler: bool = Field(
        False, description="Another autoscaler runs the pool too, and that is wanted."
    )
    queue: Namespace | None = Field(None, description="Kueue's LocalQueue that stands for it.")


class OwnShape(Shape):
    """A service that Tidegate runs: one Deployment for each pool."""

    template: Template | None = Field(None, description="A PodTemplateSpec.")
    template_file: Text | None = Field(
        None, min_length=1, description="The same in a file *.pod.yaml beside this one."
    )
    port: int | None = Field(
        None, ge=1, le=65_535, description="Where replicas answer: makes a Service for each pool."
    )

    @model_validator(mode="after")
    def _one_template(self) -> "OwnShape":
        return _with_template(self)


class JobShape(Shape):
    """A gang that Tidegate runs: an Indexed batch/v1 Job."""

    template: Template | None = Field(None, description="A PodTemplateSpec.")
    template_file: Text | None = Field(
        None, min_length=1, description="The same in a file *.pod.yaml beside this one."
    )
    kueue: bool = Field(False, description="Kueue admits it; the pool's queue is nominated.")

    @model_validator(mode="after")
    def _one_template(self) -> "JobShape":
        return _with_template(self)


class RouteShape(Shape):
    """An HTTPRoute whose weights follow the shares of traffic within a cluster."""

    name: Name
    namespace: Namespace | None = Field(None, description="Default: the service's.")
    rule: int = Field(0, ge=0, le=15, description="Position of the rule.")
    backends: dict[Name, Name] = Field(
        {}, max_length=1_000, description="Service by pool. Default: those that Tidegate makes."
    )


class KubernetesServiceShape(Shape):
    """How the service runs on Kubernetes: adopted or owned."""

    namespace: Namespace
    adopt: dict[Name, Name] | None = Field(
        None, min_length=1, max_length=1_000, description="Existing Deployment by pool."
    )
    own: OwnShape | None = None
    route: RouteShape | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "KubernetesServiceShape":
        if (self.adopt is None) == (self.own is None):
            raise ValueError("needs exactly one of `adopt: {POOL: DEPLOYMENT}` and `own: {...}`")
        return self


class SuspendShape(Shape):
    """A gang in a custom resource that one field stops and starts."""

    api_version: Annotated[str, StringConstraints(max_length=253, pattern=GROUP_VERSION)]
    resource: Namespace = Field(description="The plural, as pytorchjobs.")
    name: Name
    path: FieldPath = Field("spec.runPolicy.suspend", description="True there: it stands still.")
    node_selectors: list[FieldPath] = Field(
        min_length=1, max_length=50, description="Set to the pool's before it starts."
    )
    pods: Labels = Field(min_length=1, max_length=50, description="Labels that its pods carry.")


class KubernetesJobShape(Shape):
    """How the job runs on Kubernetes: as a Job of ours, or a custom resource of yours."""

    namespace: Namespace
    job: JobShape | None = None
    suspend: SuspendShape | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "KubernetesJobShape":
        if (self.job is None) == (self.suspend is None):
            raise ValueError("needs exactly one of `job: {...}` and `suspend: {...}`")
        return self


def _with_template(shape: T) -> T:
    if (shape.template is None) == (shape.template_file is None):
        raise ValueError("needs exactly one of `template: {...}` and `templateFile: X.pod.yaml`")
    return shape
