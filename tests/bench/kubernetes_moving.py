"""A process with a cluster in it, whose nodes are given notice on demand.

`python -m tests.bench.kubernetes_moving SERVICES NODES_EACH SPARE_POOLS SPARE_NODES`: says its
port, then for each node that it is told on stdin the seconds from its end to the first write to a
Deployment, when writing is over again; `rest` only waits for that. It ends with stdin.

A node gets its notice first: the daemon asks its pool for another one, and nobody has any. Then it
is gone, and what ran there goes to another pool.
"""

import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from tests.bench.kubernetes_world import Size, objects
from tests.doubles.kubernetes.faults import Call, Delay
from tests.doubles.kubernetes.kinds import NODES
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.kubernetes.writing import Asked

Object = dict[str, Any]
NOTICE = {"key": "aws-node-termination-handler/spot-itn", "effect": "NoSchedule"}
QUIET_S = 2.0
"""Without a write for so long, the daemon has done what it wanted."""
PATIENCE_S = 60.0


class Ear:
    """Hears writes to Deployments as they arrive."""

    def __init__(self) -> None:
        self._heard = threading.Condition()
        self._times_s: list[float] = []

    def __call__(self, call: Call) -> bool:
        """A fault that never strikes: it stands where every request passes first."""
        if call.method != "GET" and "/deployments/" in call.path:
            with self._heard:
                self._times_s.append(time.monotonic())
                self._heard.notify_all()
        return False

    def first_after(self, since_s: float) -> float:
        """When the first write came; infinite if none came in a minute."""
        with self._heard:
            self._heard.wait_for(lambda: self._last_s() > since_s, PATIENCE_S)
            return next((each for each in self._times_s if each > since_s), float("inf"))

    def quiet(self) -> None:
        """Returns when nothing more is written."""
        end_s = time.monotonic() + QUIET_S
        with self._heard:
            while (left_s := end_s - time.monotonic()) > 0.0:
                if self._heard.wait(left_s):
                    end_s = time.monotonic() + QUIET_S

    def _last_s(self) -> float:
        return self._times_s[-1] if self._times_s else float("-inf")


def doomed(node: Object) -> Object:
    """The node with a spot notice."""
    spec = node["spec"]
    return {**node, "spec": {**spec, "taints": [*spec.get("taints", ()), NOTICE]}}


def serve(size: Size) -> None:
    """Until stdin ends."""
    ear = Ear()
    with KubernetesDouble() as double:
        for kind, things in objects(size):
            double.store.load(kind, things)
        double.faults.on(ear, Delay(0.0))
        print(urlsplit(double.server).port, flush=True)
        for line in sys.stdin:
            reaction_s = 0.0
            if (name := line.strip()) != "rest":
                double.writing.change(NODES, ("", name), doomed, Asked())
                ear.quiet()
                since_s = time.monotonic()
                double.store.remove(NODES, ("", name))
                reaction_s = ear.first_after(since_s) - since_s
            ear.quiet()
            print(reaction_s, flush=True)


if __name__ == "__main__":
    services, nodes_each, spare_pools, spare_nodes = (int(each) for each in sys.argv[1:])
    serve(
        Size(
            services=services,
            nodes_each=nodes_each,
            spare_pools=spare_pools,
            spare_nodes=spare_nodes,
        )
    )
