"""One question to the planner: a fleet, a load, and the policies in force."""

from collections.abc import Mapping
from typing import Any

from scheduler.domain.demand import JobDemand, ServiceDemand
from scheduler.domain.fleet import Fleet
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from tests.model.worlds import EXACT, a_demand, a_snapshot


def plan(
    fleet: Fleet,
    rps: Mapping[str, float] | Mapping[str, ServiceDemand] | None = None,
    *policies: Policy,
    jobs: Mapping[str, JobDemand] | None = None,
    prices: Mapping[str, float] | None = None,
    settings: SolverSettings = EXACT,
    **world: Any,
) -> Plan:
    """What is decided; `world` says what is there already (nodes, pods, unseen, memory)."""
    demand = a_demand(fleet, rps, jobs=jobs, prices=prices)
    return decide(a_snapshot(fleet, **world), demand, policies, settings)
