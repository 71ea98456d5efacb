"""GPUs: what a node has of them and what a pod takes, in whole GPUs.

A slice of a shared GPU is one over its replicas, a MIG device as many sevenths as its profile
says, and devices that are allocated by claims are read from ResourceSlices and ResourceClaims.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from adapters.kubernetes.pods import Taken
from adapters.kubernetes.pools import expected_gpus
from adapters.kubernetes.quantity import amount_of
from adapters.kubernetes.shapes import Claim, DeviceResult, Labels, Node, Slice
from adapters.kubernetes.view import Key
from scheduler.domain.bindings import PoolBinding
from scheduler.domain.places import NodePool

DRIVERS = frozenset({"gpu.nvidia.com", "gpu.amd.com"})
"""DRA drivers whose devices are GPUs."""
_SEVENTHS = re.compile(r"mig-(?:\d+c\.)?(\d)g")
_PRODUCT = re.compile(r"-MIG-(?:\d+c\.)?(\d)g")
_MEMORY = "aliyun.com/gpu-mem"
_CORES = "aliyun.com/gpu-core.percentage"
_HAIR = 1e-6


def unit_of(resource: str, labels: Labels, gpu_memory_gib: float = 0.0) -> float:
    """The part of a GPU that one of `resource` is, on a node with these labels."""
    if resource == _MEMORY:
        return 1.0 / gpu_memory_gib if gpu_memory_gib > 0.0 else 0.0
    if resource == _CORES:
        return 0.01
    profile = _SEVENTHS.search(resource)
    if profile is None and resource.startswith("nvidia.com/gpu"):
        profile = _PRODUCT.search(labels.get("nvidia.com/gpu.product", ""))
    part = min(1.0, int(profile[1]) / 7.0) if profile else 1.0
    shared = resource.endswith(".shared") or resource == "nvidia.com/gpu"
    return part / _replicas(labels) if shared else part


def smallest_unit(nodes: Iterable[Node], resource: str, gpu_memory_gib: float) -> float:
    """The smallest part, if nodes differ: then a pod gets no less than it needs on any of them.

    Without nodes only what the name of the resource tells is known.
    """
    told = [unit_of(resource, node.metadata.labels, gpu_memory_gib) for node in nodes]
    return min(told) if told else unit_of(resource, {}, gpu_memory_gib)


def is_sliced(resource: str, labels: Labels) -> bool:
    """Whether the resource counts MIG devices, which need not add up to whole GPUs."""
    product = labels.get("nvidia.com/gpu.product", "")
    return bool(_SEVENTHS.search(resource) or _PRODUCT.search(product))


def gpus_of_node(node: Node, pool: NodePool, binding: PoolBinding, devices: float) -> float:
    """GPUs that the node offers now to pods of its pool; `devices` are those told by slices."""
    resource, labels = binding.resource, node.metadata.labels
    offered = amount_of(node.status.allocatable, resource, unreadable=0.0)
    return max(offered * unit_of(resource, labels, pool.gpu_memory_gib), devices)


def is_complete(node: Node, pool: NodePool, binding: PoolBinding, devices: float) -> bool:
    """Whether all GPUs show that a node of the pool should have."""
    has = gpus_of_node(node, pool, binding, devices)
    if is_sliced(binding.resource, node.metadata.labels):
        return has > 0.0 or pool.per_node.gpus <= 0.0
    return has >= expected_gpus(pool, binding) - _HAIR


def had_gpus(node: Node, binding: PoolBinding, devices: float) -> bool:
    """Whether its GPUs have ever shown: capacity outlives a device plugin and a kubelet."""
    return devices > 0.0 or amount_of(node.status.capacity, binding.resource, unreadable=0.0) > 0.0


def gpus_of_pod(
    requests: Taken, pool: NodePool, binding: PoolBinding, labels: Labels, claimed: float
) -> float:
    """GPUs that a pod takes on a node with these labels; never more than a node has."""
    asked = sum(
        count * unit_of(resource, labels, pool.gpu_memory_gib)
        for resource, count in requests.items()
        if _counts(resource, binding.resource)
    )
    # A pod whose extended resource is served by a claim is told twice.
    return min(max(asked, claimed), max(pool.per_node.gpus, claimed))


def devices_by_node(slices: Mapping[Key, Slice]) -> Mapping[str, float]:
    """GPUs by node, as the drivers publish them. MIG devices of one GPU are that one GPU."""
    newest: dict[tuple[str, str], int] = {}
    for each in slices.values():
        pool = each.spec.pool
        key = (each.spec.driver, pool.name)
        newest[key] = max(pool.generation, newest.get(key, 0))
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in slices.values():
        spec = each.spec
        current = spec.pool.generation == newest[spec.driver, spec.pool.name]
        if spec.driver in DRIVERS and spec.node_name and current:
            found[spec.node_name] |= {
                (spec.pool.name, device.name.partition("-mig-")[0]) for device in spec.devices
            }
    return {node: float(len(devices)) for node, devices in found.items()}


def claimed_by_pod(claims: Mapping[Key, Claim]) -> Mapping[str, float]:
    """GPUs by uid of the pod that they are reserved for; pods that share a claim share them."""
    taken: dict[str, float] = defaultdict(float)
    for claim in claims.values():
        allocation, users = claim.status.allocation, claim.status.reserved_for
        if allocation is None or not users:
            continue
        gpus = sum(_part(each) for each in allocation.devices.results if each.driver in DRIVERS)
        for user in users:
            taken[user.uid] += gpus / len(users)
    return taken


def _part(device: DeviceResult) -> float:
    profile = _SEVENTHS.search(device.device)
    return min(1.0, int(profile[1]) / 7.0) if profile else 1.0


def _replicas(labels: Labels) -> float:
    try:
        return max(1.0, float(labels.get("nvidia.com/gpu.replicas", "1")))
    except ValueError:
        return 1.0


def _counts(resource: str, bound: str) -> bool:
    """Whether a request takes GPUs of a pool that counts them by `bound`."""
    if resource == bound:
        return True
    vendor = "nvidia.com/"
    return bound.startswith(vendor) and resource.startswith((f"{vendor}gpu", f"{vendor}mig-"))
