"""A second opinion on mixes of accelerators: plain arithmetic on the files, none of our model."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

CANNOT = 1e-6
"""A throughput up to this many requests/s says that a GPU cannot serve the bucket."""
HAIR = 1e-6
NOISE = 1e-9
"""GPUs: load below it is a rounding error of an empty kind."""
"""Loads, shares and rates may be off by this much: it is how exact the solver is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a result costs by our own sum, and everything that is wrong with it."""

    cost: float
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """GPUs by type, and the share of each bucket that each type serves."""

    gpus: Mapping[str, int]
    shares: Mapping[tuple[int, int, str], float]
    """By row and column of the histogram and GPU type; what is not named is 0."""


def opinion_on_mix(instance: Mapping[str, Any], mix: Mix, capacity: float = 1.0) -> Opinion:
    """Loads recomputed from throughputs; each GPU carries `capacity`, 1.0 being all it can."""
    return Opinion(
        cost=_tidy(sum(instance["gpu_info"][g]["cost"] * n for g, n in mix.gpus.items())),
        broken=tuple(_wrong_with_mix(instance, mix, capacity)),
    )


def buckets(instance: Mapping[str, Any]) -> Iterator[tuple[int, int, float]]:
    """Row, column and requests/s of every bucket that has requests."""
    for row, line in enumerate(instance["workload_distribution"]):
        for column, share in enumerate(line):
            if share > 0:
                yield row, column, share * instance["total_request_rate"]


def _wrong_with_mix(instance: Mapping[str, Any], mix: Mix, capacity: float) -> Iterator[str]:
    served: dict[tuple[int, int], float] = defaultdict(float)
    load: dict[str, float] = dict.fromkeys(mix.gpus, 0.0)
    rates = {(row, column): rate for row, column, rate in buckets(instance)}
    for (row, column, gpu), share in mix.shares.items():
        able = instance["gpu_info"][gpu]["tputs"][row][column]
        if share < -HAIR or (share > HAIR and able <= CANNOT):
            yield f"{gpu} cannot serve {share:g} of bucket {row},{column}"
        elif share > 0.0:
            served[row, column] += share
            load[gpu] = load.get(gpu, 0.0) + share * rates.get((row, column), 0.0) / able
    for at in rates:
        if abs(served[at] - 1.0) > HAIR:
            yield f"bucket {at[0]},{at[1]} is served {served[at]:g} times"
    for gpu, busy in load.items():
        count = mix.gpus.get(gpu, 0)
        most = capacity * count * (1.0 + HAIR) + NOISE
        if count != int(count) or count < 0 or busy > most:
            yield f"load {busy:g} on {count:g} GPUs {gpu}"


def fluid_cost(instance: Mapping[str, Any]) -> float:
    """No mix costs less: every bucket where it is served cheapest, by parts of GPUs."""
    kinds = instance["gpu_info"].values()
    return float(
        sum(
            min(
                kind["cost"] * rate / kind["tputs"][row][column]
                for kind in kinds
                if kind["tputs"][row][column] > CANNOT
            )
            for row, column, rate in buckets(instance)
        )
    )


def single_type_cost(instance: Mapping[str, Any]) -> float:
    """The cheapest fleet of one GPU type; infinite where no type serves every bucket."""
    best = inf
    for kind in instance["gpu_info"].values():
        parts = [(rate, kind["tputs"][row][column]) for row, column, rate in buckets(instance)]
        if all(able > CANNOT for _, able in parts):
            load = sum(rate / able for rate, able in parts)
            best = min(best, kind["cost"] * ceil(load * (1.0 - HAIR)))
    return _tidy(best)


def opinion_on_servers(
    candidates: Sequence[Mapping[str, Any]],
    capacity: Mapping[str, int],
    replicas: Sequence[float],
    *,
    one_each: bool,
) -> Opinion:
    """`replicas` of each candidate.

    `one_each`: a server has exactly one candidate, with all its Replicas; else any mix.
    """
    pairs = list(zip(candidates, replicas, strict=True))
    return Opinion(
        cost=_tidy(sum(row["Cost"] / row["Replicas"] * count for row, count in pairs)),
        broken=(
            *_wrong_counts(pairs, one_each=one_each),
            *_wrong_rates(pairs),
            *_wrong_units(pairs, capacity),
        ),
    )


def _wrong_counts(
    pairs: Sequence[tuple[Mapping[str, Any], float]], *, one_each: bool
) -> Iterator[str]:
    chosen: dict[str, int] = defaultdict(int)
    for row, count in pairs:
        chosen[row["Server"]] += count > 0
        if count != int(count) or count < 0:
            yield f"{count} replicas of {row['Server']} on {row['Acc']}"
        if one_each and count not in (0, row["Replicas"]):
            yield f"{count} of {row['Replicas']} replicas of {row['Server']} on {row['Acc']}"
    if one_each:
        yield from (f"{server} on {n} accelerators" for server, n in chosen.items() if n != 1)


def _wrong_rates(pairs: Sequence[tuple[Mapping[str, Any], float]]) -> Iterator[str]:
    """Whether the load of every server is served within its objective."""
    able: dict[str, float] = defaultdict(float)
    for row, count in pairs:
        able[row["Server"]] += row["RatePerReplica"] * count
    for server, wanted in {row["Server"]: row["Arr"] for row, _ in pairs}.items():
        if able[server] < wanted * (1.0 - HAIR):
            yield f"{server} serves {able[server]:g} of {wanted:g} requests/s"


def _wrong_units(
    pairs: Sequence[tuple[Mapping[str, Any], float]], capacity: Mapping[str, int]
) -> Iterator[str]:
    used: dict[str, float] = defaultdict(float)
    for row, count in pairs:
        used[row["Type"]] += row["Mult"] * row["Inst"] * count
    for kind, units in used.items():
        if units > capacity.get(kind, 0):
            yield f"{units:g} of {capacity.get(kind, 0)} units of {kind}"


def _tidy(cost: float) -> float:
    return round(cost, 9)
