"""A second opinion on a plan: limits, fit, residency, load and bill, without the model's code."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose

from scheduler.domain.demand import Demand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.places import Contract, NodePool, Resources
from scheduler.domain.plan import PlacementLine, Plan
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService, Spread, TrainingJob, Workload

TRUSTED_LOAD = 0.85
"""Share of its limit up to which a replica may be loaded."""
UNDER_MIN_USD_PER_HOUR = 1000.0
HAIR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What is wrong with a plan; nothing is good."""

    broken: tuple[str, ...]

    @property
    def words(self) -> str:
        """`yes`, or `no` with the first thing that is wrong."""
        return f"no: {self.broken[0]} ({len(self.broken)} in all)" if self.broken else "yes"


def feasible(plan: Plan, snapshot: Snapshot, demand: Demand) -> Opinion:
    """Whether the plan could be carried out and carries what it says, or says what is missing."""
    fleet = snapshot.fleet
    return Opinion(
        broken=(
            *_limits(plan, fleet),
            *_misfits(plan, fleet),
            *_overfull(plan, fleet),
            *_services(plan, fleet, demand),
            *_gangs(plan, fleet, demand),
        )
    )


def well_billed(plan: Plan, snapshot: Snapshot, demand: Demand, cap: float) -> Opinion:
    """Whether objective, bill, bound and budget agree with prices and worths of the fleet."""
    bill = {str(line.policy): line.usd_per_hour for line in plan.bill}
    expected = {
        "cost": _nodes_usd(plan, snapshot.fleet) + _risk_usd(plan, snapshot.fleet, demand),
        "unmet": _unmet_usd(plan, snapshot.fleet, demand),
    }
    rented = sum(
        line.after * snapshot.fleet.pools[line.pool].usd_per_node_hour
        for line in plan.pools
        if line.contract is not Contract.OWNED
    )
    return Opinion(
        broken=(
            *(
                f"{name} is billed {bill[name]:.4f}, {usd:.4f} by prices"
                for name, usd in expected.items()
                if not isclose(bill[name], usd, rel_tol=1e-5, abs_tol=1e-3)
            ),
            *_unless(
                isclose(sum(bill.values()), plan.proof.objective, rel_tol=1e-6, abs_tol=1e-6),
                f"the bill adds up to {sum(bill.values())}, not to {plan.proof.objective}",
            ),
            *_unless(plan.proof.bound <= plan.proof.objective + HAIR, "bound above objective"),
            *_unless(rented <= cap * (1 + HAIR), f"{rented:.2f} USD/h rented, {cap:.2f} allowed"),
        )
    )


def _unless(fine: bool, words: str) -> tuple[str, ...]:
    return () if fine else (words,)


def _limits(plan: Plan, fleet: Fleet) -> Iterator[str]:
    if {line.pool for line in plan.pools} != set(fleet.pools):
        yield "not every pool has its line"
    for line in plan.pools:
        pool = fleet.pools[line.pool]
        if not pool.min_nodes <= line.after <= pool.max_nodes:
            yield f"{pool.name} has {line.after} nodes"


def _misfits(plan: Plan, fleet: Fleet) -> Iterator[str]:
    for line in _placed(plan):
        why = _misfit(fleet.workload(line.workload), fleet.pools[line.pool], fleet)
        if why:
            yield f"{line.workload} on {line.pool}: {why}"


def _misfit(item: Workload | None, pool: NodePool, fleet: Fleet) -> str:
    if item is None:
        return "unknown"
    types = item.curves if isinstance(item, InferenceService) else item.speed
    classes = {item.data_class, *(fleet.datasets[name].data_class for name in item.datasets)}
    faults = {
        "GPU type": pool.gpu_type not in types,
        "GPU memory": item.gpu_memory_gib > pool.gpu_memory_gib,
        "spot": pool.contract is Contract.SPOT and not item.spot,
        "residency": not classes <= fleet.clusters[pool.cluster].holds,
        "not listed": bool(item.clusters) and pool.cluster not in item.clusters,
        "pool not listed": bool(item.pools) and pool.name not in item.pools,
    }
    return ", ".join(word for word, wrong in faults.items() if wrong)


def _overfull(plan: Plan, fleet: Fleet) -> Iterator[str]:
    pods: defaultdict[PoolName, list[Resources]] = defaultdict(list)
    for line in _placed(plan):
        item = fleet.workload(line.workload)
        if item:
            pods[line.pool] += [item.per_pod] * line.after
    for pool in plan.pools:
        needed = _nodes_needed(pods[pool.pool], fleet.pools[pool.pool].per_node)
        if needed > pool.after:
            yield f"{pool.pool} needs {needed} nodes and has {pool.after}"


def _nodes_needed(pods: list[Resources], node: Resources) -> int:
    """First fit, the largest first."""
    free: list[list[float]] = []
    for wanted in sorted((_shares(pod, node) for pod in pods), key=max, reverse=True):
        for room in free:
            if all(left + HAIR >= want for left, want in zip(room, wanted, strict=True)):
                break
        else:
            room = [1.0] * len(wanted)
            free.append(room)
        for at, want in enumerate(wanted):
            room[at] -= want
    return len(free)


