"""What nodes and transfers cost."""

import pytest

from adapters.base import DrainOrder, ReleaseOrder
from scheduler.domain.names import Instant
from scheduler.domain.places import Contract
from tests.simulation.worlds import (
    BEGIN,
    CLOUD,
    HOME,
    HOUR,
    KEY,
    OWNED,
    RANKING,
    RENTED,
    SPOT,
    TRAINING,
    a_fleet,
    a_job,
    a_load,
    a_price,
    a_world,
    go,
    place,
    scale,
)


def release_all(world, pool):
    site = world.site_of(pool)
    names = tuple(node.name for node in site.report().nodes if node.pool == pool)
    site.drain(DrainOrder(key=KEY, pool=pool, nodes=names))
    site.release(ReleaseOrder(key=KEY, pool=pool, nodes=names))


def test_owned_nodes_are_paid_all_day_even_if_nothing_runs():
    world = a_world(a_fleet())
    go(world, 2.0)
    assert world.summary().usd == pytest.approx(2 * 2 * 1.0)
    assert world.summary().gpu_hours == pytest.approx(2 * 2 * 4)


def test_every_node_is_paid_for_just_as_long_as_it_lived():
    world = a_world(a_fleet())
    for hour, nodes in ((0.1, 3), (0.55, 5)):
        go(world, hour)
        scale(world, RENTED, nodes)
    go(world, 1.0)
    release_all(world, RENTED)
    go(world, 1.2)
    scale(world, RENTED, 1)
    go(world, 2.0)
    ended = sum(seconds for pool, seconds in world.nodes.lifetimes_s if pool == RENTED)
    still_there = world.nodes.open_node_seconds(world.now()) - 2 * 2 * HOUR
    assert world.nodes.node_seconds[RENTED] == pytest.approx(ended + still_there)
    expected = 3 * 0.9 + 2 * 0.45 + 1 * 0.8
    assert world.nodes.node_seconds[RENTED] == pytest.approx(expected * HOUR)
    assert world.nodes.usd[RENTED] == pytest.approx(expected * 4.0)


def test_a_node_is_paid_from_its_order_on_not_from_when_it_is_ready():
    world = a_world(a_fleet())
    go(world, 1.0)
    scale(world, RENTED, 1)
    world.advance_to(Instant(world.now() + 120.0))
    assert world.nodes.usd[RENTED] == pytest.approx(4.0 * 120.0 / HOUR)


def test_a_rented_node_costs_a_minute_at_least():
    world = a_world(a_fleet())
    go(world, 1.0)
    scale(world, RENTED, 1)
    world.advance_to(Instant(world.now() + 10.0))
    release_all(world, RENTED)
    go(world, 1.5)
    assert world.nodes.usd[RENTED] == pytest.approx(4.0 * 60.0 / HOUR)


def test_spot_pays_the_price_of_the_hour_and_changes_within_a_step_count():
    world = a_world(a_fleet(), a_price(SPOT, (0.0, 2.0), (0.5, 3.0), (1.0 + 7 / HOUR, 1.0)))
    go(world, 0.0)
    scale(world, SPOT, 1)
    go(world, 2.0)
    expected = 0.5 * 2.0 + (0.5 + 7 / HOUR) * 3.0 + (1.0 - 7 / HOUR) * 1.0
    assert world.nodes.usd[SPOT] == pytest.approx(expected)


def test_the_warm_up_is_neither_paid_nor_judged():
    world = a_world(a_fleet(), a_load((0.0, 100.0)))
    scale(world, RENTED, 4)
    go(world, 0.0)
    assert world.summary().usd == 0.0 or world.history().times.size == 0
    go(world, 0.5)
    summary = world.summary()
    assert summary.usd == pytest.approx(0.5 * (2 * 1.0 + 4 * 4.0))
    assert summary.moves == 0
    assert world.history().times[0] == BEGIN


def test_answers_from_another_region_pay_egress_by_tier():
    world = a_world(a_fleet(), a_load((0.0, 50.0)), hours=2.0)
    scale(world, RENTED, 1)
    place(world, RANKING, RENTED, 4, 1.0)
    go(world, 2.0)
    summary = world.summary()
    gb = summary.requests * 1000.0 / 1e6
    assert gb > 100.0
    assert summary.egress_gb == pytest.approx(gb, rel=1e-6)
    assert summary.usd_egress == pytest.approx(100.0 * 0.1 + (gb - 100.0) * 0.05, rel=1e-6)


def test_answers_from_home_pay_no_egress_and_lost_requests_pay_none():
    world = a_world(a_fleet(), a_load((0.0, 50.0)))
    go(world, 1.0)
    place(world, RANKING, OWNED, 4, 1.0)
    go(world, 2.0)
    assert world.summary().usd_egress == 0.0


def test_a_dataset_is_copied_once_to_a_cluster_and_charged_to_where_it_came_from():
    world = a_world(a_fleet(jobs=(a_job(),)))
    go(world, 0.0)
    scale(world, RENTED, 1)
    place(world, TRAINING, RENTED, 1, 0.0)
    go(world, 2.0)
    assert world.egress.usd == {HOME: pytest.approx(200.0 * 0.05)}


def test_a_job_at_the_home_of_its_data_moves_nothing():
    world = a_world(a_fleet(jobs=(a_job(),)))
    go(world, 0.0)
    place(world, TRAINING, OWNED, 1, 0.0)
    go(world, 2.0)
    assert world.summary().egress_gb == 0.0
    assert world.summary().jobs_finished == 1


def test_the_bill_adds_up_over_clusters_and_contracts():
    world = a_world(a_fleet(), a_load((0.0, 50.0)))
    go(world, 0.0)
    scale(world, RENTED, 1)
    scale(world, SPOT, 2)
    place(world, RANKING, RENTED, 4, 1.0)
    go(world, 1.0)
    summary = world.summary()
    assert set(summary.usd_by_contract) == {
        (HOME, Contract.OWNED),
        (CLOUD, Contract.ON_DEMAND),
        (CLOUD, Contract.SPOT),
    }
    total = sum(summary.usd_by_contract.values()) + summary.usd_egress
    assert summary.usd == pytest.approx(total)
    history = world.history()
    spent = float(history.usd_per_hour.sum()) * history.step_s / HOUR
    assert spent == pytest.approx(summary.usd)
