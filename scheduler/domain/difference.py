"""A difference: today's plan beside the plan of a world in which something is supposed."""

from dataclasses import dataclass

from scheduler.domain.names import ClusterName, PolicyName, PoolName, WorkloadName


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The sums of one of the two plans, and how good it is."""

    nodes_usd_per_hour: float
    """What its nodes cost."""
    usd_per_hour: float
    """The bill over all policies."""
    bound: float
    """No plan of that world can cost less over all policies (USD per hour)."""
    solver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDifference:
    """What one policy charges for either plan; 0 where it is not in force."""

    policy: PolicyName
    today: float
    then: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDifference:
    """A pool that gets another number of nodes, or whose nodes have another price."""

    pool: PoolName
    cluster: ClusterName
    today: int
    then: int
    usd_per_node_hour_today: float
    usd_per_node_hour_then: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementDifference:
    """A workload that has other pods, or another share of its traffic, on a pool."""

    workload: WorkloadName
    pool: PoolName
    is_job: bool
    today: int
    then: int
    share_today: float
    share_then: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDifference:
    """A service with another load, objective or predicted latency."""

    service: WorkloadName
    quantile: float
    rps_today: float
    rps_then: float
    objective_s_today: float
    objective_s_then: float
    predicted_s_today: float | None
    predicted_s_then: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDifference:
    """A workload that lacks more or less than today, and why."""

    workload: WorkloadName
    is_job: bool
    today: float
    """Requests per second for a service, gangs for a job."""
    then: float
    wanted: float
    """Then; today's where nothing is missing then."""
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """What is another in the plan of the supposed world. Nothing in it was done."""

    supposed: tuple[str, ...]
    """What is supposed, a sentence each."""
    today: Side
    then: Side
    stay_usd_per_hour: float | None
    """The bill then, if today's plan were carried out all the same; None if it could not be."""
    bill: tuple[BillDifference, ...]
    pools: tuple[PoolDifference, ...]
    placements: tuple[PlacementDifference, ...]
    services: tuple[ServiceDifference, ...]
    missing: tuple[MissingDifference, ...]
    notes: tuple[str, ...]
    """What the plan then notes and today's does not."""

    @property
    def is_same(self) -> bool:
        """The same nodes, pods and missing work: only prices may differ."""
        nodes = any(line.today != line.then for line in self.pools)
        return not (nodes or self.placements or self.missing)

    @property
    def extra(self) -> float:
        """What the plan then costs beyond today's over all policies (USD per hour)."""
        return self.then.usd_per_hour - self.today.usd_per_hour

    @property
    def least_extra(self) -> float:
        """The least that the best plan then can cost beyond the best plan of today."""
        return self.then.bound - self.today.usd_per_hour

    @property
    def most_extra(self) -> float:
        """The most that it can."""
        return self.then.usd_per_hour - self.today.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBest:
    """The cheapest plan found that does without something that the plan uses."""

    words: str
    """What it does without."""
    extra_usd_per_hour: float
    """Its bill over all policies beyond the plan's."""
    least_extra_usd_per_hour: float
    """No such plan costs less than this beyond the plan."""
    difference: PlanDifference
