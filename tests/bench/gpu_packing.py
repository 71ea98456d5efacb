"""GPU workloads on whole nodes: cost against our own proven bound and against Karpenter's plan."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from scheduler.solve.packing.pack import pack, pack_first
from scheduler.solve.packing.values import NodeTypes, Packing, PodClasses
from tests.bench.alone import alone, recorded
from tests.bench.figures import Asked, Figure, Timed, timed

RUNS = 3
KEPT_CPU_M, KEPT_MEM_MI = 100, 10
"""What the node keeps for itself."""
MEAN, WORST = 1.01, 1.03
FIRST_MS, FINAL_MS = 200.0, 1000.0
HAIR = 1e-6
SUFFIX = ".in.json"

Node = tuple[str, list[str]]
"""An instance type by name, and the pods on it by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One file's packing, judged."""

    name: str
    packing: Packing
    karpenter: float
    first: Timed
    final: Timed
    first_usd: float
    broken: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Over the proven bound."""
        return self.packing.cost / self.packing.bound if self.packing.bound else 1.0


def gpu_packing(asked: Asked) -> Iterator[Figure]:
    """Cover GPU workloads by whole nodes of given types, at the least USD an hour."""
    outcomes = []
    for path in recorded(asked, "data", "peer-baselines", "gpu", "*" + SUFFIX):
        outcome = _measured(path)
        outcomes.append(outcome)
        yield _figure(outcome)
    if outcomes:
        yield from _summary(outcomes)


def wrongs(world: Mapping[str, Any], nodes: Sequence[Node], usd_per_hour: float) -> Iterator[str]:
    """What is wrong with a plan: pods, labels, room and price, from the input's own words."""
    types = {entry["name"]: entry for entry in world["instance_types"]}
    pods = {pod["id"]: pod for pod in world["pods"]}
    placed = Counter(pod for _, hosted in nodes for pod in hosted)
    for pod in sorted(set(pods) | set(placed)):
        if placed[pod] != (1 if pod in pods else 0):
            yield f"{pod} is placed {placed[pod]} times"
    spent = 0.0
    for name, hosted in nodes:
        kind = types[name]
        spent += min(offer["price"] for offer in kind["offerings"])
        yield from _misplaced(kind, [pods[pod] for pod in hosted if pod in pods])
    if abs(spent - usd_per_hour) > HAIR * (1 + spent):
        yield f"costs {spent}, not {usd_per_hour}"


def _misplaced(kind: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for pod in pods:
        for label, values in (pod.get("need") or {}).items():
            if kind["labels"].get(label) not in values:
                yield f"{pod['id']} may not run on {kind['name']}"
    usable = {
        "cpu_m": kind["cpu_m"] - KEPT_CPU_M,
        "mem_mi": kind["mem_mi"] - KEPT_MEM_MI,
        "gpu": kind["gpu"],
    }
    for resource, room in usable.items():
        if sum(pod[resource] for pod in pods) > room:
            yield f"{kind['name']} has too little {resource}"
    if len(pods) > kind["pods"]:
        yield f"{kind['name']} has too many pods"


def the_question(world: Mapping[str, Any]) -> tuple[NodeTypes, PodClasses, list[list[str]]]:
    """The input as arrays, and the pods of each class by id."""
    kinds = world["instance_types"]
    types = NodeTypes(
        names=tuple(kind["name"] for kind in kinds),
        room=np.array(
            [
                (k["gpu"], k["cpu_m"] - KEPT_CPU_M, k["mem_mi"] - KEPT_MEM_MI, k["pods"])
                for k in kinds
            ],
            dtype=np.float64,
        ),
        usd_per_hour=np.array([min(o["price"] for o in k["offerings"]) for k in kinds]),
        most=np.full(len(kinds), np.inf),
    )
    members: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for pod in world["pods"]:
        need = json.dumps(pod.get("need") or {}, sort_keys=True)
        members[pod["gpu"], pod["cpu_m"], pod["mem_mi"], need].append(pod["id"])
    keys = sorted(members)
    classes = PodClasses(
        take=np.array([(*key[:3], 1) for key in keys], dtype=np.float64).reshape(-1, 4),
        count=np.array([len(members[key]) for key in keys], dtype=np.int64),
        allowed=np.array([[_may(json.loads(key[3]), k["labels"]) for k in kinds] for key in keys]),
    )
    return types, classes, [members[key] for key in keys]


def _may(need: Mapping[str, Sequence[str]], labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) in values for label, values in need.items())


