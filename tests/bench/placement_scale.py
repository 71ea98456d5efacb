"""Placement at scale: time, memory and proven gap of whole-node plans for many workloads."""

import argparse
import importlib.util
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block, Floats, Ints
from scheduler.model.policy import at_least, at_most
from scheduler.model.problem import Problem, by_unknown, stack
from scheduler.solve.answer import is_feasible
from scheduler.solve.large.front import LargeAnswer, Warm, solve_large
from tests.bench.alone import SHARED, alone
from tests.bench.figures import Asked, Figure

GENERATOR = SHARED / "bench" / "placement_instances.py"
OWNER = PolicyName("placement")
HAIR = 1e-6
MOST_GIB = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is asked of one size: seconds from blocks and rules to a checked answer, and a gap."""

    workloads: int
    pools: int
    cold_s: float
    warm_s: float | None
    gap: float


SIZES = (
    Size(workloads=1_000, pools=50, cold_s=0.5, warm_s=None, gap=0.002),
    Size(workloads=10_000, pools=100, cold_s=2.0, warm_s=0.3, gap=0.003),
    Size(workloads=100_000, pools=200, cold_s=30.0, warm_s=None, gap=0.005),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """Workloads, pools, and the pairs of them that are allowed."""

    workload: Ints
    pool: Ints
    speed: Floats
    """Of one GPU of the pair."""
    egress_usd: Floats
    demand: Floats
    node_usd: Floats
    gpus_per_node: Floats
    most_nodes: Floats
    missing_usd: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One solve with its time and what a second opinion says of it."""

    answer: LargeAnswer
    seconds: float
    cpu_s: float
    usd: float
    bound: float
    broken: tuple[str, ...]


def placement_scale(asked: Asked) -> Iterator[Figure]:
    """Whole nodes for each size of the issue: cold, then after a 1 % change of demand."""
    yield from measured(asked, SIZES)


def measured(asked: Asked, sizes: Sequence[Size]) -> Iterator[Figure]:
    """Time, gap and memory of each size."""
    generator = asked.inputs[0] if asked.inputs else GENERATOR
    if not generator.is_file():
        print(f"skipped: no {generator}", file=sys.stderr)
        return
    drawn = _module(generator)
    # The first solve of a process loads the solver's library: that is not placement.
    _run(_instance(drawn.gen(50, 10, asked.seed)), 0.01, None)
    for size in sizes:
        arrays = drawn.gen(size.workloads, size.pools, asked.seed)
        instance = _instance(arrays)
        changed = replace(instance, demand=drawn.perturb(arrays))
        del arrays
        cold = _run(instance, size.gap, None)
        yield from _told(size, cold, "cold", size.cold_s)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        yield Figure(
            name=f"{_name(size)} peak memory", measured=peak, bound=MOST_GIB, unit="GiB", runs=1
        )
        warm = _run(changed, size.gap, cold.answer.warm)
        yield from _told(size, warm, "after a 1 % change", size.warm_s)


def _name(size: Size) -> str:
    return f"placement {size.workloads:,} x {size.pools}"


def _told(size: Size, run: Run, what: str, limit_s: float | None) -> Iterator[Figure]:
    gap = (run.usd - run.bound) / run.usd
    name = f"{_name(size)} {what}"
    details = {
        "usd_per_hour": f"{run.usd:.2f}",
        "bound": f"{run.bound:.2f}",
        "cpu_s": f"{run.cpu_s:.2f}",
        "feasible": "; ".join(run.broken) or "yes",
    }
    seconds = run.seconds if not run.broken else np.inf
    yield Figure(
        name=f"{name}: time",
        measured=seconds,
        bound=size.cold_s if limit_s is None else limit_s,
        unit="s",
        runs=1,
        details=details,
    )
    yield Figure(
        name=f"{name}: gap", measured=100.0 * gap, bound=100.0 * size.gap, unit="%", runs=1
    )


