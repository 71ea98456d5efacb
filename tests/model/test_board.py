"""The board: what is known at one instant, as the optimiser sees it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from scheduler.domain.demand import Demand
from scheduler.domain.names import Instant, PoolName, Region
from scheduler.domain.readings import Freshness
from scheduler.domain.snapshot import Memory, NodePhase, SoldOut
from scheduler.domain.workloads import Priority, Spread
from scheduler.model.board import NODES, UNITS, Board, survey
from tests.model.worlds import (
    A10G,
    MUST_RUN,
    NOT_WANTED,
    NOW,
    PER_REPLICA,
    a_demand,
    a_fleet,
    a_job,
    a_link,
    a_node,
    a_pool,
    a_service,
    a_snapshot,
    load,
)

FLEET = a_fleet(a_pool("dc-a", min_nodes=1), a_pool("cloud-a", "cloud"), a_service(), a_job())
CLOUD_A, DC_A = 0, 1


def sold_out(until: float) -> Memory:
    return Memory(sold_out={PoolName("cloud-a"): SoldOut(until=Instant(until), strikes=1)})


def bounds(board: Board, block: str) -> list[tuple[float, float]]:
    found = board.blocks[block]
    return list(zip(found.lower.tolist(), found.upper.tolist(), strict=True))


def test_nodes_that_leave_do_not_count() -> None:
    nodes = [
        a_node("a", "dc-a"),
        a_node("b", "dc-a", NodePhase.BOOTING),
        a_node("c", "dc-a", NodePhase.UNREADY),
        a_node("d", "dc-a", NodePhase.DRAINING),
        a_node("e", "dc-a", doomed=True),
    ]
    board = survey(a_snapshot(FLEET, nodes=nodes), a_demand(FLEET))
    assert board.pool_state.nodes_now[DC_A] == 3.0


def test_nodes_and_pods_of_what_is_no_longer_declared_are_left_out() -> None:
    gone = a_node("x", "gone")
    world = a_snapshot(FLEET, nodes=[gone], pods={("gone", "dc-a"): 3})
    board = survey(world, a_demand(FLEET))
    assert board.pool_state.nodes_now.sum() == 0.0
    assert board.options.units_now.sum() == 0.0


def test_a_pool_is_planned_between_its_declared_limits() -> None:
    board = survey(a_snapshot(FLEET), a_demand(FLEET))
    assert bounds(board, NODES) == [(0.0, 10.0), (1.0, 10.0)]


def test_a_site_that_is_not_seen_is_frozen_as_last_seen() -> None:
    world = a_snapshot(
        FLEET,
        nodes={"cloud-a": 2},
        pods={("search", "cloud-a"): 3, ("train", "cloud-a"): 4},
        unseen={"cloud": "timeout"},
    )
    board = survey(world, a_demand(FLEET, {"search": 100.0}))
    assert board.pool_state.frozen.tolist() == [True, False]
    assert bounds(board, NODES)[CLOUD_A] == (2.0, 2.0)
    assert bounds(board, UNITS)[0] == (3.0, 3.0)
    assert bounds(board, UNITS)[2] == (1.0, 1.0)


def test_a_site_never_seen_is_frozen_and_empty() -> None:
    world = a_snapshot(FLEET)
    world = replace(world, sites={c: r for c, r in world.sites.items() if c != "cloud"})
    board = survey(world, a_demand(FLEET))
    assert bounds(board, NODES)[CLOUD_A] == (0.0, 0.0)


def test_a_pool_that_is_sold_out_keeps_what_it_has_and_gets_no_more() -> None:
    world = a_snapshot(FLEET, nodes={"cloud-a": 2}, memory=sold_out(NOW + 60.0))
    board = survey(world, a_demand(FLEET))
    assert bounds(board, NODES)[CLOUD_A] == (0.0, 2.0)


def test_an_offer_is_asked_for_again_once_the_wait_is_over() -> None:
    world = a_snapshot(FLEET, nodes={"cloud-a": 2}, memory=sold_out(NOW - 1.0))
    board = survey(world, a_demand(FLEET))
    assert bounds(board, NODES)[CLOUD_A] == (0.0, 10.0)


def test_a_sold_out_pool_below_its_minimum_does_not_contradict_itself() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud", min_nodes=3))
    board = survey(a_snapshot(fleet, nodes={"cloud-a": 1}, memory=sold_out(NOW + 60.0)), Demand())
    assert bounds(board, NODES) == [(1.0, 1.0)]


def test_a_price_that_was_read_takes_the_place_of_the_list_price() -> None:
    board = survey(a_snapshot(FLEET), a_demand(FLEET, prices={"cloud-a": 0.4, "unknown": 9.0}))
    assert board.pool_state.usd_per_node_hour.tolist() == [0.4, 1.0]


def capacities(slowdown: Mapping[str, float]) -> float:
    need = load(100.0, slowdown=slowdown)
    board = survey(a_snapshot(FLEET), a_demand(FLEET, {"search": need}))
    return float(board.options.capacity_rps[0])


def test_a_measured_slow_down_lowers_the_capacity_of_its_gpu_type() -> None:
    assert capacities({}) == pytest.approx(PER_REPLICA)
    assert capacities({A10G: 1.2}) == pytest.approx(100.0 / 1.2 * (1.0 - 0.012 / (0.060 - 0.024)))
    assert capacities({"T4": 3.0}) == pytest.approx(PER_REPLICA)


def test_a_server_faster_than_declared_is_not_trusted_to_stay_so() -> None:
    assert capacities({A10G: 0.5}) == pytest.approx(PER_REPLICA)


def test_a_slow_down_asks_for_more_replicas_and_never_for_none() -> None:
    assert capacities({A10G: 4.0}) == pytest.approx(PER_REPLICA / 4.0)


def test_the_round_trip_is_taken_off_the_objective() -> None:
    far = a_link("users", "cloud", rtt_s=0.010)
    fleet = a_fleet(*FLEET.pools.values(), a_service(users=Region("users")), far)
    board = survey(a_snapshot(fleet), a_demand(fleet, {"search": 100.0}))
    assert_allclose(board.options.rtt_s, [0.010, 0.0])
    assert_allclose(board.options.capacity_rps, [100.0 * (1.0 - 0.010 / 0.030), PER_REPLICA])


def test_users_in_the_region_of_a_cluster_are_near() -> None:
    far = a_link("dc-region", "cloud", rtt_s=0.010)
    fleet = a_fleet(*FLEET.pools.values(), a_service(users=Region("dc-region")), far)
    board = survey(a_snapshot(fleet), a_demand(fleet, {"search": 100.0}))
    assert_allclose(board.options.rtt_s, [0.010, 0.0])


def test_readings_that_are_not_fresh_hold_the_service_where_it_is() -> None:
    needs = {"a": load(1.0), "b": load(1.0, freshness=Freshness.STALE), "c": load(1.0, hold=True)}
    fleet = a_fleet(a_pool("dc-a"), *(a_service(name) for name in ("a", "b", "c", "d")))
    board = survey(a_snapshot(fleet), a_demand(fleet, needs))
    assert board.workload_state.hold.tolist() == [False, True, True, True]


def test_critical_work_and_a_near_deadline_are_urgent() -> None:
    fleet = a_fleet(
        a_pool("dc-a"),
        a_service("a", priority=Priority.CRITICAL),
        a_service("b", priority=Priority.HIGH),
        a_job("c"),
        a_job("d"),
    )
    board = survey(a_snapshot(fleet), a_demand(fleet, {"a": 1.0, "b": 1.0}, jobs={"d": MUST_RUN}))
    assert board.workload_state.urgent.tolist() == [True, False, False, True]


def test_a_job_that_is_not_wanted_may_run_nowhere() -> None:
    board = survey(a_snapshot(FLEET), a_demand(FLEET, jobs={"train": NOT_WANTED}))
    assert board.workload_state.wanted.tolist() == [0.0, 0.0]
    assert bounds(board, UNITS)[2:] == [(0.0, 0.0), (0.0, 0.0)]


def test_a_unit_is_a_replica_a_gang_or_one_worker_of_a_gang_that_spreads() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_service(), a_job("all"), a_job("each", spread=Spread.CLUSTER))
    options = survey(a_snapshot(fleet), a_demand(fleet)).options
    assert options.pods_per_unit.tolist() == [1, 4, 1]
    assert_allclose(options.nodes_per_unit, [0.25, 1.0, 0.25])


def test_only_services_whose_bytes_have_a_price_are_routed_by_flow() -> None:
    plain, heavy = a_service("a"), a_service("b", traffic_kb=10.0, users=Region("far"))
    fleet = a_fleet(a_pool("dc-a"), plain, heavy)
    board = survey(a_snapshot(fleet), a_demand(fleet, {"a": 1.0, "b": 7.0}))
    assert [board.option_label(int(i)) for i in board.routed] == ["b@dc-a"]
    assert board.blocks["flow"].upper.tolist() == [7.0]


def test_options_taken_off_the_board_take_their_unknowns_with_them() -> None:
    board = survey(a_snapshot(FLEET), a_demand(FLEET, {"search": 100.0}))
    without = board.without(board.options.pool == CLOUD_A)
    names = [without.option_label(i) for i in range(without.options.count)]
    assert names == ["search@dc-a", "train@dc-a"]
    assert without.blocks[UNITS].size == 2


def test_an_empty_world_has_an_empty_board() -> None:
    board = survey(a_snapshot(a_fleet()), Demand())
    assert board.options.count == 0
    assert all(block.size == 0 for block in board.blocks.values())
    assert np.sum(board.pool_state.nodes_now) == 0.0
