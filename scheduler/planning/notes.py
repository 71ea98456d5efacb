"""Notes of a plan: what was held, frozen, sold out or not believed, one sentence each."""

from scheduler.planning.decision import Decision
from scheduler.planning.figures import listed


def notes(decision: Decision) -> tuple[str, ...]:
    """In the order: sites, offers, services, readings."""
    return (
        *_unseen(decision),
        *_sold_out(decision),
        *_held(decision),
        *_fallen_back(decision),
        *decision.demand.notes,
    )


def _unseen(decision: Decision) -> list[str]:
    unseen = decision.board.snapshot.unseen
    return [
        f"{name} is not seen ({why}): it is frozen as last seen"
        for name, why in sorted(unseen.items())
    ]


def _sold_out(decision: Decision) -> list[str]:
    board = decision.board
    names = [
        name for name, out in zip(board.pools.names, board.pool_state.sold_out, strict=True) if out
    ]
    return [f"sold out and planned without: {listed(names, most=8)}"] if names else []


def _fallen_back(decision: Decision) -> list[str]:
    asked, used = decision.asked, decision.solution.solver
    return [f"solver {asked} gave no feasible answer, {used} did"] if asked != used else []


def _held(decision: Decision) -> list[str]:
    board, state = decision.board, decision.board.workload_state
    rows = range(board.workloads.services)
    held = [board.workloads.names[i] for i in rows if state.hold[i]]
    return [f"held where they are: {listed(held, most=8)}"] if held else []
