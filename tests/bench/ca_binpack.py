"""Bin packing on equal nodes: node counts of Cluster Autoscaler's estimator, in less time."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scheduler.solve.packing.pack import pack
from scheduler.solve.packing.values import NodeTypes, Packing, PodClasses
from tests.bench.alone import alone, recorded
from tests.bench.figures import Asked, Figure, timed

RUNS = 5
MOST_MS = 200.0


def ca_binpack(asked: Asked) -> Iterator[Figure]:
    """As few nodes as the estimator, every pod that it places, and the time of it."""
    for path in recorded(asked, "data", "peer-baselines", "conformance", "ca_binpacking.json"):
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            yield from _case(path, case)


def _case(path: Path, case: Mapping[str, Any]) -> Iterator[Figure]:
    types, classes = the_question(case)
    packing = pack(types, classes)
    broken = list(wrongs(case, the_counts(packing)))
    spent = timed(lambda: pack(types, classes), RUNS)
    name = f"ca_binpack.{'_'.join(case['name'].split())}"
    details = {
        "file": path.name,
        "nodes": str(int(packing.nodes.sum())),
        "expected": str(case["expect_nodes"]),
        "pods": str(int((packing.nodes @ packing.fillings.pods).sum())),
        "cpu": f"{1e3 * spent.cpu_s:.1f} ms",
        "feasible": f"no: {broken[0]}" if broken else "yes",
    }
    off = len(broken)
    yield Figure(name=f"{name}.wrong", measured=off, bound=0, unit="", runs=1, details=details)
    yield Figure(
        name=f"{name}.ms", measured=1e3 * spent.wall_s, bound=MOST_MS, unit="ms", runs=spent.runs
    )


Counts = list[tuple[int, list[int]]]
"""Nodes, and pods of each entry of the case on each of them."""


def wrongs(case: Mapping[str, Any], counts: Counts) -> Iterator[str]:
    """What differs from the case: room, ports, limit, nodes, pods."""
    for _, pods in counts:
        yield from _overfull(case, pods)
    nodes = sum(times for times, _ in counts)
    if nodes != case["expect_nodes"]:
        yield f"{nodes} nodes instead of {case['expect_nodes']}"
    if nodes > case.get("max_nodes", nodes):
        yield f"{nodes} nodes where {case['max_nodes']} are allowed"
    placed = [sum(times * pods[i] for times, pods in counts) for i in range(len(case["pods"]))]
    if sum(placed) != case["expect_pods"]:
        yield f"{sum(placed)} pods instead of {case['expect_pods']}"
    for number, entry in zip(placed, case["pods"], strict=True):
        if number > entry["n"]:
            yield f"{number} pods placed of {entry['n']}"


def _overfull(case: Mapping[str, Any], pods: list[int]) -> Iterator[str]:
    ports: dict[int, int] = {}
    for number, entry in zip(pods, case["pods"], strict=True):
        if "host_port" in entry:
            ports[entry["host_port"]] = ports.get(entry["host_port"], 0) + number
    for resource in ("cpu_m", "mem_mi"):
        used = sum(n * entry[resource] for n, entry in zip(pods, case["pods"], strict=True))
        if used > case["node"][resource]:
            yield f"{used} {resource} on a node of {case['node'][resource]}"
    if sum(pods) > case["node"]["pods"]:
        yield f"{sum(pods)} pods on a node for {case['node']['pods']}"
    if any(number > 1 for number in ports.values()):
        yield "two pods share a port of their host"


def the_question(case: Mapping[str, Any]) -> tuple[NodeTypes, PodClasses]:
    """One node type of price 1; a port of the host is a resource of which each node has one.

    Nodes that exist already take no part: the estimator is asked about pods that fit on none.
    """
    ports = sorted({entry["host_port"] for entry in case["pods"] if "host_port" in entry})
    node, entries = case["node"], case["pods"]
    room = [node["cpu_m"], node["mem_mi"], node["pods"], *(1 for _ in ports)]
    take = [
        [entry["cpu_m"], entry["mem_mi"], 1, *(int(entry.get("host_port") == p) for p in ports)]
        for entry in entries
    ]
    types = NodeTypes(
        names=("node",),
        room=np.array([room], dtype=np.float64),
        usd_per_hour=np.ones(1),
        most=np.array([case.get("max_nodes", np.inf)], dtype=np.float64),
    )
    classes = PodClasses(
        take=np.array(take, dtype=np.float64),
        count=np.array([entry["n"] for entry in entries], dtype=np.int64),
        allowed=np.ones((len(entries), 1), dtype=np.bool_),
    )
    return types, classes


def the_counts(packing: Packing) -> Counts:
    """The packing in plain numbers."""
    return [
        (int(nodes), [int(number) for number in pods])
        for nodes, pods in zip(packing.nodes, packing.fillings.pods, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(alone(ca_binpack, sys.argv[1:]))
