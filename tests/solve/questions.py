"""From a world to a problem, for tests that look below a plan."""

from collections.abc import Sequence

from scheduler.domain.demand import Demand
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import Board, survey
from scheduler.model.policy import Policy
from scheduler.model.problem import Problem, assemble, restrict


def ask(snapshot: Snapshot, demand: Demand, policies: Sequence[Policy]) -> tuple[Problem, Board]:
    """The problem, and the board that it was made of."""
    board, _ = restrict(survey(snapshot, demand), policies)
    return assemble(board, policies), board
