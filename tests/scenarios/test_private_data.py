"""Part of the e-commerce day: what is private never leaves, whatever happens around it."""

import csv
import shutil
from collections.abc import Iterator

import pytest

from scheduler.app.tables import example_folder
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, WorkloadName
from scheduler.domain.places import Exposure
from tests.bench.checking import feasible
from tests.scenarios.stage import Played, play

FROM, TO = "2026-11-11T02:00:00Z", "2026-11-11T02:40:00Z"
"""The private training may begin at two."""


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The daemon over that part of the example."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(example_folder(), folder)
    table = folder / "load.csv"
    with table.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *(row for row in rows if FROM <= row[0] <= TO)])
    return play(folder)


def _private(fleet: Fleet) -> Iterator[WorkloadName]:
    for item in fleet.workloads():
        read = {fleet.datasets[name].data_class for name in item.datasets}
        if "private" in {item.data_class, *read}:
            yield item.name


def _public(fleet: Fleet) -> set[ClusterName]:
    return {
        name for name, cluster in fleet.clusters.items() if cluster.exposure is not Exposure.PRIVATE
    }


def test_private_work_is_never_seen_in_a_public_cluster(hour: Played) -> None:
    fleet = hour.run.world.fleet
    private, public = set(_private(fleet)), _public(fleet)
    assert private
    assert len(public) == 3
    for tick in hour.ticks:
        assert set(tick.snapshot.sites) == set(fleet.clusters)
        for name in public:
            report = tick.snapshot.sites[name]
            assert not private & {placed.workload for placed in report.placements}
            assert not private & {done.job for done in report.progress}


def test_no_plan_and_no_order_sends_it_there(hour: Played) -> None:
    fleet = hour.run.world.fleet
    private, public = set(_private(fleet)), _public(fleet)
    for tick in hour.ticks:
        for line in tick.plan.placements:
            assert line.workload not in private or line.cluster not in public or not line.after
        for receipt in tick.receipts:
            workload = getattr(receipt.action, "workload", "")
            assert workload not in private or receipt.action.cluster not in public


def test_it_does_run_at_home(hour: Played) -> None:
    private = set(_private(hour.run.world.fleet))
    home = hour.ticks[-1].snapshot.sites[ClusterName("hangzhou-dc")]
    ready = {placed.workload: placed.ready for placed in home.placements}
    assert any(ready.get(name, 0) for name in private)


def test_meanwhile_the_shop_is_served(hour: Played) -> None:
    assert hour.run.outcome().summary.attainment > 0.99


def test_every_plan_is_feasible_by_a_second_opinion(hour: Played) -> None:
    for tick in hour.ticks:
        assert feasible(tick.plan, tick.snapshot, tick.demand).words == "yes", tick.number
