"""The plan: nodes, placements, traffic shares, what is missing, what it costs and why."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan

from scheduler.domain.names import ClusterName, PolicyName, PoolName, WorkloadName
from scheduler.domain.places import Contract, Exposure
from scheduler.domain.readings import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLine:
    """One pool: nodes before -> after."""

    pool: PoolName
    cluster: ClusterName
    exposure: Exposure
    contract: Contract
    before: int
    after: int
    usd_per_node_hour: float
    gpus_per_node: float
    gpus_used: float
    """GPUs that the plan gives to workloads."""
    because: str

    @property
    def usd_per_hour_before(self) -> float:
        """USD per hour for the nodes held before."""
        return self.before * self.usd_per_node_hour

    @property
    def usd_per_hour_after(self) -> float:
        """USD per hour for the nodes held after."""
        return self.after * self.usd_per_node_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementLine:
    """One workload on one pool: pods before -> after, and the share of its traffic."""

    workload: WorkloadName
    pool: PoolName
    cluster: ClusterName
    is_job: bool
    before: int
    after: int
    share_before: float
    share_after: float
    capacity_rps: float
    """Requests per second that the pods after carry within the objective; 0 for jobs."""
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service: the load planned for and the latency that the plan predicts."""

    service: WorkloadName
    rps: float
    freshness: Freshness
    objective_s: float
    quantile: float
    predicted_s: float | None
    """The quantile at the planned load, over the options in use; None with no replica."""
    held: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingLine:
    """What stays pending, the dominant reason, and what would have to change."""

    workload: WorkloadName
    amount: float
    """Requests per second for a service, gangs for a job."""
    wanted: float
    is_job: bool
    because: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstLine:
    """What runs in a public cluster, why not in a private one, and what would bring it back."""

    workload: WorkloadName
    pool: PoolName
    because: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """What one policy charges for the plan, evaluated at the solution."""

    policy: PolicyName
    usd_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingLine:
    """A rule that holds the plan back, in words, with its shadow price."""

    policy: PolicyName
    words: str
    usd_per_hour: float
    """What one unit of relief would save."""
    relief: str = ""
    """What one unit of relief is: `one node more`; empty where the rule's words say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearlyLine:
    """A pool that the plan does not use, and the price from which on it could pay."""

    pool: PoolName
    usd_per_node_hour: float
    """Its price now."""
    less_usd_per_node_hour: float
    """It cannot pay before it costs so much less, by the relaxation."""
    workload: WorkloadName
    """Who would use it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How good the plan is, and who says so."""

    solver: str
    objective: float
    """USD per hour over all policies, re-computed at the solution by our own check."""
    bound: float
    """No plan can cost less (USD per hour)."""
    kept: bool
    """The running placement was kept, because nothing better pays for the change."""

    @property
    def gap(self) -> float:
        """(objective - bound) / objective, never negative; 0 is proven best, infinite unproven."""
        gap = (self.objective - self.bound) / max(abs(self.objective), 1e-9)
        return inf if isnan(gap) else max(0.0, gap)


class Ruling(StrEnum):
    """What becomes of the placement that runs."""

    FIRST = "first"
    """Nothing runs yet."""
    KEPT = "kept"
    """It stays: no change that was found pays for itself."""
    ADOPTED = "adopted"
    """It could stay, but another plan saves more than the change costs."""
    FORCED = "forced"
    """It may not stay as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Whether the running placement stays, and what that is worth."""

    ruling: Ruling
    because: str = ""
    """The first rule that the running placement breaks, in words; empty unless forced."""
    saves_usd_per_hour: float | None = None
    """Against the running placement, the price of the change apart; None unless adopted."""
    price_usd: float = 0.0
    """What the change costs, once."""
    horizon_hours: float = 0.0
    """A change must pay for itself within this time; 0 where no policy prices changes."""
    at_most_usd_per_hour: float | None = None
    """Proven: no other plan is better by more, its change paid; None where there is no bound."""

    @property
    def pays_back_minutes(self) -> float | None:
        """When the saving has paid for the change; None where that is not said."""
        if not self.saves_usd_per_hour or self.saves_usd_per_hour <= 0.0:
            return None
        return 60.0 * self.price_usd / self.saves_usd_per_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decision. Equal inputs give equal plans: it holds no clock and no timings."""

    pools: tuple[PoolLine, ...]
    placements: tuple[PlacementLine, ...]
    services: tuple[ServiceLine, ...]
    missing: tuple[MissingLine, ...]
    bursts: tuple[BurstLine, ...]
    bill: tuple[BillLine, ...]
    binding: tuple[BindingLine, ...]
    notes: tuple[str, ...]
    """What was held, frozen or left out, one sentence each."""
    proof: Proof
    nearly: tuple[NearlyLine, ...] = ()
    """Pools not in use that would pay at a lower price, the nearest first."""
    adoption: Adoption | None = None
    """What becomes of the running placement; None where there is nothing to decide."""

    @property
    def usd_per_hour_before(self) -> float:
        """USD per hour for nodes before."""
        return sum(line.usd_per_hour_before for line in self.pools)

    @property
    def usd_per_hour_after(self) -> float:
        """USD per hour for nodes after."""
        return sum(line.usd_per_hour_after for line in self.pools)
