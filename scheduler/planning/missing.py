"""What stays pending: the amount, the dominant reason, and what would have to change."""

from dataclasses import replace

import numpy as np

from scheduler.domain.names import WorkloadName
from scheduler.domain.plan import MissingLine
from scheduler.model.affine import Floats
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision
from scheduler.planning.figures import usd
from scheduler.solve.conflict import in_conflict

HAIR = 1e-6
"""Less than this share of what is wanted is solver noise."""
LOCATED, SECONDS = 50_000, 2.0
"""Up to so many unknowns, and for so long, it is asked what urgent work lacks."""


def missing_lines(decision: Decision, blame: Blame) -> tuple[MissingLine, ...]:
    """One line a workload that does not get all it wants."""
    state, work = decision.board.workload_state, decision.board.workloads
    short = np.nonzero(decision.missing > HAIR * np.maximum(state.wanted, 1.0))[0]
    lacks = _lacks(decision) if state.urgent[short].any() else ""
    return tuple(
        _line(decision, blame, int(row), work.names[row], decision.missing, lacks) for row in short
    )


def _lacks(decision: Decision) -> str:
    """What is in the way of all urgent work, and what it is short by."""
    problem = decision.problem
    if problem.columns > LOCATED:
        return ""
    wanted = np.where(problem.urgent > 0.0, 0.0, problem.upper)
    return "; ".join(in_conflict(replace(problem, upper=wanted), SECONDS))


def _line(
    decision: Decision, blame: Blame, row: int, name: str, missing: Floats, lacks: str
) -> MissingLine:
    state, work = decision.board.workload_state, decision.board.workloads
    reason = blame.dominant(row)
    words, remedy = reason.words, reason.remedy
    worth = float(state.missing_usd_per_hour[row] * missing[row])
    capped = _cap(decision)
    if state.urgent[row] and lacks and reason.rank == 3:
        # Urgent work is never weighed against money: only a limit can be in its way.
        words, remedy = lacks, "raise this limit, or lower the priority of some urgent work"
    elif capped and reason.rank == 3:
        words, remedy = capped, "raise usdPerHour of the budget"
    elif reason.rank == 3:
        words = f"waiting costs {usd(worth)}, less than running: {words}"
        remedy = f"{remedy} ({'waitCost' if row >= work.services else 'lateCost'} of {name})"
    return MissingLine(
        workload=WorkloadName(name),
        amount=round(float(missing[row]), 9),
        wanted=round(float(state.wanted[row]), 9),
        is_job=row >= work.services,
        because=words,
        remedy=remedy,
    )


def _cap(decision: Decision) -> str | None:
    """The words of a budget that binds."""
    problem, duals = decision.problem, decision.solution.row_duals
    for family in problem.families:
        if family.policy == "budget":
            for row in range(family.start, family.stop):
                if abs(duals[row]) > 1e-9:
                    return f"the budget binds: {family.words(row - family.start)}"
    return None
