"""The model of a plan as the text of a file for other solvers."""

from scheduler.app.standing import policies_of
from scheduler.config import Declared
from scheduler.domain.plan import Plan
from scheduler.model.board import Board, survey
from scheduler.model.problem import assemble, restrict
from scheduler.runtime.world import Considered
from scheduler.solve.export import lp_text, mps_text, tier_held

MPS = ".mps"


def model_text(found: Considered, declared: Declared, suffix: str) -> str:
    """MPS for `.mps`, else LP. Held in it: no more urgent work missing than the plan misses."""
    policies = policies_of(declared)
    board, _ = restrict(survey(found.snapshot, found.demand), policies)
    problem = tier_held(assemble(board, policies), _urgent_missing(found.plan, board))
    return mps_text(problem) if suffix.lower() == MPS else lp_text(problem)


def _urgent_missing(plan: Plan, board: Board) -> float:
    """The shares of urgent workloads that the plan misses, added up."""
    names, urgent = board.workloads.names, board.workload_state.urgent
    first = {name for name, flag in zip(names, urgent, strict=True) if flag}
    return sum(line.amount / line.wanted for line in plan.missing if line.workload in first)
