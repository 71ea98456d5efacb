"""After a plan: what is true then needs no action, and the way there is safe."""

from dataclasses import dataclass
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Place,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.domain.settings import GuardSettings
from scheduler.domain.snapshot import NodePhase, Snapshot
from scheduler.planning.after import world_after
from scheduler.planning.diff import diff
from scheduler.planning.guard import guard
from scheduler.planning.remember import remember
from tests.planning.fake import FakeWorld
from tests.planning.layouts import (
    FLEET,
    JOBS,
    POOLS,
    SERVICES,
    SPEED,
    WORKERS,
    layouts,
    plan_for,
    rooms,
    slots,
    world_of,
)
from tests.planning.worlds import (
    SLOTS,
    a_node,
    a_plan,
    a_snapshot,
    nodes,
    pods,
)


@dataclass
class Journey:
    """Ticks until the plan is true, each checked for what must never happen."""

    plan: Plan
    world: FakeWorld
    guarding: GuardSettings | None = None

    def run(self, ticks: int = 80) -> None:
        memory = self.world.snapshot().memory
        for _ in range(ticks):
            before = self.world.snapshot(memory)
            actions = diff(self.plan, before)
            if not actions and self._arrived(before):
                return
            check_order(actions)
            check_keys(actions)
            check_shares(actions, before)
            if self.guarding is not None:
                guarded = guard(actions, self.plan, before, self.guarding)
                memory = remember(before, self.plan, guarded, ())
                actions = guarded.allowed
            for action in actions:
                self.world.do(action)
            self.check()
            self.world.step()
            self.check()
        raise AssertionError(f"not there yet: {diff(self.plan, self.world.snapshot())}")

    def check(self) -> None:
        for job in JOBS:
            places = [at for at in self.world.wanted if at[0] == job]
            assert sum(self.world.wanted[at] for at in places) <= WORKERS
            assert sum(self.world.running(at) for at in places) <= WORKERS

    def _arrived(self, snapshot: Snapshot) -> bool:
        there = {
            (item.workload, item.pool): (item.wanted, item.ready)
            for report in snapshot.sites.values()
            for item in report.placements
            if item.wanted or item.ready
        }
        lines = {
            (line.workload, line.pool): (line.after, line.after)
            for line in self.plan.placements
            if line.after
        }
        return there == lines


@dataclass
class SafeJourney(Journey):
    """And no service is ever weaker than it was or than it shall be, whichever is less."""

    slack_pods: int = 0

    def __post_init__(self) -> None:
        self.least = {
            name: min(self.capacity(name), self.planned(name)) - 250.0 * self.slack_pods
            for name in SERVICES
        }

    def capacity(self, name: str) -> float:
        return sum(SPEED[pool] * self.world.running((name, pool)) for pool in POOLS)

    def planned(self, name: str) -> float:
        lines = [line for line in self.plan.placements if line.workload == name]
        return sum(SPEED[line.pool] * line.after for line in lines)

    def check(self) -> None:
        super().check()
        for name in SERVICES:
            assert self.capacity(name) >= self.least[name] - 1e-6, name


def check_order(actions: tuple[Action, ...]) -> None:
    """What adds room, what uses it, what takes it away."""
    ranks = [_rank(action) for action in actions]
    assert ranks == sorted(ranks)
    drained = {node for action in actions if isinstance(action, Drain) for node in action.nodes}
    given = {node for action in actions if isinstance(action, Release) for node in action.nodes}
    assert not drained & given


def _rank(action: Action) -> int:
    match action:
        case Grow():
            return 0
        case Place() if action.pods > action.before:
            return 1
        case Shift():
            return 2
        case Suspend():
            return 3
        case Resume():
            return 4
        case Place():
            return 5
        case Vacate():
            return 6
        case Drain() | Release():
            return 7


def check_keys(actions: tuple[Action, ...]) -> None:
    assert len({action.key for action in actions}) == len(actions)


def check_shares(actions: tuple[Action, ...], snapshot: Snapshot) -> None:
    """The traffic of a service that is placed anywhere adds up, and goes to ready pods only."""
    share, ready = {}, {}
    for report in snapshot.sites.values():
        for item in report.placements:
            share[item.workload, item.pool] = item.share
            ready[item.workload, item.pool] = item.ready
    moved = set()
    for action in actions:
        if isinstance(action, Place | Shift):
            share[action.workload, action.pool] = action.share
            moved.add(action.workload)
            serving = any(ready.get((action.workload, pool), 0) for pool in POOLS)
            if serving and not ready.get((action.workload, action.pool), 0):
                assert action.share == 0.0
    for name in moved:
        total = sum(share.get((name, pool), 0.0) for pool in POOLS)
        assert abs(total - 1.0) < 0.002 or _gone(name, actions)


