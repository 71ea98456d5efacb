"""Diff: the actions that lead from what is observed to what is planned, in a safe order."""

from collections.abc import Iterator

from scheduler.domain.actions import Action, Drain, Grow, Release
from scheduler.domain.names import ActionKey
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import Snapshot
from scheduler.planning.gangs import Gangs, gangs
from scheduler.planning.moves import Moves, moves
from scheduler.planning.standing import PoolState, Standing, stand
from scheduler.planning.surplus import drains, kept_for_pods, releases
from scheduler.planning.vacate import coming_back, emptying, vacates


def diff(plan: Plan, snapshot: Snapshot) -> tuple[Action, ...]:
    """First what adds room, then what uses it, last what takes room away.

    In this order: nodes, new pods, traffic, gangs that stop, gangs that start, pods that go, nodes
    emptied for a gang, which come back with a later growth, and nodes that go for good.

    Level-triggered: each tick asks for the next safe steps from what is observed, remembers
    nothing, and asks for nothing at a site that is not seen. Equal intentions have equal keys.
    """
    standing = stand(plan, snapshot)
    pods, jobs = moves(standing), gangs(standing)
    return (
        *_growth(standing),
        *pods.up,
        *pods.shifts,
        *jobs.suspends,
        *jobs.resumes,
        *pods.down,
        *vacates(standing, jobs),
        *_release(standing, pods, jobs),
    )


def _growth(standing: Standing) -> Iterator[Grow]:
    """More nodes where there are fewer than planned; vacated ones come back once they are empty."""
    back = coming_back(standing)
    for name, state in standing.pools.items():
        if len(state.serving) >= state.line.after or (name in back and emptying(name, standing)):
            continue
        gang = back.get(name)
        why = f"nodes that were emptied come back for {gang}" if gang else state.line.because
        yield _grow(state, why)


def _grow(state: PoolState, why: str) -> Grow:
    line = state.line
    return Grow(
        key=ActionKey(f"grow/{line.pool}/{line.after}"),
        cluster=line.cluster,
        pool=line.pool,
        why=why,
        before=len(state.serving),
        nodes=line.after,
    )


def _release(standing: Standing, pods: Moves, jobs: Gangs) -> Iterator[Drain | Release]:
    kept = kept_for_pods((*pods.left, *jobs.left), standing)
    leaving = {order.pool for order in (*pods.down, *jobs.suspends)}
    for name, state in standing.pools.items():
        if state.surplus > 0:
            yield from drains(state, kept.get(name, 0), pods_leave_now=name in leaving)
            yield from releases(state)
