"""Data gravity: work stays near its data, at the price and speed of the links."""

from typing import Any

import pytest

from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.response_time import ResponseTime
from scheduler.domain.names import DatasetName, Region
from tests.model.worlds import (
    a_dataset,
    a_fleet,
    a_job,
    a_link,
    a_pool,
    a_service,
    bill_of,
    pods_of,
)
from tests.policies.asking import plan

CLICKS = (DatasetName("clicks"),)
FAR = float("inf")


def where(
    size_gb: float, *tiers: tuple[float, float], gravity: bool = True, image_gb: float = 0.0
) -> str:
    """Which pool runs a job of 10 GPU-hours on four GPUs: the cloud saves it 0.80 USD/h."""
    fleet = a_fleet(
        a_pool("dc-a", usd_per_node_hour=1.0),
        a_pool("cloud-a", "cloud", usd_per_node_hour=0.2),
        a_dataset("clicks", size_gb, "dc"),
        a_link("dc", "cloud", *tiers, gbit_per_s=1e6),
        a_job(datasets=CLICKS, image_gb=image_gb),
    )
    policies = (Cost(), DataGravity()) if gravity else (Cost(),)
    return next(pool for _, pool in pods_of(plan(fleet, None, *policies)))


def test_without_gravity_work_goes_to_the_cheaper_pool() -> None:
    assert where(100.0, (FAR, 0.05), gravity=False) == "cloud-a"


def test_work_moves_only_as_far_as_its_data_is_cheap_to_move() -> None:
    """2.5 hours of stay: 100 GB at 0.019 USD cost 0.76 USD/h, at 0.021 USD 0.84 USD/h."""
    assert where(100.0, (FAR, 0.019)) == "cloud-a"
    assert where(100.0, (FAR, 0.021)) == "dc-a"


def test_tiers_are_charged_each_for_its_own_part() -> None:
    """Free up to 50 GB, then 0.05: 2.00 USD are reached at 90 GB."""
    tiers = ((50.0, 0.0), (FAR, 0.05))
    assert where(50.0, *tiers) == "cloud-a"
    assert where(89.0, *tiers) == "cloud-a"
    assert where(91.0, *tiers) == "dc-a"


def test_a_model_weighs_as_much_as_data() -> None:
    assert where(90.0, (FAR, 0.02), image_gb=5.0) == "cloud-a"
    assert where(90.0, (FAR, 0.02), image_gb=15.0) == "dc-a"


def test_a_link_by_region_counts_where_there_is_none_by_cluster() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_dataset("clicks", 100.0, "dc"),
        a_link("dc-region", "cloud-region", (FAR, 0.05), gbit_per_s=1e6),
        a_job(datasets=CLICKS),
    )
    bill = bill_of(plan(fleet, None, Cost(), DataGravity()))
    assert bill["data-gravity"] == pytest.approx(5.0 / 2.5, rel=1e-3)


def test_the_nearest_of_several_copies_is_taken() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_dataset("clicks", 100.0, "dc", "cloud"),
        a_job(datasets=CLICKS),
    )
    assert bill_of(plan(fleet, None, Cost(), DataGravity()))["data-gravity"] == 0.0


def why_waits(size_gb: float, *links: object) -> str:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_dataset("clicks", size_gb, "dc"),
        a_job(datasets=CLICKS),
        *links,  # type: ignore[arg-type]
    )
    found = plan(fleet, None, Cost(), DataGravity(max_transfer_hours=2.0))
    return found.missing[0].because if found.missing else "it runs"


def test_data_too_far_to_come_in_time_rules_a_place_out() -> None:
    slow = a_link("dc", "cloud", (FAR, 0.0))
    assert why_waits(7_000.0, slow) == "it runs"
    assert why_waits(9_000.0, slow) == (
        "its data needs 2.5 h to reach cloud, over 2 h (data-gravity)"
    )


def test_data_without_a_way_rules_a_place_out() -> None:
    assert why_waits(1.0) == "no link brings its data to cloud (data-gravity)"


def test_a_link_for_data_is_one_way() -> None:
    back = a_link("cloud", "dc", (FAR, 0.0))
    assert why_waits(1.0, back) == "no link brings its data to cloud (data-gravity)"


def test_a_transfer_costs_a_job_its_waiting_too() -> None:
    """3,600 GB at 1 GB/s are one hour: 50 USD over 2.5 hours, beside no egress."""
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_dataset("clicks", 3_600.0, "dc"),
        a_link("dc", "cloud", (FAR, 0.0)),
        a_job(datasets=CLICKS, wait_usd_per_hour=50.0),
    )
    bill = bill_of(plan(fleet, None, Cost(), DataGravity()))
    assert bill["data-gravity"] == pytest.approx(20.0)


def running_far(*links: object) -> dict[tuple[str, str], int]:
    """A gang runs far from its data; there is a second pool in the same cluster."""
    fleet = a_fleet(
        a_pool("cloud-a", "cloud", usd_per_node_hour=2.0),
        a_pool("cloud-b", "cloud"),
        a_dataset("clicks", 90_000.0, "dc"),
        a_job(datasets=CLICKS),
        *links,  # type: ignore[arg-type]
    )
    world: dict[str, Any] = {"nodes": {"cloud-a": 1}, "pods": {("train", "cloud-a"): 4}}
    return pods_of(plan(fleet, None, Cost(), DataGravity(), **world))


def test_what_already_runs_in_a_cluster_has_its_data_in_all_of_its_pools() -> None:
    assert running_far() == {("train", "cloud-b"): 4}
    assert running_far(a_link("dc", "cloud", (FAR, 0.1))) == {("train", "cloud-b"): 4}


def test_a_service_that_serves_where_no_link_leads_is_priced_without_alarm() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"), a_dataset("clicks", 9.0, "dc"), a_service(datasets=CLICKS)
    )
    world: dict[str, Any] = {"nodes": {"cloud-a": 1}, "pods": {("search", "cloud-a"): 2}}
    found = plan(fleet, {"search": 100.0}, Cost(), ResponseTime(), DataGravity(), **world)
    assert pods_of(found) == {("search", "cloud-a"): 2}
    assert bill_of(found)["data-gravity"] == 0.0


def test_answers_go_out_where_their_bytes_are_cheap() -> None:
    """0.36 GB an hour for each request/s at 100 kB: 60 requests/s cost 1.08 USD/h at 0.05."""
    users = Region("dc-region")

    def place(usd_per_gb: float) -> tuple[set[str], float]:
        fleet = a_fleet(
            a_pool("dc-a", usd_per_node_hour=2.0),
            a_pool("cloud-a", "cloud", usd_per_node_hour=1.0),
            a_link("cloud", "dc-region", (FAR, usd_per_gb)),
            a_service(users=users, traffic_kb=100.0),
        )
        found = plan(fleet, {"search": 60.0}, Cost(), ResponseTime(), DataGravity())
        return {pool for _, pool in pods_of(found)}, bill_of(found)["data-gravity"]

    pools, usd = place(0.045)
    assert pools == {"cloud-a"}
    assert usd == pytest.approx(0.972)
    assert place(0.050) == ({"dc-a"}, 0.0)
