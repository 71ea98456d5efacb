"""Which accelerator and how many replicas for each inference server, within scarce capacity."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Affine, Block, Floats, Ints
from scheduler.model.policy import HARD, Contribution, Rules, at_least, at_most
from scheduler.model.problem import Problem
from tests.bench.alone import alone, recorded
from tests.bench.figures import Asked, Figure, timed
from tests.bench.mixes import HAIR, opinion_on_servers
from tests.bench.modelled import modelled, solved

MOST_S = 1.0
OWNER = PolicyName("inferno")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """A candidate table, the units of each accelerator type, and the costs that are told."""

    name: str
    candidates: Sequence[Mapping[str, Any]]
    capacity: Mapping[str, int]
    expected: Mapping[str, float]

    @property
    def servers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(dict.fromkeys(row["Server"] for row in self.candidates))

    def column(self, key: str) -> Floats:
        """One figure of every candidate."""
        return np.array([row[key] for row in self.candidates], dtype=float)

    def row_of(self, key: str, names: Sequence[str]) -> Ints:
        """The position of every candidate's server or type among the names."""
        return np.array([names.index(row[key]) for row in self.candidates], dtype=np.int64)


def inferno(asked: Asked) -> Iterator[Figure]:
    """Both problems on each table: cost against the optimum told, time, proven gap."""
    for path in recorded(asked, "data", "inferno", "candidates_*.json"):
        for file in sorted(path.glob("candidates_*.json")) if path.is_dir() else [path]:
            instance = read(file)
            yield from _told(instance, cheapest_single, "optimum_one_accelerator_per_server")
            yield from _told(instance, cheapest_mixed, "optimum_mixed_accelerators_per_server")


def read(path: Path) -> Instance:
    """`candidates_NAME.json`; `NAME/capacity-data.json` and `expected_NAME.json` lie beside it."""
    name = path.stem.removeprefix("candidates_")
    capacity = json.loads((path.parent / name / "capacity-data.json").read_text(encoding="utf-8"))
    answers = path.parent / f"expected_{name}.json"
    return Instance(
        name=name,
        candidates=json.loads(path.read_text(encoding="utf-8"))["candidates"],
        capacity={row["type"]: row["count"] for row in capacity["count"]},
        expected=json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else {},
    )


def cheapest_single(instance: Instance) -> tuple[list[int], float]:
    """Replicas by candidate, all of a server's on one; and what nothing can cost less than."""
    size, servers = len(instance.candidates), instance.servers
    taken = _block("taken", instance, np.ones(size))
    one = taken.value.sum_by(instance.row_of("Server", servers), len(servers))
    alone_ = Rules(
        name="one",
        value=one,
        lower=np.ones(len(servers)),
        upper=np.ones(len(servers)),
        strictness=HARD,
        words=lambda row: f"{servers[row]} runs on one accelerator",
    )
    replicas = instance.column("Replicas")
    part = Contribution(
        usd_per_hour=taken.value @ instance.column("Cost"),
        rules=(alone_, _within(instance, taken.value * replicas)),
        blocks=(taken,),
    )
    counts, bound = _answer(modelled(part, OWNER))
    return [round(n) for n in counts * replicas], bound


def cheapest_mixed(instance: Instance) -> tuple[list[int], float]:
    """Replicas by candidate, any mix; and what nothing can cost less than."""
    servers, replicas = instance.servers, instance.column("Replicas")
    share = instance.column("RatePerReplica") / instance.column("Arr")
    count = _block("replicas", instance, np.ceil(1.0 / share - 1e-9))
    served = (count.value * share).sum_by(instance.row_of("Server", servers), len(servers))
    load = at_least(
        "load",
        served,
        np.ones(len(servers)),
        words=lambda row: f"{servers[row]} carries its load",
    )
    part = Contribution(
        usd_per_hour=count.value @ (instance.column("Cost") / replicas),
        rules=(load, _within(instance, count.value)),
        blocks=(count,),
    )
    counts, bound = _answer(modelled(part, OWNER))
    return [round(n) for n in counts], bound


def _block(name: str, instance: Instance, upper: Floats) -> Block:
    rows = instance.candidates
    return Block(
        name=name,
        lower=np.zeros(len(upper)),
        upper=upper,
        integer=True,
        label=lambda i: f"{rows[i]['Server']}@{rows[i]['Acc']}",
    )


def _within(instance: Instance, replicas: Affine) -> Rules:
    """No accelerator type has more units in use than there are."""
    kinds = list(instance.capacity)
    units = instance.column("Mult") * instance.column("Inst")
    return at_most(
        "units",
        (replicas * units).sum_by(instance.row_of("Type", kinds), len(kinds)),
        np.array(list(instance.capacity.values()), dtype=float),
        words=lambda row: f"no more units of {kinds[row]} than there are",
    )


def _answer(problem: Problem) -> tuple[Floats, float]:
    solution = solved(problem)
    return solution.x, solution.bound


def _told(
    instance: Instance, cheapest: Callable[[Instance], tuple[list[int], float]], optimum: str
) -> Iterator[Figure]:
    """The cost beside the optimum that is told, or else beside what the solver proved."""
    single = cheapest is cheapest_single
    name = f"inferno {instance.name}, {'one accelerator' if single else 'mixed'}"
    seconds = timed(lambda: cheapest(instance), runs=3)
    replicas, bound = cheapest(instance)
    opinion = opinion_on_servers(instance.candidates, instance.capacity, replicas, one_each=single)
    if opinion.broken:
        raise AssertionError(f"{name}: {'; '.join(opinion.broken)}")
    details = {"proven": f"{bound:,.6g}", "gap": f"{max(0.0, 1.0 - bound / opinion.cost):.2g}"}
    yield Figure(
        name=f"{name}: cost",
        measured=opinion.cost,
        bound=instance.expected.get(optimum, bound + HAIR),
        unit="cents/h",
        runs=1,
        details=details,
    )
    yield Figure(
        name=f"{name}: time",
        measured=seconds.wall_s,
        bound=MOST_S,
        unit="s",
        runs=seconds.runs,
        details={"CPU s": f"{seconds.cpu_s:.3f}"},
    )


if __name__ == "__main__":
    sys.exit(alone(inferno, sys.argv[1:]))