def _run(instance: Instance, gap: float, warm: Warm | None) -> Run:
    """From blocks and rules to a checked answer; then the second opinion, off the clock."""
    wall, cpu = time.perf_counter(), time.process_time()
    problem = modelled(instance)
    answer = solve_large(problem, gap, warm)
    feasible = is_feasible(problem, answer.x)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    nodes, units = _parts(instance, answer)
    usd, broken = opinion(instance, nodes, units)
    bound = proven(instance, *_proof(answer))
    if not feasible:
        broken = (*broken, "the product's own check refuses it")
    return Run(answer=answer, seconds=wall, cpu_s=cpu, usd=usd, bound=bound, broken=broken)


def modelled(instance: Instance) -> Problem:
    """The product's own model: blocks, a demand rule, a capacity rule, costs."""
    count, pools = len(instance.demand), len(instance.node_usd)
    nodes = Block(name="nodes", lower=np.zeros(pools), upper=instance.most_nodes, integer=True)
    pairs = len(instance.pool)
    units = Block(name="units", lower=np.zeros(pairs), upper=np.full(pairs, np.inf))
    missing = Block(name="missing", lower=np.zeros(count), upper=instance.demand)
    gpus = units.value
    served = (gpus * instance.speed).sum_by(instance.workload, count) + missing.value
    used = gpus.sum_by(instance.pool, pools) - nodes.value * instance.gpus_per_node
    rules = (
        at_least("demand", served, instance.demand, words=lambda i: f"{i} is served"),
        at_most("capacity", used, np.zeros(pools), words=lambda i: f"{i} holds what fits"),
    )
    blocks = (nodes, units, missing)
    usd = gpus @ instance.egress_usd + nodes.value @ instance.node_usd
    bill = by_unknown(usd + missing.value @ np.full(count, instance.missing_usd), blocks)
    named = [(OWNER, rule, rule.value) for rule in rules]
    return stack(blocks, named, {OWNER: bill}, np.zeros(len(bill[0])))


def _parts(instance: Instance, answer: LargeAnswer) -> tuple[Floats, Floats]:
    pools, pairs = len(instance.node_usd), len(instance.pool)
    x = answer.x if answer.x is not None else np.full(pools + pairs, np.nan)
    return x[:pools], x[pools : pools + pairs]


