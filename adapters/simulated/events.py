"""Events: what happened at a simulated site, for whoever tells the story or wants to react."""

from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.names import Instant


class EventWord(StrEnum):
    """What can happen."""

    NODE_ORDERED = "node-ordered"
    NODE_READY = "node-ready"
    NODE_RELEASED = "node-released"
    SPOT_NOTICE = "spot-notice"
    NODE_LOST = "node-lost"
    REPLICA_READY = "replica-ready"
    JOB_STARTED = "job-started"
    JOB_CHECKPOINT = "job-checkpoint"
    JOB_STOPPED = "job-stopped"
    JOB_FINISHED = "job-finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent:
    """One thing that happened, when, and to what."""

    at: Instant
    word: EventWord
    subject: str
    """The node, or the workload."""
    place: str
    """The pool, or the cluster for jobs that may sit on several pools."""
