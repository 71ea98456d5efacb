"""Pools: which node belongs to which, and what pods carry to get onto its nodes and no others.

The group of a pool's binding is the name of the node group at the provider, compared with the
label by which that provider marks its nodes:

- EKS `eks.amazonaws.com/nodegroup`, AKS `kubernetes.azure.com/agentpool`, GKE
  `cloud.google.com/gke-nodepool`, ACK `alibabacloud.com/nodepool-id`;
- anywhere else `tidegate.io/pool`, which a person sets on the nodes.

Another label is named in full: `karpenter.sh/nodepool=gpu-spot`. Labels in the binding take the
place of all that. A node with the label `tidegate.io/pool` belongs to the pool that it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.kubernetes.marks import POOL
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Labels, Node, Taint
from scheduler.domain.bindings import PoolBinding, Toleration
from scheduler.domain.names import PoolName
from scheduler.domain.places import Contract, NodePool

KARPENTER = "karpenter.sh/nodepool"
_EKS, _AKS, _GKE = (
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "cloud.google.com/gke-nodepool",
)
_ACK, _ACK_TOO = "alibabacloud.com/nodepool-id", "node.alibabacloud.com/nodepool-id"
GROUP_LABEL: Mapping[str, str] = {"aws": _EKS, "azure": _AKS, "gcp": _GKE, "aliyun": _ACK}
"""By provider: the label that pods select a node group by."""
GROUP_LABELS: Mapping[str, tuple[str, ...]] = {
    "aws": (_EKS, "alpha.eksctl.io/nodegroup-name", KARPENTER),
    "azure": (_AKS, "agentpool", KARPENTER),
    "gcp": (_GKE, KARPENTER),
    "aliyun": (_ACK, _ACK_TOO, KARPENTER),
}
"""By provider: the labels that a node group is known by."""
_ANYWHERE = (POOL, KARPENTER)

_AUTOSCALERS: Mapping[str, str] = {
    KARPENTER: "Karpenter",
    "karpenter.sh/provisioner-name": "Karpenter",
    "eks.amazonaws.com/compute-type": "EKS Auto Mode",
}
"""Label of a node: who runs it."""
_AUTOSCALER_TAINTS: Mapping[str, str] = {
    "ToBeDeletedByClusterAutoscaler": "cluster-autoscaler",
    "DeletionCandidateOfClusterAutoscaler": "cluster-autoscaler",
}


def pool_of(node: Node, setting: Setting) -> PoolName | None:
    """The pool of this cluster that the node belongs to, if any."""
    labels = node.metadata.labels
    named = labels.get(POOL)
    if named is not None:
        return PoolName(named) if PoolName(named) in setting.pools else None
    book = _book(setting)
    for label in book.labels:
        pool = book.by_label.get((label, labels.get(label, "")))
        if pool is not None:
            return pool
    return next((pool for pool, wanted in book.by_labels if _has(labels, wanted)), None)


def selector_of(pool: PoolName, setting: Setting) -> dict[str, str]:
    """The node selector of pods for this pool. It stays the same, whatever nodes there are."""
    binding = binding_of(pool, setting)
    if binding.labels:
        return dict(binding.labels)
    label, equals, value = binding.group.partition("=")
    if equals:
        return {label: value}
    return {GROUP_LABEL.get(setting.provider, POOL): binding.group}


def reachable(node: Node, pool: PoolName, setting: Setting) -> bool:
    """Whether the selector of the pool picks this node."""
    return _has(node.metadata.labels, selector_of(pool, setting))


def tolerations_of(pool: PoolName, setting: Setting) -> list[dict[str, str]]:
    """What pods for this pool bear: what its binding says, and what is usual for such nodes."""
    binding = binding_of(pool, setting)
    declared = setting.pools.get(pool)
    borne = (*binding.tolerations, *(_usual(declared, binding) if declared else ()))
    return [_told(each) for each in dict.fromkeys(borne)]


def bears(taint: Taint, pool: PoolName, setting: Setting) -> bool:
    """Whether pods for this pool bear the taint."""
    return any(
        told["key"] == taint.key
        and told.get("effect", taint.effect) == taint.effect
        and (told["operator"] == "Exists" or told["value"] == taint.value)
        for told in tolerations_of(pool, setting)
    )


def expected_gpus(pool: NodePool, binding: PoolBinding) -> float:
    """Whole GPUs that a node of the pool has when it is complete; 0 where none are counted."""
    return pool.per_node.gpus if binding.resource else 0.0


def run_by_others(node: Node) -> str:
    """The name of another autoscaler that runs this node's pool; empty if none shows."""
    for label, name in _AUTOSCALERS.items():
        if label in node.metadata.labels:
            return name
    for taint in node.spec.taints:
        if taint.key in _AUTOSCALER_TAINTS:
            return _AUTOSCALER_TAINTS[taint.key]
    return ""


