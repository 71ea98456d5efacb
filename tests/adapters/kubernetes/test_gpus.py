"""GPUs are counted whole, however a node slices, shares or claims them."""

import msgspec
import pytest

from adapters.kubernetes import shapes
from adapters.kubernetes.gpus import (
    claimed_by_pod,
    devices_by_node,
    gpus_of_node,
    gpus_of_pod,
    is_complete,
    unit_of,
)
from adapters.kubernetes.pods import requests_of
from scheduler.domain.places import Resources
from tests.adapters.adapter_worlds import a_pool
from tests.adapters.kubernetes.view_worlds import a_node, a_pod, bound

POOL = a_pool()
SHARED = {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}
MIG_SINGLE = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"}


@pytest.mark.parametrize(
    ("resource", "labels", "part"),
    [
        ("nvidia.com/gpu", {}, 1.0),
        ("nvidia.com/gpu", {"nvidia.com/gpu.replicas": "1"}, 1.0),
        ("nvidia.com/gpu", SHARED, 0.25),
        ("nvidia.com/gpu.shared", SHARED, 0.25),
        ("nvidia.com/gpu", {"nvidia.com/gpu.replicas": "many"}, 1.0),
        ("nvidia.com/mig-1g.5gb", {}, 1 / 7),
        ("nvidia.com/mig-3g.20gb", SHARED, 3 / 7),
        ("nvidia.com/mig-7g.40gb", {}, 1.0),
        ("nvidia.com/mig-1g.10gb.me", {}, 1 / 7),
        ("nvidia.com/gpu", MIG_SINGLE, 1 / 7),
        ("amd.com/gpu", {}, 1.0),
        ("aliyun.com/gpu-mem", {}, 1 / 40),
        ("aliyun.com/gpu-core.percentage", {}, 0.01),
        ("aliyun.com/gpu-count", {}, 1.0),
    ],
)
def test_one_of_a_resource_is_this_part_of_a_gpu(
    resource: str, labels: dict[str, str], part: float
) -> None:
    assert unit_of(resource, labels, gpu_memory_gib=40.0) == pytest.approx(part)


@pytest.mark.parametrize(
    ("resource", "labels", "count"),
    [
        ("nvidia.com/gpu", {}, "8"),
        ("nvidia.com/gpu", SHARED, "32"),
        ("nvidia.com/gpu.shared", SHARED, "32"),
        ("nvidia.com/mig-1g.5gb", {}, "56"),
        ("nvidia.com/gpu", MIG_SINGLE, "56"),
        ("aliyun.com/gpu-mem", {}, "320"),
    ],
)
def test_a_node_of_eight_gpus_has_eight_in_every_way_of_counting(
    resource: str, labels: dict[str, str], count: str
) -> None:
    binding = bound(resource=resource)
    node = a_node(labels=labels, has={resource: count})
    assert gpus_of_node(node, POOL, binding, 0.0) == pytest.approx(8.0)
    assert is_complete(node, POOL, binding, 0.0)


def test_a_node_that_lacks_one_gpu_is_not_complete() -> None:
    assert not is_complete(a_node(has={"nvidia.com/gpu": "7"}), POOL, bound(), 0.0)
    assert not is_complete(a_node(has={}), POOL, bound(), 0.0)


def test_mig_profiles_that_leave_a_rest_are_complete_as_soon_as_they_show() -> None:
    binding = bound(resource="nvidia.com/mig-3g.20gb")
    assert is_complete(a_node(has={"nvidia.com/mig-3g.20gb": "16"}), POOL, binding, 0.0)
    assert not is_complete(a_node(has={"nvidia.com/mig-3g.20gb": "0"}), POOL, binding, 0.0)


def test_a_pool_without_gpus_waits_for_none() -> None:
    pool = a_pool(per_node=Resources(cpu=8.0, memory_gib=32.0, pods=110.0))
    assert is_complete(a_node(has={"cpu": "8"}), pool, bound(), 0.0)


def test_a_pod_takes_slices_of_any_kind_of_the_same_vendor() -> None:
    asked = requests_of(
        a_pod(requests={"nvidia.com/gpu": "1", "nvidia.com/mig-2g.10gb": "2", "cpu": "4"})
    )
    assert gpus_of_pod(asked, POOL, bound(), {}, 0.0) == pytest.approx(1 + 4 / 7)
    assert gpus_of_pod(asked, POOL, bound(resource="amd.com/gpu"), {}, 0.0) == 0.0


def test_a_request_that_cannot_be_read_takes_the_whole_node_and_not_more() -> None:
    asked = requests_of(a_pod(requests={"nvidia.com/gpu": "lots"}))
    assert gpus_of_pod(asked, POOL, bound(), {}, 0.0) == 8.0


def a_slice(*devices: str, node: str = "n1", driver: str = "gpu.nvidia.com", generation: int = 1):
    body = {
        "metadata": {"name": f"{node}-{generation}-{len(devices)}"},
        "spec": {
            "driver": driver,
            "nodeName": node,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": 1},
            "devices": [{"name": name} for name in devices],
        },
    }
    return msgspec.convert(body, shapes.Slice)


def a_claim(*devices: str, pods: tuple[str, ...] = ("uid-a",), driver: str = "gpu.nvidia.com"):
    results = [
        {"request": "gpu", "driver": driver, "pool": "n1", "device": name} for name in devices
    ]
    body = {
        "metadata": {"name": "claim", "namespace": "ml"},
        "status": {
            "allocation": {"devices": {"results": results}},
            "reservedFor": [{"resource": "pods", "name": "x", "uid": uid} for uid in pods],
        },
    }
    return msgspec.convert(body, shapes.Claim)


def table(*objects):
    return {("", str(number)): each for number, each in enumerate(objects)}


def test_devices_that_drivers_publish_are_the_gpus_of_their_node() -> None:
    other = a_slice("nic-0", driver="nic.example.com")
    found = devices_by_node(table(a_slice("gpu-0", "gpu-1"), a_slice("gpu-0", node="n2"), other))
    assert found == {"n1": 2.0, "n2": 1.0}


def test_mig_devices_of_one_gpu_are_that_one_gpu() -> None:
    devices = ("gpu-0-mig-1g5gb-19-0", "gpu-0-mig-1g5gb-19-1", "gpu-1")
    assert devices_by_node(table(a_slice(*devices))) == {"n1": 2.0}


def test_slices_of_an_older_generation_are_not_counted() -> None:
    old = a_slice("gpu-0", "gpu-1", "gpu-2", generation=1)
    assert devices_by_node(table(old, a_slice("gpu-0", generation=2))) == {"n1": 1.0}


def test_a_node_whose_gpus_are_only_published_as_devices_is_complete() -> None:
    assert is_complete(a_node(has={"cpu": "8"}), POOL, bound(), 8.0)


def test_a_claim_is_shared_by_the_pods_that_share_it() -> None:
    whole, part = a_claim("gpu-0", "gpu-1", pods=("a", "b")), a_claim("gpu-3-mig-2g10gb-0-0")
    taken = claimed_by_pod(table(whole, part, a_claim("nic-0", driver="nic.example.com")))
    assert taken["a"] == taken["b"] == 1.0
    assert taken["uid-a"] == pytest.approx(2 / 7)


def test_a_claim_that_nobody_uses_takes_nothing() -> None:
    assert not claimed_by_pod(table(a_claim("gpu-0", pods=())))


def test_a_gpu_that_is_requested_and_claimed_is_taken_once() -> None:
    asked = requests_of(a_pod(gpus=2))
    assert gpus_of_pod(asked, POOL, bound(), {}, 2.0) == 2.0
