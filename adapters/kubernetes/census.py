"""The census: a view sorted by pool and node, once for all who ask the same questions of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.kubernetes.gpus import claimed_by_pod, devices_by_node, gpus_of_pod, smallest_unit
from adapters.kubernetes.pods import Taken, comes_soon, finished, requests_of
from adapters.kubernetes.pools import binding_of, pool_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Node, Pod
from adapters.kubernetes.view import View
from scheduler.domain.names import PoolName
from scheduler.domain.places import Resources

GIB = 2.0**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Nodes of our pools, the pods on them, and those that have none yet."""

    view: View
    setting: Setting
    members: Mapping[PoolName, tuple[Node, ...]]
    """Nodes by pool, in the order of their names. Nodes of no pool of ours are left out."""
    on_node: Mapping[str, tuple[Pod, ...]]
    """Unfinished pods by node, for these nodes."""
    coming: tuple[Pod, ...]
    """Pods that the scheduler has yet to look at."""
    devices: Mapping[str, float]
    """GPUs by node that DRA drivers publish."""
    claimed: Mapping[str, float]
    """GPUs by uid of the pod that holds them by claims."""

    def gpus_taken(self, pod: Pod, pool: PoolName, node: Node | None = None) -> float:
        """GPUs that the pod takes of the pool; a slice is as large as on `node`, or its first."""
        return self._gpus(pod, requests_of(pod), pool, node)

    def unit(self, pool: PoolName) -> float:
        """The part of a GPU that one of the pool's resource is; the smallest, if nodes differ."""
        resource = binding_of(pool, self.setting).resource
        memory_gib = self.setting.pools[pool].gpu_memory_gib
        return smallest_unit(self.members.get(pool, ()), resource, memory_gib)

    def taken(self, pod: Pod, pool: PoolName, node: Node | None = None) -> Resources:
        """All that the pod takes of a node of the pool."""
        requests = requests_of(pod)
        return Resources(
            gpus=self._gpus(pod, requests, pool, node),
            cpu=requests.get("cpu", 0.0),
            memory_gib=requests.get("memory", 0.0) / GIB,
            pods=1.0,
        )

    def _gpus(self, pod: Pod, requests: Taken, pool: PoolName, node: Node | None) -> float:
        if node is None:
            node = next(iter(self.members.get(pool, ())), Node())
        return gpus_of_pod(
            requests,
            self.setting.pools[pool],
            binding_of(pool, self.setting),
            node.metadata.labels,
            self.claimed.get(pod.metadata.uid, 0.0),
        )


def take_census(view: View, setting: Setting) -> Census:
    """Sort the view."""
    members: dict[PoolName, list[Node]] = defaultdict(list)
    here: dict[str, list[Pod]] = {}
    for _, node in sorted(view.nodes.items()):
        pool = pool_of(node, setting)
        if pool is not None:
            members[pool].append(node)
            here[node.metadata.name] = []
    coming: list[Pod] = []
    for pod in view.pods.values():
        if not pod.spec.node_name:
            if comes_soon(pod):
                coming.append(pod)
        elif (seats := here.get(pod.spec.node_name)) is not None and not finished(pod):
            seats.append(pod)
    return Census(
        view=view,
        setting=setting,
        members={pool: tuple(nodes) for pool, nodes in members.items()},
        on_node={name: tuple(pods) for name, pods in here.items()},
        coming=tuple(coming),
        devices=devices_by_node(view.slices),
        claimed=claimed_by_pod(view.claims),
    )
