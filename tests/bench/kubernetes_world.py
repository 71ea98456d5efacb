"""A cluster whose pools are full but for some spare ones: documents for the daemon, and objects."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.doubles.kubernetes.kinds import DEPLOYMENTS, NAMESPACES, NODES, PODS, Kind

API = "tidegate.io/v1alpha1"
NAMESPACE, HOME = "ml", "tidegate"
GPUS = 8
PRICE = "0.1 USD/h"
"""More than a spare node costs, which is paid for anyway, and less than a move is worth."""
BORN = "2026-01-01T00:00:00Z"
AMOUNTS = {"cpu": "96", "memory": "1024Gi", "pods": "110", "nvidia.com/gpu": str(GPUS)}
REQUESTS = {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"}
Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Each service fills a pool of its own; a node lost there is made up for on a spare pool."""

    services: int
    nodes_each: int
    spare_pools: int
    spare_nodes: int

    @property
    def pods(self) -> int:
        """All replicas."""
        return self.services * self.nodes_each * GPUS

    @property
    def nodes(self) -> int:
        """All nodes."""
        return self.services * self.nodes_each + self.spare_pools * self.spare_nodes

    @property
    def pools(self) -> int:
        """Full and spare ones."""
        return self.services + self.spare_pools

    def doomed(self, change: int) -> str:
        """The node that goes with that change: one service after the other loses one."""
        return _node_name(f"full-{change % self.services}", change // self.services)

    def spare_of(self, service: int) -> str:
        """Its other pool."""
        return f"spare-{service % self.spare_pools}"


def write_documents(folder: Path, size: Size, server: str) -> None:
    """A fleet with the way into it, and the load of this moment."""
    pools = [_pool(f"full-{each}", 0, size.nodes_each) for each in range(size.services)]
    spare = size.spare_nodes
    pools += [_pool(f"spare-{each}", spare, spare) for each in range(size.spare_pools)]
    services = [_service(each, size) for each in range(size.services)]
    access = {"context": "c", "kubeconfig": "way.kubeconfig", "namespaces": [NAMESPACE]}
    cluster = {"exposure": "private", "region": "here", "access": {"kubernetes": access}}
    documents = [
        _document("Cluster", "one", cluster),
        _document("SignalSource", "load", {"csv": {"path": "load.csv"}}),
        _document("Policy", "at-once", {"forecast": {"scaleDownAfter": "0s"}}),
        *pools,
        *services,
    ]
    # JSON is YAML.
    (folder / "fleet.yaml").write_text("\n---\n".join(json.dumps(each) for each in documents))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [f"{now},load_rps,service-{each},1\n" for each in range(size.services)]
    (folder / "load.csv").write_text("time,signal,subject,value\n" + "".join(rows))
    way = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "way.kubeconfig").write_text(json.dumps(way))


def objects(size: Size) -> Iterator[tuple[Kind, list[Object]]]:
    """All that is in the cluster, with everything running."""
    yield NAMESPACES, [_named(name) for name in (NAMESPACE, HOME)]
    places = {f"full-{each}": size.nodes_each for each in range(size.services)}
    places |= {f"spare-{each}": size.spare_nodes for each in range(size.spare_pools)}
    yield NODES, [_node(pool, at) for pool, nodes in places.items() for at in range(nodes)]
    yield (
        PODS,
        [
            _pod(service, at)
            for service in range(size.services)
            for at in range(size.nodes_each * GPUS)
        ],
    )
    full = size.nodes_each * GPUS
    yield (
        DEPLOYMENTS,
        [
            _deployment(service, pool, replicas)
            for service in range(size.services)
            for pool, replicas in ((f"full-{service}", full), (size.spare_of(service), 0))
        ],
    )


def _document(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _pool(name: str, least: int, most: int) -> Object:
    spec = {
        "cluster": "one",
        "gpu": {"type": "A100", "count": GPUS, "memory": "40Gi"},
        "cpu": 96,
        "memory": "1024Gi",
        "contract": "owned",
        "nodes": {"min": least, "max": most},
        "price": PRICE,
    }
    return _document("NodePool", name, spec)


def _service(number: int, size: Size) -> Object:
    pools = [f"full-{number}", size.spare_of(number)]
    wanted = size.nodes_each * GPUS
    spec = {
        "replica": {"gpus": 1, "cpu": 8, "memory": "64Gi"},
        "replicas": {"min": wanted, "max": wanted},
        "objective": {"latency": "900ms"},
        "speed": {"A100": {"base": "200ms", "queue": "60ms", "limit": "14/s"}},
        "pools": pools,
        "kubernetes": {
            "namespace": NAMESPACE,
            "adopt": {pool: _deployment_name(number, pool) for pool in pools},
        },
    }
    return _document("InferenceService", f"service-{number}", spec)


def _node(pool: str, at: int) -> Object:
    name = _node_name(pool, at)
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T01:00:00Z"}
    return _named(name, labels={"tidegate.io/pool": pool}) | {
        "spec": {"providerID": f"bench://{name}"},
        "status": {"capacity": AMOUNTS, "allocatable": AMOUNTS, "conditions": [ready]},
    }


def _pod(service: int, at: int) -> Object:
    pool = f"full-{service}"
    owner = {"kind": "ReplicaSet", "name": pool, "uid": pool, "controller": True}
    labels = {"app": _deployment_name(service, pool)}
    meta = {"namespace": NAMESPACE, "labels": labels, "ownerReferences": [owner]}
    conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready")]
    return _named(f"replica-{service}-{at}", **meta) | {
        "spec": {
            "nodeName": _node_name(pool, at // GPUS),
            "containers": [{"name": "server", "resources": {"requests": REQUESTS}}],
        },
        "status": {"phase": "Running", "startTime": BORN, "conditions": conditions},
    }


def _deployment(service: int, pool: str, replicas: int) -> Object:
    name = _deployment_name(service, pool)
    labels = {"app": name}
    return _named(name, namespace=NAMESPACE, generation=1) | {
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {}},
        },
        "status": {"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1},
    }


def _named(name: str, **more: Any) -> Object:
    uid = f"{more.get('namespace', '')}/{name}"
    return {"metadata": {"name": name, "uid": uid, "creationTimestamp": BORN, **more}}


def _node_name(pool: str, at: int) -> str:
    return f"{pool}-node-{at}"


def _deployment_name(service: int, pool: str) -> str:
    return f"service-{service}-{pool}"
