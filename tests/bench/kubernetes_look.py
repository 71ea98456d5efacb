"""One process that looks at a cluster as the daemon does, and tells what that cost it, as JSON.

`python -m tests.bench.kubernetes_look SERVER CHANGES`
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from importlib import import_module

import psutil

from adapters.kubernetes.client import Client, Connection
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.sight import Watched
from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.names import ClusterName

MIB = 2.0**20
BESIDES = (
    *("scheduler.app.standing", "scheduler.runtime.loop", "scipy.optimize", "highspy"),
    *("uvicorn", "starlette", "prometheus_client", "kubernetes.config"),
)
"""What the daemon has in memory besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the first look and the changes after it took."""

    nodes: int
    pods: int
    before_mib: float
    """Resident before the first look."""
    sync_cpu_s: float
    sync_wall_s: float
    peak_mib: float
    settled_mib: float
    """After the changes."""
    changes_s: tuple[float, ...]
    """From the order to the server until a view shows it."""


async def look(server: str, changes: int) -> Cost:
    """Sync once, then see `changes` changes of a pod."""
    for name in BESIDES:
        import_module(name)
    process = psutil.Process()
    before_mib = process.memory_info().rss / MIB
    client = Client(Connection(server=server))
    rung = asyncio.Event()
    sight = Watched(
        client, _setting(), monotonic=time.monotonic, ring=lambda _: rung.set(), first_look_s=120.0
    )
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    view = await sight.view()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    peak_mib = _peak_mib()
    told = [await _change(client, sight) for _ in range(changes)]
    cost = Cost(
        nodes=len(view.nodes),
        pods=len(view.pods),
        before_mib=before_mib,
        sync_cpu_s=cpu_s,
        sync_wall_s=wall_s,
        peak_mib=peak_mib,
        settled_mib=process.memory_info().rss / MIB,
        changes_s=tuple(told),
    )
    await sight.close()
    await client.close()
    return cost


async def _change(client: Client, sight: Watched) -> float:
    key = ("ml", "model-server-000000")
    before = (await sight.view()).pods[key].metadata.resource_version
    start = time.perf_counter()
    await client.create("/touch", {})
    while (await sight.view()).pods[key].metadata.resource_version == before:
        await asyncio.sleep(0.001)
    return time.perf_counter() - start


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _setting() -> Setting:
    return Setting(
        access=KubernetesAccess(cluster=ClusterName("bench"), namespaces=("ml",)),
        provider="aws",
        pools={},
        services={},
        jobs={},
        bindings=Bindings(),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(look(sys.argv[1], int(sys.argv[2]))))))
