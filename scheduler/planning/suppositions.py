"""Suppositions: what a what-if question changes in the world, as values."""

from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName


class Relation(StrEnum):
    """How an amount refers to the present one."""

    IS = "is"
    TIMES = "times"
    PLUS = "plus"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or a change of the present number."""

    relation: Relation
    value: float

    def of(self, present: float) -> float:
        """The supposed number; never below zero."""
        match self.relation:
            case Relation.IS:
                return max(0.0, self.value)
            case Relation.TIMES:
                return max(0.0, present * self.value)
            case Relation.PLUS:
                return max(0.0, present + self.value)


@dataclass(frozen=True, slots=True)
class PoolPrice:
    """USD per node-hour, instead of the price in force."""

    pools: tuple[PoolName, ...]
    usd_per_node_hour: Amount


@dataclass(frozen=True, slots=True)
class PoolMax:
    """The most nodes that a pool may have."""

    pools: tuple[PoolName, ...]
    nodes: Amount


@dataclass(frozen=True, slots=True)
class PoolSoldOut:
    """No node more can be had, or they can be had again."""

    pools: tuple[PoolName, ...]
    sold_out: bool


@dataclass(frozen=True, slots=True)
class ClusterLost:
    """Nodes, pods and data of a cluster are gone, and nothing can be there."""

    clusters: tuple[ClusterName, ...]


@dataclass(frozen=True, slots=True)
class ServiceLoad:
    """Requests per second to plan for, instead of what is expected."""

    services: tuple[WorkloadName, ...]
    rps: Amount


@dataclass(frozen=True, slots=True)
class ServiceObjective:
    """Seconds within which the quantile of latency shall stay."""

    services: tuple[WorkloadName, ...]
    seconds: Amount


@dataclass(frozen=True, slots=True)
class JobDeadline:
    """Another deadline: at an instant, so much later than the present one, or none."""

    jobs: tuple[WorkloadName, ...]
    at: Instant | None = None
    later_s: float | None = None


@dataclass(frozen=True, slots=True)
class JobSuspended:
    """The job shall not run, or shall again."""

    jobs: tuple[WorkloadName, ...]
    suspended: bool


@dataclass(frozen=True, slots=True)
class BudgetCap:
    """USD per hour that rented nodes may cost; None: no budget."""

    usd_per_hour: Amount | None


Supposition = (
    PoolPrice
    | PoolMax
    | PoolSoldOut
    | ClusterLost
    | ServiceLoad
    | ServiceObjective
    | JobDeadline
    | JobSuspended
    | BudgetCap
)
