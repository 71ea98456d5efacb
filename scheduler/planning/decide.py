"""Decide: one plan for everything known at one instant."""

from collections.abc import Sequence

from scheduler.domain.demand import Demand
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.policy import Policy
from scheduler.planning.decision import settle
from scheduler.planning.write import write
from scheduler.solve.patience import Clock, no_clock


def decide(
    snapshot: Snapshot,
    demand: Demand,
    policies: Sequence[Policy],
    settings: SolverSettings,
    clock: Clock = no_clock,
) -> Plan:
    """The cheapest plan by all policies together, with its proof and reasons.

    Equal inputs give equal plans, whatever the order of the policies. Raises NoPlanError if two
    hard rules contradict each other.
    """
    return write(settle(snapshot, demand, policies, settings, clock))
