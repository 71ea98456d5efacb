"""Sight of a large cluster: 5,000 nodes and 30,000 pods, listed once and then watched."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.bench.alone import alone
from tests.bench.figures import Asked, Figure
from tests.bench.kubernetes_look import Cost
from tests.bench.kubernetes_server import sizes

NODES, PODS = 5_000, 30_000
CHANGES = 50
RUNS = 3


def kubernetes_sight(asked: Asked) -> Iterator[Figure]:
    """CPU seconds of the first look, memory, and how fast a change of a pod is seen."""
    with a_server(NODES, PODS) as server:
        costs = [looked(server, CHANGES) for _ in range(RUNS)]
    yield from figures(costs)


def figures(costs: list[Cost]) -> Iterator[Figure]:
    """One row for each promise."""
    last = costs[-1]
    world = {"nodes": f"{last.nodes:,}", "pods": f"{last.pods:,}"}
    world |= {f"a {name}": f"{size / 1e3:.1f} kB" for name, size in sizes()}
    changes_s = sorted(each for cost in costs for each in cost.changes_s)
    yield Figure(
        name="kubernetes_first_look",
        measured=median(cost.sync_cpu_s for cost in costs),
        bound=5.0,
        unit="cpu s",
        runs=len(costs),
        details={**world, "wall": f"{median(cost.sync_wall_s for cost in costs):.2f} s"},
    )
    yield Figure(
        name="kubernetes_memory",
        measured=max(cost.peak_mib for cost in costs),
        bound=300.0,
        unit="MB",
        runs=len(costs),
        details={
            "before the look": f"{last.before_mib:.0f} MB",
            "at the end": f"{last.settled_mib:.0f} MB",
        },
    )
    yield Figure(
        name="kubernetes_change",
        measured=1e3 * changes_s[min(len(changes_s) - 1, int(0.99 * len(changes_s)))],
        bound=100.0,
        unit="ms",
        runs=len(changes_s),
        details={"quantile": "p99", "median": f"{1e3 * median(changes_s):.1f} ms"},
    )


def looked(server: str, changes: int) -> Cost:
    """In a process of its own, so that nothing else counts."""
    command = [sys.executable, "-m", "tests.bench.kubernetes_look", server, str(changes)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(ended.stdout)
    return Cost(**{**told, "changes_s": tuple(told["changes_s"])})


@contextmanager
def a_server(nodes: int, pods: int) -> Iterator[str]:
    """The address of a byte server, for as long as it is needed."""
    command = [sys.executable, "-m", "tests.bench.kubernetes_server", str(nodes), str(pods)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


if __name__ == "__main__":
    sys.exit(alone(kubernetes_sight, sys.argv[1:]))