def _shares(pod: Resources, node: Resources) -> tuple[float, ...]:
    return (
        pod.gpus / node.gpus,
        pod.cpu / node.cpu,
        pod.memory_gib / node.memory_gib,
        1.0 / node.pods,
    )


def _services(plan: Plan, fleet: Fleet, demand: Demand) -> Iterator[str]:
    missing = {line.workload: line.amount for line in plan.missing}
    for name, service in fleet.services.items():
        lines = [line for line in _placed(plan) if line.workload == name]
        carried = sum(line.after * _carries(service, line.pool, fleet) for line in lines)
        wanted = demand.services[name].rps
        if carried + missing.get(name, 0.0) < wanted * (1 - HAIR) - HAIR:
            yield f"{name} wants {wanted:.1f}/s and gets {carried:.1f}/s"
        if sum(line.after for line in lines) > service.max_replicas:
            yield f"{name} has more than {service.max_replicas} replicas"
        if lines and not isclose(sum(line.share_after for line in lines), 1.0, abs_tol=1e-4):
            yield f"{name} has shares that do not add up to 1"


def _carries(service: InferenceService, pool: PoolName, fleet: Fleet) -> float:
    """Requests per second of one replica: the curve solved for the objective less the way."""
    curve = service.curves[fleet.pools[pool].gpu_type]
    left_s = service.objective.seconds - _rtt_s(service, pool, fleet) - curve.base_s
    if left_s <= curve.queue_s:
        return 0.0
    return min(1.0 - curve.queue_s / left_s, TRUSTED_LOAD) * curve.limit_rps


def _rtt_s(service: InferenceService, pool: PoolName, fleet: Fleet) -> float:
    region = fleet.clusters[fleet.pools[pool].cluster].region
    ends = {service.users, region}
    found = (link.rtt_s for link in fleet.links if {link.source, link.target} == ends)
    return next(found, 0.0) if len(ends) == 2 else 0.0


def _gangs(plan: Plan, fleet: Fleet, demand: Demand) -> Iterator[str]:
    missing = {line.workload for line in plan.missing}
    for name, job in fleet.jobs.items():
        lines = [line for line in _placed(plan) if line.workload == name]
        if sum(line.after for line in lines) not in (0, job.workers):
            yield f"{name} has a part of its {job.workers} workers"
        if len({_home(job, line) for line in lines}) > 1:
            yield f"{name} is spread too far"
        if demand.jobs[name].wanted and not lines and name not in missing:
            yield f"{name} neither runs nor waits"


def _home(job: TrainingJob, line: PlacementLine) -> str:
    return line.pool if job.spread is Spread.POOL else line.cluster


def _nodes_usd(plan: Plan, fleet: Fleet) -> float:
    return sum(line.after * fleet.pools[line.pool].usd_per_node_hour for line in plan.pools)


def _risk_usd(plan: Plan, fleet: Fleet, demand: Demand) -> float:
    """Interruptions per hour of every pod x the work lost and its restart x what that is worth."""
    total = 0.0
    for line in _placed(plan):
        item, pool = fleet.workload(line.workload), fleet.pools[line.pool]
        if item is None or not pool.interruptions_per_hour:
            continue
        per_node = int(1.0 / max(_shares(item.per_pod, pool.per_node)) + 1e-9)
        if isinstance(item, TrainingJob):
            # A gang stops with any of its nodes; a worker of it brings its part of one.
            gang = item.workers if item.spread is Spread.POOL else 1
            nodes = max(gang / item.workers, gang / per_node) * line.after / gang
            lost_s = item.checkpoint_s / 2.0 + item.restart_s
            worth = item.wait_usd_per_hour
        else:
            nodes, lost_s = float(line.after), item.start_s
            worth = item.late_usd_per_hour * _part(item, line.pool, fleet, demand)
        total += pool.interruptions_per_hour * nodes * lost_s / 3600.0 * worth
    return total


def _part(service: InferenceService, pool: PoolName, fleet: Fleet, demand: Demand) -> float:
    """The part of the load that one replica carries."""
    wanted = demand.services[service.name].rps
    return min(1.0, _carries(service, pool, fleet) / wanted) if wanted > 0.0 else 0.0


def _unmet_usd(plan: Plan, fleet: Fleet, demand: Demand) -> float:
    """Late requests and waiting gangs at their worth, and replicas under the minimum."""
    pods: defaultdict[WorkloadName, int] = defaultdict(int)
    for line in _placed(plan):
        pods[line.workload] += line.after
    short = sum(max(0, one.min_replicas - pods[name]) for name, one in fleet.services.items())
    worth = 0.0
    for item in plan.missing:
        if item.is_job:
            worth += item.amount * fleet.jobs[item.workload].wait_usd_per_hour
        else:
            service = fleet.services[item.workload]
            worth += item.amount / demand.services[item.workload].rps * service.late_usd_per_hour
    return worth + short * UNDER_MIN_USD_PER_HOUR


def _placed(plan: Plan) -> Iterator[PlacementLine]:
    return (line for line in plan.placements if line.after > 0)
