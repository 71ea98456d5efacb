"""Residency: what must stay never leaves, whatever it would save."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from policies.residency import Residency
from policies.response_time import ResponseTime
from scheduler.domain.names import DataClass, DatasetName
from scheduler.domain.workloads import Priority
from tests.model.profile import SLOW
from tests.model.worlds import (
    a_cluster,
    a_dataset,
    a_fleet,
    a_job,
    a_pool,
    a_service,
    missing_of,
    pods_of,
)
from tests.policies.asking import plan

PRIVATE = DataClass("private")
TRIO = (Residency(), ResponseTime(), Cost())


@SLOW
@given(
    st.sampled_from((0.0, 1e-6, 1.0, 1e6)),
    st.sampled_from((0.0, 1e-6, 1.0, 1e6)),
    st.sampled_from((1e-3, 1.0, 1e9)),
    st.sampled_from(Priority),
    st.sampled_from((0.0, 50.0, 5_000.0)),
)
def test_no_price_makes_private_work_leave(
    inside: float, outside: float, late: float, priority: Priority, rps: float
) -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1, usd_per_node_hour=inside),
        a_pool("cloud-a", "cloud", usd_per_node_hour=outside),
        a_service(data_class=PRIVATE, late_usd_per_hour=late, priority=priority),
        a_job(data_class=PRIVATE, wait_usd_per_hour=late, priority=priority),
    )
    found = plan(fleet, {"search": rps}, *TRIO, pods={("search", "cloud-a"): 2})
    assert {pool for _, pool in pods_of(found)} <= {"dc-a"}


def test_private_data_waits_rather_than_leaves() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1), a_pool("cloud-a", "cloud"), a_service(data_class=PRIVATE)
    )
    found = plan(fleet, {"search": 300.0}, *TRIO)
    assert pods_of(found) == {("search", "dc-a"): 4}
    assert missing_of(found) == {"search": pytest.approx(300.0 - 4 * 67.5)}


def test_a_dataset_binds_as_the_workload_does() -> None:
    fleet = a_fleet(
        a_pool("cloud-a", "cloud"),
        a_dataset("clicks", 1.0, "dc", data_class="private"),
        a_job(datasets=(DatasetName("clicks"),)),
    )
    found = plan(fleet, None, *TRIO)
    assert pods_of(found) == {}
    assert found.missing[0].because == "private data may not be in cloud (residency)"


def test_without_the_policy_the_same_job_would_leave() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_job(data_class=PRIVATE))
    assert pods_of(plan(fleet, None, Cost())) == {("train", "cloud-a"): 4}


def test_a_public_cluster_that_may_hold_the_class_is_allowed() -> None:
    vault = a_cluster("vault", "internal", "private")
    fleet = a_fleet(vault, a_pool("vault-a", "vault"), a_job(data_class=PRIVATE))
    assert pods_of(plan(fleet, None, *TRIO)) == {("train", "vault-a"): 4}


def test_single_workloads_can_be_kept_at_home() -> None:
    fleet = a_fleet(a_pool("cloud-a", "cloud"), a_job())
    found = plan(fleet, None, Cost(), Residency(also_private=("train",)))
    assert found.missing[0].because == (
        "the policy keeps it in private clusters and cloud is public (residency)"
    )


def test_work_at_a_forbidden_place_comes_home() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud"), a_service(data_class=PRIVATE))
    found = plan(fleet, {"search": 100.0}, *TRIO, pods={("search", "cloud-a"): 2})
    assert pods_of(found) == {("search", "dc-a"): 2}


def test_work_at_a_forbidden_place_that_is_not_seen_is_left_alone_until_it_is() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("cloud-a", "cloud"), a_job(data_class=PRIVATE))
    world: dict[str, Any] = {"nodes": {"cloud-a": 1}, "pods": {("train", "cloud-a"): 4}}
    found = plan(fleet, None, *TRIO, **world, unseen={"cloud": "timeout"})
    assert pods_of(found) == {("train", "cloud-a"): 4}