def binding_of(pool: PoolName, setting: Setting) -> PoolBinding:
    """The binding of a pool; one that has none is known by its own name."""
    return setting.bindings.pools.get(pool) or PoolBinding(pool=pool, group=pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """The pools of a setting by what their nodes carry: a cluster has thousands of nodes."""

    labels: tuple[str, ...]
    """Those that `by_label` knows."""
    by_label: Mapping[tuple[str, str], PoolName]
    by_labels: tuple[tuple[PoolName, Mapping[str, str]], ...]
    """Pools that take more than one label to tell."""


_BOOKS: dict[int, tuple[Setting, _Book]] = {}
_SETTINGS = 64


def _book(setting: Setting) -> _Book:
    """Written once for a setting, which never changes; kept with it, so that ids are not reused."""
    kept = _BOOKS.get(id(setting))
    if kept is not None:
        return kept[1]
    if len(_BOOKS) >= _SETTINGS:
        _BOOKS.clear()
    book = _written(setting)
    _BOOKS[id(setting)] = (setting, book)
    return book


def _written(setting: Setting) -> _Book:
    exact: dict[tuple[str, str], PoolName] = {}
    also: dict[tuple[str, str], PoolName] = {}
    several: list[tuple[PoolName, Mapping[str, str]]] = []
    for pool in setting.pools:
        selector, binding = selector_of(pool, setting), binding_of(pool, setting)
        if len(selector) > 1:
            several.append((pool, selector))
        for pair in selector.items() if len(selector) == 1 else ():
            exact.setdefault(pair, pool)
        if not binding.labels and "=" not in binding.group:
            for label in GROUP_LABELS.get(setting.provider, _ANYWHERE):
                also.setdefault((label, binding.group), pool)
    by_label = {**also, **exact}
    labels = dict.fromkeys(label for label, _ in (*exact, *also))
    return _Book(labels=tuple(labels), by_label=by_label, by_labels=tuple(several))


def _has(labels: Labels, wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


def _usual(pool: NodePool, binding: PoolBinding) -> tuple[Toleration, ...]:
    usual: list[Toleration] = []
    vendor, slash, _ = binding.resource.partition("/")
    if slash and pool.per_node.gpus > 0.0:
        usual.append(Toleration(key=f"{vendor}/gpu", effect="NoSchedule"))
    if pool.contract is Contract.SPOT:
        usual += (
            Toleration(
                key="kubernetes.azure.com/scalesetpriority", value="spot", effect="NoSchedule"
            ),
            Toleration(key="cloud.google.com/gke-spot", value="true", effect="NoSchedule"),
        )
    return tuple(usual)


def _told(toleration: Toleration) -> dict[str, str]:
    told = {"key": toleration.key, "operator": "Exists"}
    if toleration.value is not None:
        told |= {"operator": "Equal", "value": toleration.value}
    if toleration.effect:
        told["effect"] = toleration.effect
    return told
