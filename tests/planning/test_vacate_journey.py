"""A gang that finds only fragments gets its seats, and the services hardly notice."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.actions import Vacate
from scheduler.domain.names import NodeName, PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.domain.settings import GuardSettings
from scheduler.domain.snapshot import Memory, NodePhase
from scheduler.planning.diff import diff
from scheduler.planning.guard import guard
from scheduler.planning.remember import remember
from tests.planning.fake import FakeWorld, Machine
from tests.planning.worlds import SLOTS, a_fleet, a_job, a_plan, a_pool, a_service

HOME = PoolName("home")
RULES = GuardSettings()
FLEET = a_fleet(
    a_pool("home"),
    a_service("ads"),
    a_service("chat"),
    a_job("rank", 1, gpus=float(SLOTS)),
    a_job("train", 2, gpus=float(SLOTS)),
    a_job("pairs", 3, gpus=2.0),
)
SERVICES = ("ads", "chat")
Floor = list[tuple[int, int]]
"""Replicas of ads and chat on each node."""
floors = st.lists(
    st.tuples(st.integers(0, SLOTS), st.integers(0, SLOTS)).filter(lambda n: sum(n) <= SLOTS),
    min_size=2,
    max_size=6,
)


def a_world(floor: Floor, *, budgets: bool = True) -> FakeWorld:
    world = FakeWorld(FLEET, budgets=budgets)
    for number, (ads, chat) in enumerate(floor):
        world.machines[NodeName(f"home-{number}")] = Machine(
            pool=HOME,
            phase=NodePhase.READY,
            since=world.now,
            pods=[WorkloadName(name) for name in ("ads",) * ads + ("chat",) * chat],
        )
    for position, name in enumerate(SERVICES):
        at = (WorkloadName(name), HOME)
        world.wanted[at] = sum(node[position] for node in floor)
        world.share[at] = 1.0
    return world


def a_plan_with(floor: Floor, *gangs: str) -> Plan:
    """The services as they are, and the gangs."""
    lines = [
        (name, "home", sum(node[position] for node in floor))
        for position, name in enumerate(SERVICES)
    ]
    workers = [(name, "home", FLEET.jobs[WorkloadName(name)].workers) for name in gangs]
    return a_plan(FLEET, {"home": len(floor)}, *lines, *workers)


def free(floor: Floor) -> int:
    return sum(SLOTS - sum(node) for node in floor)


@dataclass
class Story:
    """Ticks under the guard, with what must never happen checked after each step."""

    plan: Plan
    world: FakeWorld
    vacated_at: list[int] = field(default_factory=list)
    """Ticks in which nodes were emptied."""
    moved: int = 0
    """Pods that sat on the nodes that were emptied last."""
    memory: Memory = field(default_factory=Memory)

    def run(self, ticks: int) -> "Story":
        for number in range(ticks):
            before = self.world.snapshot(self.memory)
            guarded = guard(diff(self.plan, before), self.plan, before, RULES)
            for action in guarded.allowed:
                if isinstance(action, Vacate):
                    self.vacated_at.append(number)
                    self.moved = sum(len(self.world.machines[n].pods) for n in action.nodes)
                self.world.do(action)
                self.check()
            self.memory = remember(before, self.plan, guarded, ())
            self.world.step()
            self.check()
        return self

    def running(self, name: str) -> int:
        return self.world.running((WorkloadName(name), HOME))

    def missing(self) -> int:
        return sum(
            self.world.wanted[WorkloadName(name), HOME] - self.running(name) for name in SERVICES
        )

    def check(self) -> None:
        assert self.missing() <= self.moved
        for name, job in FLEET.jobs.items():
            assert self.running(name) in (0, job.workers)
        assert all(self.world._used(machine) <= SLOTS for machine in self.world.machines.values())


def test_a_gang_sits_two_ticks_after_it_is_found_to_wait() -> None:
    floor = [(1, 1), (1, 0), (1, 1), (0, 1)]
    story = Story(a_plan_with(floor, "train"), a_world(floor)).run(2)
    assert (story.vacated_at, story.running("train")) == ([1], 0)
    assert story.run(1).running("train") == 2
    assert story.missing() == 0
    after = story.world.snapshot(story.memory)
    assert diff(story.plan, after) == ()


@given(floors, st.sampled_from(("rank", "train")), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_gang_of_whole_nodes_runs_wherever_there_is_room_for_all(floor, gang, budgets) -> None:
    story = Story(a_plan_with(floor, gang), a_world(floor, budgets=budgets)).run(6)
    workers = FLEET.jobs[WorkloadName(gang)].workers
    there_is_room = free(floor) >= workers * SLOTS
    assert story.running(gang) == (workers if there_is_room else 0)
    assert len(story.vacated_at) <= int(there_is_room)
    assert story.missing() == 0


@given(floors, st.booleans())
@settings(max_examples=150, deadline=None)
def test_where_nodes_are_emptied_smaller_workers_sit_too(floor, budgets) -> None:
    story = Story(a_plan_with(floor, "pairs"), a_world(floor, budgets=budgets)).run(6)
    assert story.running("pairs") == 3 or not story.vacated_at
    assert story.missing() == 0


@given(floors, st.booleans())
@settings(max_examples=100, deadline=None)
def test_two_gangs_get_their_seats_one_after_the_other(floor, budgets) -> None:
    story = Story(a_plan_with(floor, "rank", "train"), a_world(floor, budgets=budgets)).run(40)
    if free(floor) >= 3 * SLOTS:
        assert (story.running("rank"), story.running("train")) == (1, 2)
    assert all(
        later - sooner >= 15
        for sooner, later in zip(story.vacated_at, story.vacated_at[1:], strict=False)
    )
    assert story.missing() == 0
