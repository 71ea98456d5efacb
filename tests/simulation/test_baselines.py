"""The baselines: plausible, in the same world, at the same prices."""

import pytest

from scheduler.domain.names import Instant
from scheduler.simulation.baselines import BASELINES, play
from scheduler.simulation.fixed import all_on_demand, everything_private
from scheduler.simulation.tables import LoadTable
from tests.simulation.worlds import (
    BEGIN,
    HOUR,
    OWNED,
    RANKING,
    RENTED,
    SPOT,
    a_day,
    a_fleet,
    a_job,
    a_load,
    a_service,
    sites,
)

DAY = a_load((0.0, 200.0), (2.0, 200.0), (3.0, 1500.0), (4.0, 1500.0), (5.0, 200.0))
JOB = a_job(not_before=Instant(BEGIN + HOUR), deadline=Instant(BEGIN + 3 * HOUR))


@pytest.fixture(scope="module")
def worlds():
    fleet = a_fleet(jobs=(JOB,))
    return [play(baseline, fleet, sites(), (DAY,), a_day(6.0)) for baseline in BASELINES]


@pytest.fixture(scope="module")
def summaries(worlds):
    return [world.summary() for world in worlds]


def test_everything_private_at_peak_size_never_misses(summaries):
    private, _, _ = summaries
    assert private.attainment > 0.999
    assert private.deadlines_met == 1
    assert private.moves == 0


def test_everything_private_pays_the_same_every_hour(worlds):
    usd = worlds[0].history().usd_per_hour
    assert usd.min() == pytest.approx(usd.max())


def test_peak_size_on_demand_serves_as_well_and_costs_the_rented_price(summaries):
    private, rented, _ = summaries
    assert rented.attainment > 0.999
    assert rented.usd > private.usd


def test_reactive_costs_less_than_peak_size_on_demand(summaries):
    _, rented, reactive = summaries
    assert reactive.usd < rented.usd
    assert reactive.moves > 0


def test_reactive_is_late_when_the_load_runs_ahead_of_boot_times(summaries):
    private, _, reactive = summaries
    assert 0.8 < reactive.attainment < private.attainment


def test_reactive_uses_owned_nodes_first_and_gives_rented_ones_back(worlds):
    history = worlds[2].history()
    rented = history.nodes[:, history.pools.index(RENTED)]
    assert rented[history.times < BEGIN + 2 * HOUR].max() <= 1.0
    assert rented.max() >= 3.0
    assert rented[-1] <= 1.0


def test_no_baseline_rents_spot(worlds):
    for world in worlds:
        history = world.history()
        assert history.nodes[:, history.pools.index(SPOT)].max() == 0.0


def test_private_data_stays_home_when_the_rest_is_rented():
    fleet = a_fleet(service=a_service(data_class="private"))
    plan = all_on_demand(fleet, LoadTable.of((DAY,)), a_day(6.0))
    assert plan.seat[RANKING].pool == OWNED
    assert plan.fleet.pools[RENTED].max_nodes == 0


def test_the_private_size_is_the_peak_over_what_a_replica_carries():
    plan = everything_private(a_fleet(), LoadTable.of((DAY,)), a_day(6.0))
    # 85 requests/s within the objective, 0.9 of it counted on
    assert plan.pods[RANKING] == 20
    assert plan.fleet.pools[OWNED].min_nodes == 5


def test_a_workload_that_fits_nowhere_is_named():
    fleet = a_fleet(jobs=(a_job(speed={}),))
    with pytest.raises(ValueError, match="training"):
        everything_private(fleet, LoadTable.of(()), a_day())
