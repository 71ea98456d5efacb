"""GPU mixes: whole GPUs of several types for a histogram of request sizes, shares at will."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block, Floats, Ints
from scheduler.model.policy import HARD, Contribution, Rules, at_most
from scheduler.model.problem import Problem
from tests.bench.alone import alone, recorded
from tests.bench.figures import Asked, Figure, timed
from tests.bench.mixes import CANNOT, HAIR, Mix, fluid_cost, opinion_on_mix, single_type_cost
from tests.bench.modelled import modelled, solved

MOST_S = 0.11
"""The slowest instance."""
HEADROOM = 0.1
"""Exactly full GPUs are a knife's edge: the cost with this much of each kept free is told, too."""
OWNER = PolicyName("melange")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Buckets:
    """One instance as arrays: a piece is a bucket on a GPU type that can serve it."""

    gpus: tuple[str, ...]
    usd_per_gpu_hour: Floats
    at: tuple[tuple[int, int], ...]
    """Row and column of each bucket that has requests."""
    bucket: Ints
    gpu: Ints
    load: Floats
    """GPUs that a piece keeps busy when it gets the whole bucket."""


def melange(asked: Asked) -> Iterator[Figure]:
    """The cost of each instance, proven; the slowest one; the largest gap."""
    found = recorded(asked, "data", "melange", "*.json")
    files = [file for path in found for file in _files(path) if _is_instance(file)]
    if not files:
        return
    slowest, gap = (0.0, ""), (0.0, "")
    for path in files:
        instance = json.loads(path.read_text(encoding="utf-8"))
        seconds = timed(lambda: cheapest_mix(instance), runs=3).wall_s  # noqa: B023 - called here
        mix, bound = cheapest_mix(instance)
        opinion = opinion_on_mix(instance, mix)
        if opinion.broken:
            raise AssertionError(f"{path.name}: {'; '.join(opinion.broken)}")
        slowest = max(slowest, (seconds, path.stem))
        gap = max(gap, (1.0 - bound / max(opinion.cost, 1e-9), path.stem))
        yield _told(path, instance, mix, opinion.cost, bound)
    yield Figure(
        name="melange, slowest",
        measured=slowest[0],
        bound=MOST_S,
        unit="s",
        runs=3,
        details={"instance": slowest[1]},
    )
    yield Figure(
        name="melange, largest gap",
        measured=max(0.0, gap[0]),
        bound=1e-6,
        unit="",
        runs=len(files),
        details={"instance": gap[1]} if gap[1] else {},
    )


def cheapest_mix(instance: Mapping[str, Any], capacity: float = 1.0) -> tuple[Mix, float]:
    """The best mix with `capacity` of each GPU used, and what none can cost less than."""
    buckets = _buckets(instance)
    problem = _problem(buckets, capacity)
    solution = solved(problem)
    count, share = solution.x[problem.span("gpus")], solution.x[problem.span("share")]
    mix = Mix(
        gpus={name: round(n) for name, n in zip(buckets.gpus, count.tolist(), strict=True)},
        shares={
            (*buckets.at[bucket], buckets.gpus[gpu]): part
            for bucket, gpu, part in zip(
                buckets.bucket.tolist(), buckets.gpu.tolist(), share.tolist(), strict=True
            )
        },
    )
    return mix, solution.bound


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _is_instance(path: Path) -> bool:
    """The folder also holds answers and published tables."""
    return "gpu_info" in json.loads(path.read_text(encoding="utf-8"))


def _buckets(instance: Mapping[str, Any]) -> Buckets:
    kinds = instance["gpu_info"]
    shares = np.array(instance["workload_distribution"], dtype=float)
    able = np.array([kind["tputs"] for kind in kinds.values()], dtype=float)
    row, column = np.nonzero(shares > 0.0)
    bucket, gpu = np.nonzero((able[:, row, column] > CANNOT).T)
    rate = shares[row, column] * instance["total_request_rate"]
    return Buckets(
        gpus=tuple(kinds),
        usd_per_gpu_hour=np.array([kind["cost"] for kind in kinds.values()], dtype=float),
        at=tuple(zip(row.tolist(), column.tolist(), strict=True)),
        bucket=bucket,
        gpu=gpu,
        load=rate[bucket] / able[gpu, row[bucket], column[bucket]],
    )


def _problem(buckets: Buckets, capacity: float) -> Problem:
    """Every bucket is served once, and no GPU type gets more load than it carries."""
    kinds, pieces = len(buckets.gpus), len(buckets.load)
    gpus = Block(
        name="gpus",
        lower=np.zeros(kinds),
        upper=np.full(kinds, np.inf),
        integer=True,
        label=lambda i: buckets.gpus[i],
    )
    share = Block(name="share", lower=np.zeros(pieces), upper=np.ones(pieces))
    served = share.value.sum_by(buckets.bucket, len(buckets.at))
    load = (share.value * buckets.load).sum_by(buckets.gpu, kinds)
    once = Rules(
        name="served",
        value=served,
        lower=np.ones(served.rows),
        upper=np.ones(served.rows),
        strictness=HARD,
        words=lambda row: f"bucket {buckets.at[row]} is served",
    )
    room = at_most(
        "room",
        load - gpus.value * capacity,
        np.zeros(kinds),
        words=lambda row: f"{buckets.gpus[row]} gets no more load than it carries",
    )
    part = Contribution(
        usd_per_hour=gpus.value @ buckets.usd_per_gpu_hour,
        rules=(once, room),
        blocks=(gpus, share),
    )
    return modelled(part, OWNER)


def _told(path: Path, instance: Mapping[str, Any], mix: Mix, cost: float, bound: float) -> Figure:
    """The cost beside that of the published model, or else of the cheapest single type."""
    published, source = _published(path, instance, bound)
    roomy, _ = cheapest_mix(instance, capacity=1.0 - HEADROOM)
    spare = opinion_on_mix(instance, roomy, 1.0 - HEADROOM)
    if spare.broken:
        raise AssertionError(f"{path.name} with headroom: {'; '.join(spare.broken)}")
    return Figure(
        name=f"melange {path.stem}",
        measured=cost,
        bound=published,
        unit="USD/h",
        runs=1,
        details={
            "bound of": source,
            "GPUs": " ".join(f"{n} {name}" for name, n in mix.gpus.items() if n),
            "proven": f"{bound:.6g}",
            "parts of GPUs": f"{fluid_cost(instance):.6g}",
            "with 10 % headroom": f"{spare.cost:g}",
        },
    )


def _published(path: Path, instance: Mapping[str, Any], proven: float) -> tuple[float, str]:
    """The cost to compare with, and whose it is."""
    told = instance.get("expected_usd_per_h")
    if told:
        return float(told["continuous"]), "the optimum that its file tells"
    answers = path.parent / "expected.json"
    found = json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    if path.stem in found:
        return float(found[path.stem]["slice_factor_8"]["usd_per_h"]), "slice factor 8"
    single = single_type_cost(instance)
    return (single, "the cheapest single type") if single < inf else (proven + HAIR, "the proof")


if __name__ == "__main__":
    sys.exit(alone(melange, sys.argv[1:]))
