"""The loop's one turn: observe, expect, decide, diff, guard, act, tend, remember, record."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from scheduler.domain.actions import Grow, Receipt
from scheduler.domain.demand import Demand
from scheduler.domain.names import ClusterName
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import Memory, Snapshot
from scheduler.planning.reshare import traffic_only
from scheduler.runtime.act import act
from scheduler.runtime.observe import observe
from scheduler.runtime.tend import tend
from scheduler.runtime.world import Before, Considered, Tick, World

T = TypeVar("T")


class StoppedError(Exception):
    """The daemon was told to stop before this tick had touched anything."""


async def tick(world: World, previous: Before | None) -> Tick:
    """The whole line, once. Raises StoppedError if told to stop before the first order."""
    standing, brain, laps = world.standing, world.brain, Laps(world.monotonic)
    thought = await unless(world.stopping, consider(world, previous))
    snapshot, plan, guarded = thought.snapshot, thought.plan, thought.guarded
    with laps("act"):
        receipts = await _acted(world, thought)
    with laps("tend"):
        untended = await _tended(world, thought)
    with laps("remember"):
        memory = brain.remember(snapshot, plan, guarded, receipts)
        if not thought.whole:
            # Such a plan says nothing of nodes: what was too many goes on being counted.
            memory = replace(memory, surplus_since=snapshot.memory.surplus_since)
    number = snapshot.memory.tick + 1
    done = Tick(
        number=number,
        snapshot=snapshot,
        demand=thought.demand,
        plan=plan,
        guarded=guarded,
        whole=thought.whole,
        receipts=receipts,
        memory=replace(memory, tick=number),
        policy_uses=standing.policy_uses,
        loop=standing.loop,
        untended=untended,
        seconds={**thought.seconds, **laps.seconds},
    )
    await world.record(done)
    return done


async def consider(world: World, previous: Before | None) -> Considered:
    """The same line up to the guard. It touches nothing: a dry run is this and no more."""
    standing, brain, laps = world.standing, world.brain, Laps(world.monotonic)
    now = world.clock.now()
    with laps("observe"):
        snapshot = await observe(
            standing.adapters,
            standing.sources,
            previous.snapshot if previous else None,
            standing.fleet,
            previous.memory if previous else Memory(tick=world.ticks_before, started_at=now),
            now,
            standing.loop.deadline_s,
            standing.loop.forecast.window_s,
        )
    with laps("expect"):
        demand = brain.expect(snapshot, standing.loop.forecast)
    with laps("decide"):
        plan, whole = await _decided(world, snapshot, demand)
    with laps("diff"):
        actions = brain.diff(plan, snapshot)
        if not whole:
            actions = traffic_only(actions)
    with laps("guard"):
        guarded = brain.guard(actions, plan, snapshot, standing.loop.guard)
    return Considered(
        snapshot=snapshot,
        demand=demand,
        plan=plan,
        guarded=guarded,
        whole=whole,
        seconds=laps.seconds,
    )


async def _acted(world: World, thought: Considered) -> tuple[Receipt, ...]:
    standing, allowed = world.standing, thought.guarded.allowed
    growth = [action.key for action in allowed if isinstance(action, Grow)]
    if growth and not world.barred():
        await world.intend(growth)
    return await act(
        allowed,
        standing.adapters,
        thought.snapshot.sites,
        standing.loop.deadline_s,
        world.stopping,
        world.told,
        world.barred,
    )


async def _tended(world: World, thought: Considered) -> Mapping[ClusterName, str]:
    """Sites that are seen carry on with what is under way. While paused nothing moves at all."""
    standing = world.standing
    if standing.loop.guard.paused or world.stopping.is_set() or world.barred():
        return {}
    seen = [site for site in standing.adapters if site.cluster not in thought.snapshot.unseen]
    return await tend(seen, standing.loop.deadline_s)


async def _decided(world: World, snapshot: Snapshot, demand: Demand) -> tuple[Plan, bool]:
    """The plan, and whether it is a whole one. In a thread, so that probes are answered."""
    brain, known = world.brain, (world.standing.policies, world.standing.loop.solver)
    if world.shares_only:
        plan = await asyncio.to_thread(brain.reshare, snapshot, demand, *known)
        if plan is not None:
            return plan, False
    return await asyncio.to_thread(brain.decide, snapshot, demand, *known), True


class Laps:
    """A stopwatch that keeps the seconds of each phase."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Time one phase."""
        start = self._monotonic()
        yield
        self.seconds[phase] = self._monotonic() - start


async def unless(stopping: asyncio.Event, work: Coroutine[None, None, T]) -> T:
    """The result of the work. Raises StoppedError as soon as `stopping` is set."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise StoppedError
        return working.result()
    finally:
        working.cancel()
        waiting.cancel()
