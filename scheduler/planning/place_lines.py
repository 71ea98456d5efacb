"""Lines of a plan about places: pools and their nodes."""

from scheduler.domain.names import PoolName
from scheduler.domain.plan import PoolLine
from scheduler.model.catalogue import CONTRACTS
from scheduler.planning.figures import listed
from scheduler.planning.outcome import Outcome, tidy


def pool_lines(outcome: Outcome) -> tuple[PoolLine, ...]:
    """One line a pool, in the order of names."""
    return tuple(_line(outcome, i) for i in range(len(outcome.board.pools.names)))


def _line(outcome: Outcome, i: int) -> PoolLine:
    board, decision = outcome.board, outcome.decision
    pools, state, here = board.pools, board.pool_state, board.options.pool == i
    cluster = board.catalogue.clusters[int(pools.cluster[i])]
    before, after = int(state.nodes_now[i]), round(float(decision.nodes[i]))
    return PoolLine(
        pool=PoolName(pools.names[i]),
        cluster=cluster.name,
        exposure=cluster.exposure,
        contract=CONTRACTS[int(pools.contract[i])],
        before=before,
        after=after,
        usd_per_node_hour=tidy(state.usd_per_node_hour[i]),
        gpus_per_node=float(pools.gpus[i]),
        gpus_used=tidy(board.options.gpus_per_unit[here] @ decision.units[here]),
        because=_because(outcome, i, before, after),
    )


def _because(outcome: Outcome, i: int, before: int, after: int) -> str:
    board = outcome.board
    if board.pool_state.frozen[i]:
        return "frozen: its site is not seen"
    if after == before:
        used = bool(outcome.pods[:, i].any())
        return "in use" if used else ("its minimum" if after else "not needed")
    moves = _moves(outcome, i)
    if after < before:
        left = [f"{name} {change}" for name, change in moves if change < 0]
        return f"no longer needed: {listed(left)}" if left else "no longer needed"
    came = [f"{name} +{change}" for name, change in moves if change > 0]
    users = [name for row, name in enumerate(board.workloads.names) if outcome.pods[row, i] > 0]
    return f"for {listed(came or users)}" if came or users else "its minimum, or spare room"


def _moves(outcome: Outcome, i: int) -> list[tuple[str, int]]:
    """Change of pods on the pool, by workload."""
    board, pool = outcome.board, outcome.board.pools.names[i]
    return [
        (name, int(outcome.pods[row, i]) - outcome.before.get((name, pool), (0, 0.0))[0])
        for row, name in enumerate(board.workloads.names)
    ]
