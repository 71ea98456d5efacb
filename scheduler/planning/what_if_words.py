"""What is supposed, in words: each thing as it is and as it would be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.planning.figures import listed, milliseconds, plural, rate
from scheduler.planning.suppositions import (
    Amount,
    BudgetCap,
    ClusterLost,
    JobDeadline,
    JobSuspended,
    PoolMax,
    PoolPrice,
    PoolSoldOut,
    Relation,
    ServiceLoad,
    ServiceObjective,
    Supposition,
)
from scheduler.planning.what_if import Supposed

EACH = 4
"""Of more things than this only the names are told, and what is supposed of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worlds:
    """The world as it is, and as it is supposed to be."""

    today: Supposed
    then: Supposed
    cap_today: float | None = None
    """The budget's USD per hour; None without a budget."""
    cap_then: float | None = None


def supposed_words(worlds: Worlds, suppositions: Sequence[Supposition]) -> tuple[str, ...]:
    """One sentence a thing, in the order in which it was supposed."""
    found = (line for supposition in suppositions for line in _lines(worlds, supposition))
    return tuple(dict.fromkeys(found))


def _lines(worlds: Worlds, supposition: Supposition) -> Iterator[str]:
    match supposition:
        case PoolPrice() | PoolMax() | ServiceLoad() | ServiceObjective():
            yield from _amounts(worlds, supposition)
        case PoolSoldOut(pools, sold_out):
            yield f"{listed(list(pools), most=8)}: {'sold out' if sold_out else 'to be had'}"
        case ClusterLost(clusters):
            yield from _lost(worlds, clusters)
        case JobDeadline(jobs):
            yield from (f"deadline of {job}: {_step(worlds, job, _deadline)}" for job in jobs)
        case JobSuspended(jobs, suspended):
            yield f"{listed(list(jobs), most=8)}: {'suspended' if suspended else 'not suspended'}"
        case BudgetCap():
            yield f"budget: {_cap(worlds.cap_today)} -> {_cap(worlds.cap_then)}"
        case _:
            assert_never(supposition)


def _amounts(
    worlds: Worlds, supposition: PoolPrice | PoolMax | ServiceLoad | ServiceObjective
) -> Iterator[str]:
    match supposition:
        case PoolPrice(pools, usd):
            yield from _each(worlds, "price", "pool", pools, usd, _node_price)
        case PoolMax(pools, nodes):
            yield from _each(worlds, "nodes.max", "pool", pools, nodes, _most)
        case ServiceLoad(services, rps):
            yield from _each(worlds, "load", "service", services, rps, _load)
        case ServiceObjective(services, seconds):
            yield from _each(worlds, "objective", "service", services, seconds, _objective)
        case _:
            assert_never(supposition)


Told = Callable[[Supposed, str], str]


def _each(
    worlds: Worlds, what: str, noun: str, names: Sequence[str], amount: Amount, told: Told
) -> Iterator[str]:
    """Each thing before and after; of many only what is supposed of all of them."""
    if len(names) > EACH:
        yield f"{what} of {plural(len(names), noun)}: {_told(amount)} ({listed(list(names))})"
        return
    for name in names:
        yield f"{what} of {name}: {_step(worlds, name, told)}"


def _step(worlds: Worlds, name: str, told: Told) -> str:
    before, after = told(worlds.today, name), told(worlds.then, name)
    if before == after:
        return f"{before} as today"
    number, _, unit = before.partition(" ")
    # The unit is said once: `21.96 -> 26.35 USD/node-h`.
    return f"{number if unit == after.partition(' ')[2] else before} -> {after}"


def _told(amount: Amount) -> str:
    match amount.relation:
        case Relation.IS:
            return f"{amount.value:g}"
        case Relation.TIMES:
            return f"{amount.value:g} times today's"
        case Relation.PLUS:
            return f"{amount.value:+g}"


def _node_price(world: Supposed, name: str) -> str:
    pool = world.snapshot.fleet.pools.get(PoolName(name))
    if pool is None:
        return "none"
    return f"{world.demand.prices.get(pool.name, pool.usd_per_node_hour):,.4g} USD/node-h"


def _most(world: Supposed, name: str) -> str:
    pool = world.snapshot.fleet.pools.get(PoolName(name))
    return plural(pool.max_nodes, "node") if pool else "none"


def _load(world: Supposed, name: str) -> str:
    need = world.demand.services.get(WorkloadName(name))
    return rate(need.rps) if need else "unknown"


def _objective(world: Supposed, name: str) -> str:
    item = world.snapshot.fleet.services[WorkloadName(name)]
    return f"p{item.objective.quantile * 100:g} {milliseconds(item.objective.seconds)}"


def _deadline(world: Supposed, name: str) -> str:
    job = world.snapshot.fleet.jobs[WorkloadName(name)]
    return "none" if job.deadline is None else _instant(job.deadline)


def _instant(at: Instant) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{at:g} s"


def _cap(usd_per_hour: float | None) -> str:
    return "none" if usd_per_hour is None else f"{usd_per_hour:,.2f} USD/h"


def _lost(worlds: Worlds, clusters: Sequence[ClusterName]) -> Iterator[str]:
    """What goes with the clusters, and the data of which no copy is left."""
    fleet = worlds.today.snapshot.fleet
    for name in clusters:
        pools = len(fleet.pools_of(name))
        report = worlds.today.snapshot.sites.get(name)
        nodes = len(report.nodes) if report else 0
        yield f"{name} is lost: {plural(pools, 'pool')}, {plural(nodes, 'node')} of today"
    left = worlds.then.snapshot.fleet.clusters
    for data in fleet.datasets.values():
        if data.homes and any(h in clusters for h in data.homes) and not left.keys() & data.homes:
            yield f"no copy of {data.name} is left: it was in {listed(list(data.homes))} only"
