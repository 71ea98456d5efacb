"""Kinds: what the double serves, and what is special about each."""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource of the API."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    status: bool = False
    """It has a status subresource, and its main path leaves the status alone."""
    scale: tuple[str, str, str] | None = None
    """Paths of the replicas wanted, the replicas found and the selector."""
    generation: bool = False
    custom: bool = False
    conditional: bool = False
    """A PUT must say which version it replaces."""

    @property
    def group_version(self) -> str:
        """As apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As errors name it: deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """As errors of validation name it: Job.batch."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def singular(self) -> str:
        """As kubectl takes it."""
        return self.name.lower()

    def path(self, namespace: str = "") -> str:
        """Of its collection."""
        root = f"/apis/{self.group}" if self.group else "/api"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}/{self.version}{inside}/{self.plural}"


SCALE = (".spec.replicas", ".status.replicas", ".spec.selector")


def _core(plural: str, name: str, *short: str, **more: Any) -> Kind:
    return Kind(group="", version="v1", plural=plural, name=name, short=short, **more)


def _grouped(group_version: str, plural: str, name: str, *short: str, **more: Any) -> Kind:
    group, version = group_version.split("/")
    return Kind(group=group, version=version, plural=plural, name=name, short=short, **more)


NAMESPACES = _core("namespaces", "Namespace", "ns", namespaced=False, status=True)
NODES = _core("nodes", "Node", "no", namespaced=False, status=True)
PODS = _core("pods", "Pod", "po", status=True, generation=True)
JOBS = _grouped("batch/v1", "jobs", "Job", status=True, generation=True)
DEPLOYMENTS = _grouped(
    *("apps/v1", "deployments", "Deployment", "deploy"), status=True, generation=True, scale=SCALE
)
REPLICA_SETS = _grouped(
    *("apps/v1", "replicasets", "ReplicaSet", "rs"), status=True, generation=True, scale=SCALE
)
BUDGETS = _grouped(
    *("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb"),
    status=True,
    generation=True,
)
CRDS = _grouped(
    *("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", "crd"),
    namespaced=False,
    status=True,
    generation=True,
)
BUILT_IN = (
    NAMESPACES,
    NODES,
    PODS,
    _core("configmaps", "ConfigMap", "cm"),
    _core("secrets", "Secret"),
    _core("events", "Event", "ev"),
    _core("services", "Service", "svc", status=True),
    _core("serviceaccounts", "ServiceAccount", "sa"),
    DEPLOYMENTS,
    REPLICA_SETS,
    _grouped("apps/v1", "daemonsets", "DaemonSet", "ds", status=True, generation=True),
    _grouped(
        *("apps/v1", "statefulsets", "StatefulSet", "sts"),
        status=True,
        generation=True,
        scale=SCALE,
    ),
    JOBS,
    BUDGETS,
    _grouped(
        *("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa"),
        status=True,
    ),
    _grouped("coordination.k8s.io/v1", "leases", "Lease", conditional=True),
    _grouped("resource.k8s.io/v1", "resourceslices", "ResourceSlice", namespaced=False),
    _grouped("resource.k8s.io/v1", "resourceclaims", "ResourceClaim", status=True),
    _grouped(
        *("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"),
        status=True,
        generation=True,
        custom=True,
    ),
    CRDS,
)


def defined(crd: Object) -> tuple[Kind, ...]:
    """The kinds that a CustomResourceDefinition adds, one for each version."""
    spec = crd["spec"]
    names = spec["names"]
    return tuple(
        Kind(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            name=names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            short=tuple(names.get("shortNames", ())),
            status="status" in version.get("subresources", {}),
            scale=_scale(version.get("subresources", {}).get("scale")),
            generation=True,
            custom=True,
            conditional=True,
        )
        for version in spec["versions"]
        if version.get("served", True)
    )


def _scale(told: Object | None) -> tuple[str, str, str] | None:
    if told is None:
        return None
    selector = told.get("labelSelectorPath", "")
    return (told["specReplicasPath"], told["statusReplicasPath"], selector)
