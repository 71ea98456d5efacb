"""Reshare: the traffic split anew over what runs, between two whole plans."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from scheduler.domain.actions import Action, Shift
from scheduler.domain.demand import Demand, ServiceDemand
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import survey
from scheduler.model.policy import Policy
from scheduler.model.problem import assemble, restrict
from scheduler.planning.decision import Decision
from scheduler.planning.write import write
from scheduler.solve.adoption import running_candidate
from scheduler.solve.answer import Solution, cost

TRAFFIC = "traffic"
"""Named as the solver of such plans: an LP over the traffic alone, nodes and pods fixed."""


def reshare(
    snapshot: Snapshot, demand: Demand, policies: Sequence[Policy], settings: SolverSettings
) -> Plan | None:
    """The plan that keeps every node and pod and splits the traffic for the load of now.

    Nothing if the rules do not allow what runs: then it takes a whole plan to say what to do.
    """
    now = replace(demand, services={name: _of_now(need) for name, need in demand.services.items()})
    whole_board = survey(snapshot, now)
    board, forbids = restrict(whole_board, policies)
    problem = assemble(board, policies)
    x = running_candidate(problem, board, settings)
    if x is None:
        return None
    solution = Solution(
        x=x,
        objective=cost(problem, x),
        bound=-np.inf,
        solver=TRAFFIC,
        kept=True,
        row_duals=np.zeros(len(problem.row_lower)),
        reduced_costs=np.zeros(problem.columns),
    )
    return write(
        Decision(
            demand=now,
            asked=TRAFFIC,
            whole_board=whole_board,
            board=board,
            forbids=forbids,
            problem=problem,
            solution=solution,
        )
    )


def traffic_only(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Without the steps of nodes and pods that a whole plan has begun: its next turn goes on."""
    return tuple(action for action in actions if isinstance(action, Shift))


def _of_now(need: ServiceDemand) -> ServiceDemand:
    return replace(need, rps=need.now_rps)