def _gone(name: WorkloadName, actions: tuple[Action, ...]) -> bool:
    """The service leaves altogether."""
    mine = [a for a in actions if isinstance(a, Place | Shift) and a.workload == name]
    return all(action.pods == 0 and action.share == 0.0 for action in mine)


@given(layouts(), rooms, layouts(), rooms)
@settings(max_examples=60, deadline=None)
def test_with_room_for_both_every_move_is_made_before_it_is_broken(old, empty, new, room) -> None:
    both = {pool: room[pool] + ceil(slots(old, pool) / SLOTS) for pool in POOLS}
    SafeJourney(plan_for(new, both), world_of(old, empty)).run()


@given(layouts(), layouts())
@settings(max_examples=100, deadline=None)
def test_without_any_room_to_spare_every_move_still_ends(old, new) -> None:
    none = dict.fromkeys(POOLS, 0)
    SafeJourney(plan_for(new, none), world_of(old, none), slack_pods=1).run()


@given(layouts(), rooms, layouts(), rooms, st.data())
@settings(max_examples=60, deadline=None)
def test_a_broken_world_is_mended(old, empty, new, room, data) -> None:
    world = world_of(old, empty)
    for machine in world.machines.values():
        match data.draw(st.sampled_from(("well", "well", "doomed", "unready", "draining"))):
            case "doomed":
                machine.doomed = True
            case "unready":
                machine.phase, machine.steps = NodePhase.UNREADY, 3
            case "draining":
                machine.phase = NodePhase.DRAINING
    Journey(plan_for(new, room), world).run()


@given(layouts(), rooms, layouts(), rooms)
@settings(max_examples=40, deadline=None)
def test_a_guarded_move_takes_longer_but_ends(old, empty, new, room) -> None:
    caution = GuardSettings(
        max_nodes_added_per_tick=2, max_nodes_released_per_tick=1, release_after_s=180.0
    )
    Journey(plan_for(new, room), world_of(old, empty), caution).run(160)


counts = st.integers(0, 6)
some_nodes = st.lists(
    st.tuples(
        st.sampled_from(POOLS),
        st.sampled_from(NodePhase),
        st.integers(0, 4),
        st.integers(0, 1),
        st.booleans(),
    ),
    max_size=12,
)
some_pods = st.dictionaries(
    st.tuples(st.sampled_from((*SERVICES, *JOBS, "stranger")), st.sampled_from((*POOLS, "stray"))),
    st.tuples(counts, counts, st.floats(0, 1), counts),
    max_size=12,
)
some_lines = st.dictionaries(
    st.tuples(st.sampled_from((*SERVICES, *JOBS)), st.sampled_from(POOLS)),
    st.tuples(counts, st.floats(0, 1)),
    max_size=12,
)
unseen = st.sampled_from(({}, {"dc": "silent"}, {"cloud": "silent"}))


@given(
    some_nodes, some_pods, some_lines, st.fixed_dictionaries(dict.fromkeys(POOLS, counts)), unseen
)
@settings(max_examples=300, deadline=None)
def test_the_world_after_any_plan_needs_no_action(there, placed, wanted, sizes, silent) -> None:
    machines = [
        a_node(f"n{number}", pool, phase, pods=busy, workers=workers, doomed=doomed)
        for number, (pool, phase, busy, workers, doomed) in enumerate(there)
    ]
    placements = [
        pods(name, pool, want, ready, share, pending=pending)
        for (name, pool), (want, ready, share, pending) in placed.items()
    ]
    world = a_snapshot(FLEET, [*machines, *placements], unseen=silent)
    plan = a_plan(FLEET, sizes, *((*at, *line) for at, line in wanted.items()))
    check_keys(diff(plan, world))
    assert diff(plan, world_after(plan, world)) == ()
    assert all(action.cluster not in silent for action in diff(plan, world))


def test_the_world_after_has_the_plan_in_it() -> None:
    plan = a_plan(FLEET, {"pool-a": 2, "pool-b": 0}, ("ads", "pool-a", 5), ("rank", "pool-a", 3))
    before = a_snapshot(FLEET, [*nodes("pool-b", 3, pods=1), pods("ads", "pool-b", 3, share=1.0)])
    after = world_after(plan, before)
    site = after.sites[FLEET.pools[PoolName("pool-a")].cluster]
    assert [(node.pool, node.phase, node.pods) for node in site.nodes] == [
        ("pool-a", NodePhase.READY, 4),
        ("pool-a", NodePhase.READY, 4),
        ("pool-b", NodePhase.READY, 0),
    ]
    assert site.placements == (
        pods("ads", "pool-a", 5, share=1.0),
        pods("rank", "pool-a", 3),
    )


def test_a_site_that_is_not_seen_is_the_same_after() -> None:
    before = a_snapshot(FLEET, nodes("pool-c", 2), unseen={"cloud": "silent"})
    after = world_after(a_plan(FLEET, {"pool-c": 5}, ("ads", "pool-c", 3)), before)
    assert after == before
