"""What stays pending: the amount, the dominant reason, and what would have to change."""

import numpy as np

from scheduler.domain.names import WorkloadName
from scheduler.domain.plan import MissingLine
from scheduler.model.affine import Floats
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision
from scheduler.planning.figures import usd

HAIR = 1e-6
"""Less than this share of what is wanted is solver noise."""


def missing_lines(decision: Decision, blame: Blame) -> tuple[MissingLine, ...]:
    """One line a workload that does not get all it wants."""
    state, work = decision.board.workload_state, decision.board.workloads
    short = np.nonzero(decision.missing > HAIR * np.maximum(state.wanted, 1.0))[0]
    return tuple(
        _line(decision, blame, int(row), work.names[row], decision.missing) for row in short
    )


def _line(decision: Decision, blame: Blame, row: int, name: str, missing: Floats) -> MissingLine:
    state, work = decision.board.workload_state, decision.board.workloads
    reason = blame.dominant(row)
    words, remedy = reason.words, reason.remedy
    worth = float(state.missing_usd_per_hour[row] * missing[row])
    capped = _cap(decision)
    if capped and reason.rank == 3:
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