def opinion(instance: Instance, nodes: Floats, gpus: Floats) -> tuple[float, tuple[str, ...]]:
    """USD per hour of a plan by plain arithmetic, and all that is wrong with it."""
    broken = []
    if not (np.isfinite(nodes).all() and np.isfinite(gpus).all()):
        return np.inf, ("no plan",)
    if (np.abs(nodes - np.round(nodes)) > 0.0).any():
        broken.append("nodes are not whole")
    if (nodes < 0.0).any() or (nodes > instance.most_nodes).any():
        broken.append("more nodes than there are, or fewer than none")
    if (gpus < 0.0).any():
        broken.append("negative GPUs")
    used = np.bincount(instance.pool, gpus, minlength=len(nodes))
    room = instance.gpus_per_node * nodes
    if (used > room * (1.0 + HAIR) + HAIR).any():
        broken.append("more GPUs used than the nodes have")
    served = np.bincount(instance.workload, instance.speed * gpus, minlength=len(instance.demand))
    missing = np.maximum(0.0, instance.demand - served)
    usd = instance.node_usd @ nodes + instance.egress_usd @ gpus
    return float(usd + instance.missing_usd * missing.sum()), tuple(broken)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Said to hold for every whole plan: GPUs of some pairs of one pool - rest * nodes <= limit."""

    pool: int
    pairs: Ints
    rest: float
    limit: float
    price: float
    """At least 0: what a unit of the limit is worth."""


def proven(instance: Instance, gpu_usd: Floats, cuts: Sequence[Cut]) -> float:
    """The Lagrangian bound of prices of GPUs and cuts, by plain arithmetic; -inf for a wrong cut.

    `sum of demand * min(missing, (egress + prices of the GPU) / speed) + sum of the least that
    nodes may cost - sum of what the limits of cuts are worth`, for any prices of at least 0.
    """
    price = gpu_usd[instance.pool] + instance.egress_usd
    node_usd = instance.node_usd - gpu_usd * instance.gpus_per_node
    worth = 0.0
    for cut in cuts:
        if not _holds(instance, cut):
            return -np.inf
        price[cut.pairs] += cut.price
        node_usd[cut.pool] -= cut.price * cut.rest
        worth += cut.price * cut.limit
    if (gpu_usd < 0.0).any() or (price < 0.0).any():
        return -np.inf
    least = np.full(len(instance.demand), instance.missing_usd)
    np.minimum.at(least, instance.workload, price / instance.speed)
    idle = np.minimum(0.0, node_usd * instance.most_nodes).sum()
    return float(least @ instance.demand + idle - worth)


def _holds(instance: Instance, cut: Cut) -> bool:
    """Whether every whole number of nodes keeps the cut.

    No pair is ever given more than serves its workload: n nodes give the pairs the least of that
    and of what the nodes have.
    """
    most = (instance.demand[instance.workload[cut.pairs]] / instance.speed[cut.pairs]).sum()
    nodes = np.arange(instance.most_nodes[cut.pool] + 1.0)
    given = np.minimum(most, instance.gpus_per_node[cut.pool] * nodes)
    mine = bool(np.all(instance.pool[cut.pairs] == cut.pool))
    once = len(np.unique(cut.pairs)) == len(cut.pairs)
    within = given - cut.rest * nodes <= cut.limit + HAIR * (1.0 + abs(cut.limit))
    return mine and once and cut.price >= 0.0 and bool(np.all(within))


def _proof(answer: LargeAnswer) -> tuple[Floats, list[Cut]]:
    """The prices and cuts that the answer's bound rests on."""
    kept = answer.warm
    assert kept is not None
    shape, cuts = kept.large.shape, kept.cuts
    pools = len(shape.ties)
    found = []
    for number in range(cuts.count):
        entry = cuts.free_of == number
        offers = shape.offers[cuts.offer[cuts.of == number]]
        found.append(
            Cut(
                pool=int(cuts.free[entry][0]),
                pairs=offers.astype(np.int64) - pools,
                rest=-float(cuts.free_factor[entry][0]),
                limit=float(cuts.limit[number]),
                price=-float(kept.cut[number]),
            )
        )
    return np.maximum(-kept.tie, 0.0), found


def _module(path: Path) -> Any:
    """The generator, a module with `gen(workloads, pools, seed)` and `perturb(instance)`."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _instance(arrays: Mapping[str, Any]) -> Instance:
    return Instance(
        workload=arrays["wi"],
        pool=arrays["pi"],
        speed=arrays["thr"],
        egress_usd=arrays["eg"],
        demand=arrays["d"],
        node_usd=arrays["price"],
        gpus_per_node=arrays["g"],
        most_nodes=arrays["N"],
        missing_usd=float(arrays["M"]),
    )


def _asked_sizes(arguments: Sequence[str]) -> tuple[Sequence[Size], list[str]]:
    """The sizes that are asked for, and the arguments that all benches know."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--workloads", type=int)
    parser.add_argument("--pools", type=int)
    parser.add_argument("--gap", type=float, default=0.003, help="of a size that has no bound")
    chosen, rest = parser.parse_known_args(arguments)
    if chosen.workloads is None or chosen.pools is None:
        return SIZES, rest
    known = [s for s in SIZES if (s.workloads, s.pools) == (chosen.workloads, chosen.pools)]
    other = Size(
        workloads=chosen.workloads, pools=chosen.pools, cold_s=30.0, warm_s=None, gap=chosen.gap
    )
    return known or [other], rest


def _main(arguments: Sequence[str]) -> int:
    sizes, rest = _asked_sizes(arguments)

    def chosen(asked: Asked) -> Iterator[Figure]:
        yield from measured(asked, sizes)

    bench: Callable[[Asked], Iterator[Figure]] = chosen
    bench.__doc__ = placement_scale.__doc__
    return alone(bench, rest)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
