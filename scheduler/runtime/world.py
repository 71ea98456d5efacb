"""The values that travel along the line of one tick, and what the loop is given to work with."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adapters.base import Adapter
from scheduler.domain.actions import Action, Guarded, Receipt
from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.demand import Demand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ActionKey, ClusterName, Instant
from scheduler.domain.plan import Plan
from scheduler.domain.settings import ForecastSettings, GuardSettings, LoopSettings, SolverSettings
from scheduler.domain.snapshot import Memory, Snapshot
from scheduler.model.policy import Policy
from scheduler.signals.source import Source


class Clock(Protocol):
    """The time of the world that is scheduled: the wall's or a simulated one."""

    def now(self) -> Instant:
        """The present instant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """The pure functions of the line."""

    expect: Callable[[Snapshot, ForecastSettings], Demand]
    decide: Callable[[Snapshot, Demand, Sequence[Policy], SolverSettings], Plan]
    reshare: Callable[[Snapshot, Demand, Sequence[Policy], SolverSettings], Plan | None]
    """The traffic alone; nothing where it takes a whole plan."""
    diff: Callable[[Plan, Snapshot], tuple[Action, ...]]
    guard: Callable[[tuple[Action, ...], Plan, Snapshot, GuardSettings], Guarded]
    remember: Callable[[Snapshot, Plan, Guarded, tuple[Receipt, ...]], Memory]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the documents in force say, made ready for use."""

    fleet: Fleet
    policies: tuple[Policy, ...] = ()
    policy_uses: str = "[]"
    """The policies as written, as JSON text: what the journal keeps to build them again."""
    loop: LoopSettings = field(default_factory=LoopSettings)
    adapters: tuple[Adapter, ...] = ()
    sources: tuple[Source, ...] = ()
    bindings: Bindings = field(default_factory=Bindings)
    """How pools and workloads are known to clusters that are Kubernetes."""
    ways: Mapping[ClusterName, KubernetesAccess] = field(default_factory=dict)
    """The way into each of those clusters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A tick up to the point where something would be touched."""

    snapshot: Snapshot
    demand: Demand
    plan: Plan
    guarded: Guarded
    whole: bool
    """Nodes and pods were decided, too, not the traffic alone."""
    seconds: Mapping[str, float]
    """Wall seconds by phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Considered):
    """A whole tick, with what became of its actions."""

    number: int
    receipts: tuple[Receipt, ...]
    memory: Memory
    policy_uses: str
    loop: LoopSettings
    untended: Mapping[ClusterName, str] = field(default_factory=dict)
    """Sites that could not carry on with what is under way, each with why."""


class Before(Protocol):
    """What one turn needs of those before it: a Tick, or what stands in for one."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The last look at the world; None before the first."""
        ...

    @property
    def memory(self) -> Memory:
        """What the last tick left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What came before, where that was no tick of our own."""

    snapshot: Snapshot | None
    memory: Memory


async def keep_nothing(_: Tick) -> None:
    """A record that is not kept."""


async def intend_nothing(_: Sequence[ActionKey]) -> None:
    """Orders that nobody is told of before they are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that one tick needs from outside."""

    brain: Brain
    standing: Standing
    clock: Clock
    record: Callable[[Tick], Awaitable[None]] = keep_nothing
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Once set, nothing more is sent."""
    barred: Callable[[], str] = lambda: ""
    """Why no order may be sent now; empty where it may. Asked before each."""
    intend: Callable[[Sequence[ActionKey]], Awaitable[None]] = intend_nothing
    """Writes down the orders that cost money before they are sent; raises if it cannot."""
    told: Callable[[Receipt], None] = lambda _: None
    """Hears each receipt as it comes."""
    shares_only: bool = False
    """A turn between two whole ones: nothing but traffic moves, unless it takes a whole plan."""
    ticks_before: int = 0
    """The number of the last tick in the journal: the first one here is the next."""
    monotonic: Callable[[], float] = time.perf_counter