def the_plan(types: NodeTypes, members: Sequence[Sequence[str]], packing: Packing) -> list[Node]:
    """Every node by itself, with the ids of its pods."""
    queues = [iter(ids) for ids in members]
    return [
        (
            types.names[kind],
            [next(queue) for queue, n in zip(queues, pods, strict=True) for _ in range(n)],
        )
        for kind, pods, nodes in zip(
            packing.fillings.kind, packing.fillings.pods, packing.nodes, strict=True
        )
        for _ in range(nodes)
    ]


def _measured(path: Path) -> Outcome:
    world = json.loads(path.read_text(encoding="utf-8"))
    types, classes, members = the_question(world)
    first, packing = pack_first(types, classes), pack(types, classes)
    broken = [
        *wrongs(world, the_plan(types, members, first), first.usd_per_hour),
        *wrongs(world, the_plan(types, members, packing), packing.usd_per_hour),
    ]
    karpenter = _karpenter(path)
    if karpenter < packing.bound * (1 - HAIR):
        broken.append("the bound is above a plan that exists")
    return Outcome(
        name=path.name.removesuffix(SUFFIX),
        packing=packing,
        karpenter=karpenter,
        first=timed(lambda: pack_first(types, classes), RUNS),
        final=timed(lambda: pack(types, classes), RUNS),
        first_usd=first.usd_per_hour,
        broken=tuple(broken),
    )


def _karpenter(path: Path) -> float:
    """USD an hour of Karpenter's plan beside the input; infinite where there is none."""
    beside = path.with_name(path.name.removesuffix(SUFFIX) + ".karp.json")
    if not beside.is_file():
        return float("inf")
    return float(json.loads(beside.read_text(encoding="utf-8"))["total_price_per_hour"])


def _figure(outcome: Outcome) -> Figure:
    packing = outcome.packing
    return Figure(
        name=f"gpu_packing.{outcome.name}",
        measured=outcome.ratio,
        bound=WORST,
        unit="x bound",
        runs=RUNS,
        details={
            "USD/h": f"{packing.usd_per_hour:.3f}",
            "bound": f"{packing.bound:.3f}",
            "over the relaxed bound": f"{packing.cost / max(packing.relaxed_bound, HAIR):.4f} x",
            "karpenter": f"{outcome.karpenter / max(packing.bound, HAIR):.3f} x bound",
            "first": f"{outcome.first_usd / max(packing.bound, HAIR):.4f} x bound in "
            f"{1e3 * outcome.first.wall_s:.0f} ms",
            "final": f"{1e3 * outcome.final.wall_s:.0f} ms, cpu {1e3 * outcome.final.cpu_s:.0f} ms",
            "nodes": str(int(packing.nodes.sum())),
            "feasible": f"no: {outcome.broken[0]}" if outcome.broken else "yes",
        },
    )


def _summary(outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    def told(name: str, measured: float, bound: float, unit: str) -> Figure:
        return Figure(
            name=f"gpu_packing.{name}",
            measured=measured,
            bound=bound,
            unit=unit,
            runs=len(outcomes),
        )

    above = [o for o in outcomes if o.packing.usd_per_hour > o.karpenter * (1 + HAIR)]
    yield told("mean_ratio", mean(o.ratio for o in outcomes), MEAN, "x bound")
    yield told("worst_ratio", max(o.ratio for o in outcomes), WORST, "x bound")
    yield told("above_karpenter", len(above), 0, "files")
    yield told("infeasible", sum(1 for o in outcomes if o.broken), 0, "files")
    yield told("slowest_first", 1e3 * max(o.first.wall_s for o in outcomes), FIRST_MS, "ms")
    yield told("slowest_final", 1e3 * max(o.final.wall_s for o in outcomes), FINAL_MS, "ms")


if __name__ == "__main__":
    sys.exit(alone(gpu_packing, sys.argv[1:]))
