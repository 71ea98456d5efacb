"""A server of prebuilt bytes: nodes and pods as large as real ones, by pages, and watches.

`python -m tests.bench.kubernetes_server NODES PODS`: says its port on stdout and ends with stdin.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NODES, PODS, TOUCH = "/api/v1/nodes", "/api/v1/pods", "/touch"
HOLE = "@@@@@@"
"""Where the number of an object goes."""
TIME = f"2026-01-01T00:00:00.{HOLE}Z"
"""No two objects have a time in common: what they share must not flatter the figures."""
GPUS = 8


class ByteServer:
    """Lists by pages of `limit`; a POST to /touch changes one pod, for every watch to see."""

    def __init__(self, nodes: int, pods: int) -> None:
        self._counts = {NODES: nodes, PODS: pods}
        self._made = {
            NODES: json.dumps(a_node(HOLE)).encode(),
            PODS: json.dumps(a_pod(HOLE, HOLE)).encode(),
        }
        self._nodes = nodes
        self._watches: set[asyncio.StreamWriter] = set()
        self._touched = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection to its end."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, target, _ = head.split("\r\n", 1)[0].split(" ")
                url = urlsplit(target)
                query = dict(parse_qsl(url.query))
                if method == "POST":
                    await reader.readexactly(len(b"{}"))
                    self._touch()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                elif "watch" in query:
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    if url.path == PODS:
                        self._watches.add(writer)
                else:
                    self._page(writer, url.path, query)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            self._watches.discard(writer)
            writer.close()

    def _page(self, writer: asyncio.StreamWriter, path: str, query: dict[str, str]) -> None:
        count = self._counts.get(path, 0)
        first = int(query.get("continue", "0"))
        last = min(count, first + int(query.get("limit", "500")))
        made = self._made.get(path, b"")
        items = b",".join(self._numbered(made, number) for number in range(first, last))
        meta = {"resourceVersion": "1", "continue": str(last) if last < count else ""}
        body = b'{"kind":"List","metadata":%s,"items":[%s]}' % (json.dumps(meta).encode(), items)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _numbered(self, made: bytes, number: int) -> bytes:
        return made.replace(HOLE.encode(), b"%06d" % number)

    def _touch(self) -> None:
        self._touched += 1
        pod = self._numbered(self._made[PODS], 0).replace(b'"Running"', b'"Failed"')
        version = b'"resourceVersion": "%d"' % (1 + self._touched)
        pod = pod.replace(b'"resourceVersion": "1"', version)
        line = b'{"type":"MODIFIED","object":%s}\n' % pod
        for writer in self._watches:
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))


def a_node(number: str) -> dict[str, Any]:
    """About 11 kB, as a GPU node of a cloud."""
    name = f"gpu-node-{number}"
    labels = {
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": "p4d.24xlarge",
        "topology.kubernetes.io/zone": "eu-central-1a",
        "eks.amazonaws.com/nodegroup": f"group-{number}",
        **{f"nvidia.com/gpu.feature-{index}": "true" for index in range(30)},
    }
    amounts = {"cpu": "96", "memory": "1152921504Ki", "pods": "110", "nvidia.com/gpu": str(GPUS)}
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    return {
        "metadata": {
            "name": name,
            "uid": f"00000000-0000-0000-0000-000000{number}",
            "resourceVersion": "1",
            "creationTimestamp": TIME,
            "labels": labels,
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
            "managedFields": [_written(name, 40) for name in ("kubelet", "controller-manager")],
        },
        "spec": {
            "providerID": f"aws:///eu-central-1a/i-0000000000{number}",
            "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
        },
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [_condition(kind, str(kind == "Ready")) for kind in kinds],
            "images": [
                {"names": [f"registry.example/team/image-{index}@sha256:{index:064x}"], "size": 1}
                for index in range(32)
            ],
            "nodeInfo": {"kernelVersion": "6.1.0", "kubeletVersion": "v1.36.2"},
        },
    }


def a_pod(number: str, node: str) -> dict[str, Any]:
    """About 5 kB, as a replica of a model server."""
    name = f"model-server-{number}"
    container = {
        "name": "server",
        "image": f"registry.example/team/server@sha256:{1:064x}",
        "env": [{"name": f"SETTING_{index}", "value": f"value-{index}"} for index in range(20)],
        "resources": {
            "requests": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"},
            "limits": {"nvidia.com/gpu": "1"},
        },
        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
    }
    return {
        "metadata": {
            "name": name,
            "namespace": "ml",
            "uid": f"00000000-0000-0000-0001-000000{number}",
            "resourceVersion": "1",
            "creationTimestamp": TIME,
            "labels": {"app": "server", "tidegate.io/workload": "chat", "pod-template-hash": "7d9"},
            "annotations": {"checksum/config": f"{1:064x}"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "server", "controller": True}],
            "managedFields": [_written(name, 14) for name in ("controller-manager", "kubelet")],
        },
        "spec": {
            "nodeName": f"gpu-node-{node}",
            "containers": [container],
            "tolerations": [
                {"key": f"node.kubernetes.io/{why}", "operator": "Exists", "effect": "NoExecute"}
                for why in ("not-ready", "unreachable")
            ],
        },
        "status": {
            "phase": "Running",
            "startTime": TIME,
            "conditions": [
                _condition(kind, "True")
                for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
            "containerStatuses": [{"name": "server", "ready": True, "restartCount": 0}],
        },
    }


def _condition(kind: str, status: str) -> dict[str, str]:
    told = {"reason": f"{kind}Reason", "message": "as it should be", "lastTransitionTime": TIME}
    return {"type": kind, "status": status, "lastHeartbeatTime": TIME, **told}


def _written(manager: str, fields: int) -> dict[str, Any]:
    paths: dict[str, Any] = {
        f"f:some-long-field-name-{index}": {".": {}, "f:value": {}} for index in range(fields)
    }
    told = {"operation": "Update", "apiVersion": "v1", "time": TIME, "fieldsType": "FieldsV1"}
    return {"manager": manager, **told, "fieldsV1": {"f:metadata": paths}}


async def _serve(nodes: int, pods: int) -> None:
    server = await asyncio.start_server(ByteServer(nodes, pods).connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


def sizes() -> Iterator[tuple[str, int]]:
    """Bytes of one object of each kind."""
    yield "node", len(json.dumps(a_node(HOLE)))
    yield "pod", len(json.dumps(a_pod(HOLE, HOLE)))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
