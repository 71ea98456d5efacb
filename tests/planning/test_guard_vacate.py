"""Guard over nodes that are emptied for a gang: when they must not be, and never half of them."""

import pytest

from scheduler.domain.actions import Drain, Guarded, Vacate
from scheduler.domain.names import ActionKey, ClusterName, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.settings import GuardSettings, QuietHours
from scheduler.domain.snapshot import Memory, NodePhase, SoldOut
from scheduler.planning.guard import VACATED_LATELY_S, guard
from tests.planning.worlds import NOW, a_fleet, a_job, a_node, a_plan, a_pool, a_snapshot, nodes

FLEET = a_fleet(a_pool("old"), a_job("train", 2, gpus=4.0))
PLAN = a_plan(FLEET, {"old": 4}, ("train", "old", 2))
ROOM = Vacate(
    key=ActionKey("vacate/old/train/old-0,old-1"),
    cluster=ClusterName("dc"),
    pool=PoolName("old"),
    why="train needs 8 GPUs in one place",
    nodes=(NodeName("old-0"), NodeName("old-1")),
    workload=WorkloadName("train"),
)
NIGHT = QuietHours(start_minute=0, end_minute=0, time_zone="UTC")


def held(
    rules: GuardSettings | None = None,
    *,
    memory: Memory | None = None,
    unready: int = 0,
    unseen: dict[str, str] | None = None,
) -> str:
    """Why the order is held, if it is."""
    sick = [a_node(f"sick-{n}", "old", NodePhase.UNREADY) for n in range(unready)]
    world = a_snapshot(FLEET, [*nodes("old", 4), *sick], memory=memory, unseen=unseen)
    guarded = guard((ROOM,), PLAN, world, rules or GuardSettings())
    if not guarded.held:
        assert guarded.allowed == (ROOM,)
        return ""
    assert guarded.allowed == ()
    return guarded.held[0].why


def test_room_is_made_when_nothing_speaks_against_it() -> None:
    assert held() == ""


def test_not_when_paused() -> None:
    assert held(GuardSettings(paused=True)).startswith("Tidegate is paused")


def test_not_at_a_site_that_is_not_seen() -> None:
    assert held(unseen={"dc": "silent"}) == "dc is not seen: silent."


def test_not_while_too_many_nodes_are_unready() -> None:
    assert held(unready=4).startswith("4 of 8 nodes in dc are unready")
    assert held(unready=3) == ""


def test_not_in_quiet_hours() -> None:
    quiet = GuardSettings(quiet_hours=(NIGHT,))
    assert held(quiet) == "Quiet hours 00:00-00:00 UTC: nothing moves or goes."


@pytest.mark.parametrize(
    ("ago_s", "why"),
    [
        (0, "Nodes of old were emptied lately: more are in 900 s."),
        (899, "Nodes of old were emptied lately: more are in 1 s."),
        (900, ""),
    ],
)
def test_not_again_for_a_quarter_of_an_hour(ago_s: int, why: str) -> None:
    assert held(memory=Memory(vacated_at={"old": Instant(NOW - ago_s)})) == why
    assert VACATED_LATELY_S == 900
    assert held(memory=Memory(vacated_at={"other": NOW})) == ""


@pytest.mark.parametrize(("until_s", "kept"), [(60, True), (0, False)])
def test_not_where_a_growth_that_takes_them_back_would_be_held(until_s: int, kept: bool) -> None:
    offer = SoldOut(until=Instant(NOW + until_s), strikes=1)
    assert bool(held(memory=Memory(sold_out={"old": offer}))) is kept


class TestCaps:
    """Together or not at all."""

    def test_fewer_than_needed_are_not_emptied(self) -> None:
        assert held(GuardSettings(max_nodes_released_per_tick=1)) == (
            "Only 1 of 2 nodes could be emptied now, and none helps alone: "
            "one tick may take 1 away (maxNodesReleasedPerTick)."
        )

    def test_nor_more_than_can_come_back_at_once(self) -> None:
        assert held(GuardSettings(max_nodes_added_per_tick=1)) == (
            "Only 1 of 2 emptied nodes could come back at once: "
            "one tick may add 1 (maxNodesAddedPerTick)."
        )

    def test_they_count_with_what_is_drained_for_good(self) -> None:
        gone = Drain(
            key=ActionKey("drain/new"),
            cluster=ClusterName("dc"),
            pool=PoolName("new"),
            why="no longer needed",
            nodes=tuple(NodeName(f"new-{n}") for n in range(3)),
        )
        memory = Memory(surplus_since={"new": Instant(NOW - 3600)})
        world = a_snapshot(FLEET, nodes("old", 4), memory=memory)
        rules = GuardSettings(max_nodes_released_per_tick=3)
        guarded: Guarded = guard((ROOM, gone), PLAN, world, rules)
        taken = [node for a in guarded.allowed if isinstance(a, Vacate | Drain) for node in a.nodes]
        assert taken == ["old-0", "old-1", "new-0"]
