"""A recorded tick, computed again from the journal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduler.app.standing import BRAIN, policies_from_json
from scheduler.app.tables import reach_policies
from scheduler.domain.actions import Guarded
from scheduler.domain.plan import Plan
from scheduler.planning.reshare import TRAFFIC, traffic_only
from scheduler.runtime.codec import plan_json
from scheduler.runtime.journal import Journal, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The tick as it was, and as it comes out now."""

    recorded: Recorded
    plan: Plan
    guarded: Guarded

    @property
    def is_same(self) -> bool:
        """The same plan, byte for byte."""
        return plan_json(self.plan) == self.recorded.plan_json


def replay(path: Path, number: int | None, beside: Sequence[Path] = ()) -> Replayed:
    """Recompute a tick; the last one if no number is given. Raises JournalError or ValueError.

    Policies in Python are looked for in `beside`, the folders of their documents.
    """
    reach_policies(beside)
    journal = Journal.open(path)
    try:
        recorded = journal.read(journal.last() if number is None else number)
    finally:
        journal.close()
    policies = policies_from_json(recorded.policy_uses)
    demand = BRAIN.expect(recorded.snapshot, recorded.loop.forecast)
    known = (recorded.snapshot, demand, policies, recorded.loop.solver)
    shares_only = json.loads(recorded.plan_json)["proof"]["solver"] == TRAFFIC
    plan = (BRAIN.reshare(*known) if shares_only else None) or BRAIN.decide(*known)
    actions = BRAIN.diff(plan, recorded.snapshot)
    if plan.proof.solver == TRAFFIC:
        actions = traffic_only(actions)
    guarded = BRAIN.guard(actions, plan, recorded.snapshot, recorded.loop.guard)
    return Replayed(recorded=recorded, plan=plan, guarded=guarded)
