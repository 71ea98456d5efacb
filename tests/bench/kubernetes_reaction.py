"""Reaction: from a node that goes until the first write of the daemon arrives."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx
import psutil

from tests.bench.alone import alone
from tests.bench.figures import Asked, Figure
from tests.bench.kubernetes_world import Size, write_documents
from tests.bench.processes import MIB, PROGRAM

SMALL = Size(services=10, nodes_each=3, spare_pools=2, spare_nodes=11)
LARGE = Size(services=100, nodes_each=38, spare_pools=4, spare_nodes=300)
SMALL_CHANGES, LARGE_CHANGES = 10, 8
PATIENCE_S = 120.0
PROBE_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """How one daemon answered the changes of one cluster."""

    size: Size
    reactions_s: tuple[float, ...]
    peak_mib: float
    probes_s: tuple[float, ...]
    """How long the probe of life took, meanwhile."""
    slowest_tick_s: float


def kubernetes_reaction(asked: Asked) -> Iterator[Figure]:
    """Seconds from the end of a node to a write, on a small and a large cluster; memory, probes."""
    small, large = reacted(SMALL, SMALL_CHANGES), reacted(LARGE, LARGE_CHANGES)
    yield from figures(small, large)


def figures(small: Reaction, large: Reaction) -> Iterator[Figure]:
    """One row for each promise."""
    yield _reaction("kubernetes_reaction", small, 2.0, 0.99)
    yield _reaction("kubernetes_reaction_large", large, 5.0, 1.0)
    yield Figure(
        name="kubernetes_daemon_memory",
        measured=large.peak_mib,
        bound=300.0,
        unit="MB",
        runs=1,
        details=_world(large.size),
    )
    yield Figure(
        name="kubernetes_probe",
        measured=1e3 * _quantile(large.probes_s, 0.99),
        bound=100.0,
        unit="ms",
        runs=len(large.probes_s),
        details={
            "quantile": "p99",
            "median": f"{1e3 * median(large.probes_s):.1f} ms",
            "worst": f"{1e3 * max(large.probes_s):.0f} ms",
        },
    )


def reacted(size: Size, changes: int) -> Reaction:
    """The daemon in a process of its own, the cluster in another."""
    with TemporaryDirectory() as name, a_cluster(size) as cluster:
        folder = Path(name)
        write_documents(folder, size, cluster.server)
        with a_daemon(folder) as daemon:
            daemon.wait_for("tick.done")
            cluster.tell("rest")
            begun = len(daemon.log.read_text().splitlines())
            with _probed(daemon.url) as probes:
                told = [cluster.tell(size.doomed(each)) for each in range(changes)]
            ticks = [each for each in daemon.entries()[begun:] if each["event"] == "tick.done"]
            slowest_s = max((each["seconds"] for each in ticks), default=0.0)
            return Reaction(
                size=size,
                reactions_s=tuple(told),
                peak_mib=daemon.peak_mib(),
                probes_s=tuple(probes),
                slowest_tick_s=slowest_s,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The process of `kubernetes_moving`."""

    server: str
    orders: IO[str]
    answers: IO[str]

    def tell(self, order: str) -> float:
        """Its answer, in seconds."""
        self.orders.write(f"{order}\n")
        self.orders.flush()
        return float(self.answers.readline())


@contextmanager
def a_cluster(size: Size) -> Iterator[Cluster]:
    """Served for as long as it is needed."""
    numbers = [str(each) for each in astuple(size)]
    command = [sys.executable, "-m", "tests.bench.kubernetes_moving", *numbers]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            server = f"http://127.0.0.1:{int(process.stdout.readline())}"
            yield Cluster(server=server, orders=process.stdin, answers=process.stdout)
        finally:
            process.stdin.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A daemon that writes its log into a file."""

    process: psutil.Popen
    log: Path

    @property
    def url(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self.wait_for('http.listening')['port']}"

    def entries(self) -> list[dict[str, Any]]:
        """Whole lines of the log so far."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first entry of that event. Raises when it does not come."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s and self.process.poll() is None:
            for entry in self.entries():
                if entry["event"] == event:
                    return entry
            time.sleep(0.05)
        raise RuntimeError(f"no {event}: {self.log.read_text()[-500:]}")

    def peak_mib(self) -> float:
        """The most memory that was resident, as the kernel has counted it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return float(line.split()[1]) * 1024.0 / MIB


@contextmanager
def a_daemon(folder: Path) -> Iterator[Running]:
    """`tidegate run` on the folder's documents."""
    log = folder / "log.jsonl"
    env = {**os.environ, "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    command = [PROGRAM, "run", "-f", str(folder / "fleet.yaml"), "--port", "0"]
    with log.open("w") as told:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=told, env=env)
    try:
        yield Running(process=process, log=log)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextmanager
def _probed(url: str) -> Iterator[list[float]]:
    """Seconds that the probe takes, again and again."""
    took_s: list[float] = []
    over = threading.Event()

    def probe() -> None:
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not over.wait(PROBE_EVERY_S):
                start = time.perf_counter()
                client.get(f"{url}/healthz")
                took_s.append(time.perf_counter() - start)

    asking = threading.Thread(target=probe)
    asking.start()
    try:
        yield took_s
    finally:
        over.set()
        asking.join()


def _reaction(name: str, reaction: Reaction, bound: float, quantile: float) -> Figure:
    times_s = reaction.reactions_s
    return Figure(
        name=name,
        measured=_quantile(times_s, quantile),
        bound=bound,
        unit="s",
        runs=len(times_s),
        details={
            "quantile": "worst" if quantile == 1.0 else f"p{100 * quantile:.0f}",
            "median": f"{median(times_s):.2f} s",
            **_world(reaction.size),
            "slowest tick": f"{reaction.slowest_tick_s:.2f} s",
        },
    )


def _world(size: Size) -> dict[str, str]:
    return {
        "nodes": f"{size.nodes:,}",
        "pods": f"{size.pods:,}",
        "pools": str(size.pools),
        "services": str(size.services),
    }


def _quantile(values: tuple[float, ...], quantile: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


if __name__ == "__main__":
    sys.exit(alone(kubernetes_reaction, sys.argv[1:]))
