"""An explanation: why a workload or a pool is as it is, and what would change that."""

from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.names import ClusterName, PoolName, WorkloadName


class Verdict(StrEnum):
    """What the plan made of an option."""

    CHOSEN = "chosen"
    POSSIBLE = "possible"
    EXCLUDED = "excluded"


class SubjectKind(StrEnum):
    """What is explained."""

    SERVICE = "service"
    JOB = "job"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLine:
    """One workload on one pool: chosen, possible, or excluded with its reason."""

    pool: PoolName
    cluster: ClusterName
    workload: WorkloadName | None = None
    """Which one, where a pool is explained; None where the subject is the workload."""
    verdict: Verdict
    pods: int
    """Replicas or workers that the plan puts here."""
    because: str
    extra_usd_per_hour: float | None = None
    """What using it would add to the bill; None where it is chosen or excluded."""
    price_to_win_usd_per_node_hour: float | None = None
    """At this price for a node the option would be taken; None where no price would do."""
    without_usd_per_hour: float | None = None
    """What doing without it would add to the bill; None where it is not chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one workload or pool is as it is."""

    subject: str
    kind: SubjectKind
    headline: str
    """The answer in one sentence."""
    here: tuple[str, ...]
    """What the plan does with it, one sentence each."""
    options: tuple[OptionLine, ...]
    next_best: str
    """What would be done otherwise; empty where there is nothing else."""
    next_best_extra_usd_per_hour: float | None = None
    """What that would add to the bill."""
    next_best_least_usd_per_hour: float | None = None
    """Proven: nothing of that kind adds less."""
    worth: tuple[str, ...] = ()
    """What a little more or less of something is worth, one sentence each."""
    rules: tuple[str, ...]
    """The binding rules that touch it, in words."""
