"""Kinds: which objects of a cluster are looked at, and where they are listed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from adapters.kubernetes.marks import MANAGED_BY, OURS
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import (
    Budget,
    Claim,
    ConfigMap,
    Deployment,
    Job,
    Node,
    Pod,
    Scaler,
    Slice,
)
from scheduler.domain.bindings import Suspendable

T = TypeVar("T")
RESOURCE_API = "/apis/resource.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """Objects that are listed and watched together."""

    part: str
    """The field of a View that they go into; of custom resources, their path."""
    path: str
    shape: type[T]
    params: Mapping[str, str] = field(default_factory=dict)
    served_by: str | None = None
    """The API group that is asked for first: where it is not served there are no such objects.

    A server denies before it looks for the path, so a list alone would not tell "not granted"
    from "not there".
    """

    @property
    def what(self) -> str:
        """As a person would say it."""
        parts = self.path.strip("/").split("/")
        if "namespaces" in parts[:-1]:
            return f"{parts[-1]} in namespace {parts[parts.index('namespaces') + 1]}"
        return parts[-1]


def kinds_of(setting: Setting) -> tuple[Kind[Any], ...]:
    """All kinds that a view of this cluster is made of."""
    everywhere: tuple[Kind[Any], ...] = (
        Kind(part="nodes", path="/api/v1/nodes", shape=Node),
        Kind(part="pods", path="/api/v1/pods", shape=Pod),
        Kind(part="budgets", path="/apis/policy/v1/poddisruptionbudgets", shape=Budget),
        Kind(
            part="slices",
            path=f"{RESOURCE_API}/resourceslices",
            shape=Slice,
            served_by=RESOURCE_API,
        ),
        Kind(
            part="claims",
            path=f"{RESOURCE_API}/resourceclaims",
            shape=Claim,
            served_by=RESOURCE_API,
        ),
        Kind(
            part="tables",
            path=f"/api/v1/namespaces/{setting.access.home}/configmaps",
            shape=ConfigMap,
            params={"labelSelector": f"{MANAGED_BY}={OURS}"},
        ),
    )
    ours = (kind for name in setting.access.namespaces for kind in _of_namespace(name))
    return (*everywhere, *ours, *_custom(setting))


def custom_path(runs: Suspendable) -> str:
    """Where the custom resources of its kind are listed."""
    return f"/apis/{runs.api_version}/namespaces/{runs.namespace}/{runs.resource}"


def _of_namespace(name: str) -> Iterator[Kind[Any]]:
    yield Kind(
        part="deployments", path=f"/apis/apps/v1/namespaces/{name}/deployments", shape=Deployment
    )
    yield Kind(part="jobs", path=f"/apis/batch/v1/namespaces/{name}/jobs", shape=Job)
    yield Kind(
        part="scalers",
        path=f"/apis/autoscaling/v2/namespaces/{name}/horizontalpodautoscalers",
        shape=Scaler,
    )


def _custom(setting: Setting) -> Iterator[Kind[Any]]:
    runs = [binding.runs for binding in setting.bindings.workloads.values()]
    suspendables = [each for each in runs if isinstance(each, Suspendable)]
    groups = {custom_path(each): f"/apis/{each.api_version}" for each in suspendables}
    for path, group in groups.items():
        yield Kind(part=path, path=path, shape=dict[str, object], served_by=group)
