"""What if: the world as it is, with something supposed, and what the plan would then be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TypeVar, assert_never

from scheduler.domain.demand import Demand, ServiceDemand
from scheduler.domain.difference import PlanDifference
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.plan import Plan
from scheduler.domain.readings import Freshness
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot, SoldOut
from scheduler.domain.workloads import TrainingJob
from scheduler.model.policy import Policy
from scheduler.planning.decision import Decision, settle
from scheduler.planning.difference import difference
from scheduler.planning.stay import keep, saves, stay
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
from scheduler.planning.write import write
from scheduler.solve.patience import Clock, no_clock

K = TypeVar("K")
V = TypeVar("V")
UNTIL_FURTHER_NOTICE = SoldOut(until=Instant(inf), strikes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A world in which something is supposed. All that runs in it, runs as it does today."""

    snapshot: Snapshot
    demand: Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A world, and the policies by which its plan is judged."""

    world: Supposed
    policies: tuple[Policy, ...]

    def settled(self, settings: SolverSettings, clock: Clock) -> Decision:
        """Its decision. Raises NoPlanError if hard rules contradict."""
        return settle(self.world.snapshot, self.world.demand, self.policies, settings, clock)


def suppose(
    snapshot: Snapshot,
    suppositions: Sequence[Supposition],
    expect: Callable[[Snapshot], Demand],
) -> Supposed:
    """The snapshot with all suppositions in their order, and what is then expected of it.

    Places, objectives and deadlines go through the forecast, as they would if they were true.
    Prices and loads are what the forecast would say: they take the place of its answer.
    """
    for supposition in suppositions:
        snapshot = _snapshot_with(snapshot, supposition)
    demand = expect(snapshot)
    for supposition in suppositions:
        demand = _demand_with(demand, snapshot.fleet, supposition)
    return Supposed(snapshot=snapshot, demand=demand)


def what_if(
    plan: Plan,
    today: Question,
    then: Question,
    settings: SolverSettings,
    words: tuple[str, ...],
    clock: Clock = no_clock,
) -> PlanDifference:
    """The plan of the supposed world beside `plan`, which is today's. Raises NoPlanError.

    Today's plan stays, as far as it can, unless another one pays because of what is supposed: one
    that would have been as good a change today is no answer, but a gap that today's plan has.
    """
    decision = then.settled(settings, clock)
    kept = stay(plan, decision, settings)
    if kept is not None:
        gain = saves(decision, kept, settings)
        if gain <= 0.0 or gain <= _gain_today(plan, today, write(decision), settings, clock):
            decision = keep(decision, kept, running=plan.proof.kept)
    usd = None if kept is None else kept.usd_per_hour
    return difference(plan, write(decision), words, usd)


def _gain_today(
    plan: Plan, today: Question, other: Plan, settings: SolverSettings, clock: Clock
) -> float:
    """What the other plan would save today; minus infinity where it cannot be or is not so good."""
    decision = today.settled(settings, clock)
    now = stay(other, decision, settings)
    if now is None or saves(decision, now, settings) == inf:
        return -inf
    return plan.proof.objective - now.usd_per_hour


def _snapshot_with(snapshot: Snapshot, supposition: Supposition) -> Snapshot:
    match supposition:
        case PoolMax() | PoolSoldOut() | ClusterLost():
            return _with_places(snapshot, supposition)
        case ServiceObjective() | JobDeadline() | JobSuspended():
            return _with_work(snapshot, supposition)
        case PoolPrice() | ServiceLoad() | BudgetCap():
            return snapshot
        case _:
            assert_never(supposition)


def _with_places(snapshot: Snapshot, supposition: PoolMax | PoolSoldOut | ClusterLost) -> Snapshot:
    match supposition:
        case PoolMax(pools, nodes):
            fleet = snapshot.fleet
            changed = _changed(fleet.pools, pools, lambda pool: _with_max(pool, nodes))
            return replace(snapshot, fleet=replace(fleet, pools=changed))
        case PoolSoldOut(pools, sold_out):
            return _with_offers(snapshot, pools, sold_out)
        case ClusterLost(clusters):
            return _without(snapshot, frozenset(clusters))
        case _:
            assert_never(supposition)


def _with_work(
    snapshot: Snapshot, supposition: ServiceObjective | JobDeadline | JobSuspended
) -> Snapshot:
    match supposition:
        case ServiceObjective(services, seconds):
            return _with_objectives(snapshot, services, seconds)
        case JobDeadline(jobs, at, later_s):
            return _with_jobs(snapshot, jobs, lambda job: _with_deadline(job, at, later_s))
        case JobSuspended(jobs, suspended):
            return _with_jobs(snapshot, jobs, lambda job: replace(job, suspended=suspended))
        case _:
            assert_never(supposition)


def _changed(table: Mapping[K, V], keys: Iterable[K], change: Callable[[V], V]) -> dict[K, V]:
    """The table with some of its values changed; keys that it lacks add nothing."""
    wanted = set(keys)
    return {key: change(value) if key in wanted else value for key, value in table.items()}


def _with_max(pool: NodePool, nodes: Amount) -> NodePool:
    most = int(nodes.of(pool.max_nodes) + 1e-9)
    return replace(pool, max_nodes=most, min_nodes=min(pool.min_nodes, most))


def _with_offers(snapshot: Snapshot, pools: tuple[PoolName, ...], sold_out: bool) -> Snapshot:
    there = {name: out for name, out in snapshot.memory.sold_out.items() if name not in pools}
    gone = dict.fromkeys(pools, UNTIL_FURTHER_NOTICE) if sold_out else {}
    return replace(snapshot, memory=replace(snapshot.memory, sold_out={**there, **gone}))


def _without(snapshot: Snapshot, lost: frozenset[ClusterName]) -> Snapshot:
    """Without the clusters and their pools. Of their reports, only the progress of jobs stays.

    Their names stay in the homes of datasets: a copy there can no longer be read.
    """
    fleet = snapshot.fleet
    return replace(
        snapshot,
        fleet=replace(
            fleet,
            clusters={name: one for name, one in fleet.clusters.items() if name not in lost},
            pools={name: one for name, one in fleet.pools.items() if one.cluster not in lost},
        ),
        sites={
            name: replace(report, nodes=(), placements=()) if name in lost else report
            for name, report in snapshot.sites.items()
        },
        unseen={name: why for name, why in snapshot.unseen.items() if name not in lost},
    )


def _with_objectives(
    snapshot: Snapshot, services: tuple[WorkloadName, ...], seconds: Amount
) -> Snapshot:
    fleet = snapshot.fleet
    changed = _changed(
        fleet.services,
        services,
        lambda item: replace(
            item,
            objective=replace(item.objective, seconds=seconds.of(item.objective.seconds)),
        ),
    )
    return replace(snapshot, fleet=replace(fleet, services=changed))


def _with_jobs(
    snapshot: Snapshot,
    jobs: tuple[WorkloadName, ...],
    change: Callable[[TrainingJob], TrainingJob],
) -> Snapshot:
    fleet = snapshot.fleet
    return replace(snapshot, fleet=replace(fleet, jobs=_changed(fleet.jobs, jobs, change)))


def _with_deadline(job: TrainingJob, at: Instant | None, later_s: float | None) -> TrainingJob:
    if later_s is None or job.deadline is None:
        return replace(job, deadline=at)
    return replace(job, deadline=Instant(job.deadline + later_s))


def _demand_with(demand: Demand, fleet: Fleet, supposition: Supposition) -> Demand:
    match supposition:
        case PoolPrice(pools, usd):
            there = [fleet.pools[name] for name in pools if name in fleet.pools]
            prices = {
                pool.name: usd.of(demand.prices.get(pool.name, pool.usd_per_node_hour))
                for pool in there
            }
            return replace(demand, prices={**demand.prices, **prices})
        case ServiceLoad(services, rps):
            changed = _changed(demand.services, services, lambda need: _with_load(need, rps))
            return replace(demand, services=changed)
        case _:
            return demand


def _with_load(need: ServiceDemand, rps: Amount) -> ServiceDemand:
    """The supposed load is believed: where it is less, nothing is held on to for it."""
    supposed = rps.of(need.rps)
    known = rps.relation is Relation.IS
    return replace(
        need,
        rps=supposed,
        now_rps=rps.of(need.now_rps),
        freshness=Freshness.FRESH if known else need.freshness,
        hold=need.hold and supposed >= need.rps,
        because=f"{supposed:,.0f}/s are supposed instead of {need.rps:,.0f}/s",
    )
