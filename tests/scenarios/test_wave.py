"""A wave of load: room is rented for its peak, traffic follows, all is given back in order."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from scheduler.domain.actions import Drain, Grow, Place, Release, Shift
from scheduler.domain.names import NodeName, PoolName
from scheduler.domain.snapshot import Node, NodePhase, Placement
from scheduler.runtime.world import Tick
from tests.bench.checking import feasible
from tests.scenarios.stage import Played, a_shop, play

WAVE = (1500, 1500, 3000, 6000, 8000, 8000, 4000, 1500, 1500, 1500, 1500)
CLOUD = {PoolName("rented"), PoolName("spot")}


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Two hours in which the load rises to five times what it was and falls again."""
    return play(a_shop(tmp_path_factory.mktemp("wave"), WAVE))


def _nodes(tick: Tick) -> Iterator[Node]:
    for report in tick.snapshot.sites.values():
        yield from report.nodes


def _node(tick: Tick, name: NodeName) -> Node | None:
    return next((node for node in _nodes(tick) if node.name == name), None)


def _placements(tick: Tick) -> dict[PoolName, Placement]:
    return {
        placed.pool: placed
        for report in tick.snapshot.sites.values()
        for placed in report.placements
    }


def test_the_objective_is_kept_through_the_wave(wave: Played) -> None:
    assert wave.run.outcome().summary.attainment > 0.999


def test_room_is_rented_for_the_peak_and_given_back(wave: Played) -> None:
    rented = [sum(node.pool in CLOUD for node in _nodes(tick)) for tick in wave.ticks]
    assert max(rented) >= 3
    assert rented[-1] == 0
    summary = wave.run.outcome().summary
    assert summary.node_starts == summary.node_releases


def test_the_cheaper_offer_is_taken(wave: Played) -> None:
    assert {receipt.action.pool for _, receipt in wave.receipts(Grow)} == {PoolName("spot")}


def test_every_order_is_accepted(wave: Played) -> None:
    assert {receipt.outcome for tick in wave.ticks for receipt in tick.receipts} == {"accepted"}


def test_traffic_goes_only_where_replicas_answer(wave: Played) -> None:
    for tick, receipt in wave.receipts(Place, Shift):
        action, placed = receipt.action, _placements(tick)
        assert isinstance(action, Place | Shift)
        anybody = any(other.ready for other in placed.values())
        if action.share > 0.0 and anybody:
            assert placed[action.pool].ready > 0, f"{action.pool} at {tick.number}"


def test_no_ready_replica_is_taken_away_before_its_traffic_has_another_place(wave: Played) -> None:
    for tick, later in pairwise(wave.after(0.0)):
        ready = sum(placed.ready for placed in _placements(later).values())
        need = later.demand.services[next(iter(later.demand.services))].now_rps
        assert ready * 619.0 > need, f"{ready} replicas for {need:.0f}/s after {tick.number}"


def test_a_node_is_given_back_only_drained_and_empty(wave: Played) -> None:
    released = wave.receipts(Release)
    assert released
    for tick, receipt in released:
        action = receipt.action
        assert isinstance(action, Release)
        for name in action.nodes:
            node = _node(tick, name)
            assert node is not None
            assert (node.phase, node.pods) == (NodePhase.DRAINING, 0)


def test_a_drain_is_ordered_before_each_release(wave: Played) -> None:
    drained = {
        name: tick.number
        for tick, receipt in wave.receipts(Drain)
        if isinstance(receipt.action, Drain)
        for name in receipt.action.nodes
    }
    for tick, receipt in wave.receipts(Release):
        assert isinstance(receipt.action, Release)
        for name in receipt.action.nodes:
            assert drained[name] < tick.number


def test_traffic_is_away_before_the_last_node_of_a_pool_drains(wave: Played) -> None:
    for tick, receipt in wave.receipts(Drain):
        action = receipt.action
        assert isinstance(action, Drain)
        left = [
            node
            for node in _nodes(tick)
            if node.pool == action.pool and node.name not in action.nodes
        ]
        if not left:
            placed = _placements(tick).get(action.pool)
            assert placed is None or placed.share == 0.0


def test_a_surplus_lasts_before_a_node_of_it_drains(wave: Played) -> None:
    for tick, receipt in wave.receipts(Drain):
        since = tick.snapshot.memory.surplus_since[receipt.action.pool]
        assert tick.snapshot.now - since >= tick.loop.guard.release_after_s


def test_every_plan_of_the_day_is_feasible_by_a_second_opinion(wave: Played) -> None:
    for tick in wave.ticks:
        assert feasible(tick.plan, tick.snapshot, tick.demand).words == "yes", tick.number


def test_every_plan_is_proven_to_a_small_gap(wave: Played) -> None:
    assert max(tick.plan.proof.gap for tick in wave.ticks) <= 0.02


def test_every_action_says_why(wave: Played) -> None:
    assert all(receipt.action.why for tick in wave.ticks for receipt in tick.receipts)


def test_documents_are_read_once_while_nothing_changes(wave: Played) -> None:
    fleets = {id(tick.snapshot.fleet) for tick in wave.ticks}
    assert len(fleets) == 1
