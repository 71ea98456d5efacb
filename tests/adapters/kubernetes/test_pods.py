"""What a pod takes is what the scheduler sets aside for it."""

from math import inf

import msgspec
import pytest

from adapters.kubernetes import shapes
from adapters.kubernetes.pods import (
    comes_soon,
    holds_seat,
    is_ready,
    matches,
    requests_of,
    waits_for_room,
)
from tests.adapters.kubernetes.view_worlds import Json, a_pod


def asking(cpu: str, **more: object) -> Json:
    return {"name": f"c-{cpu}", "resources": {"requests": {"cpu": cpu}}, **more}


def takes_cpu(**spec: object) -> float:
    return requests_of(msgspec.convert({"spec": spec}, shapes.Pod)).get("cpu", 0.0)


def test_containers_add_up() -> None:
    assert takes_cpu(containers=[asking("1"), asking("500m")]) == 1.5


def test_the_largest_init_container_counts_where_it_is_more() -> None:
    assert takes_cpu(containers=[asking("1")], initContainers=[asking("3"), asking("2")]) == 3.0


def test_sidecars_add_to_the_containers_and_to_later_init_containers() -> None:
    sidecar = asking("2", restartPolicy="Always")
    assert takes_cpu(containers=[asking("1")], initContainers=[sidecar]) == 3.0
    assert takes_cpu(containers=[asking("1")], initContainers=[sidecar, asking("4")]) == 6.0
    assert takes_cpu(containers=[asking("1")], initContainers=[asking("4"), sidecar]) == 4.0


def test_what_the_pod_names_takes_the_place_of_the_sum_and_overhead_is_added() -> None:
    whole = {"requests": {"cpu": "5"}}
    assert takes_cpu(containers=[asking("1")], resources=whole, overhead={"cpu": "250m"}) == 5.25


def test_a_limit_without_a_request_is_the_request() -> None:
    container = {"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2"}}}
    pod = msgspec.convert({"spec": {"containers": [container]}}, shapes.Pod)
    assert requests_of(pod) == {"nvidia.com/gpu": 2.0}


def test_a_request_that_cannot_be_read_leaves_no_room_beside_it() -> None:
    assert takes_cpu(containers=[asking("all")]) == inf


def test_a_pod_of_nothing_takes_nothing() -> None:
    assert requests_of(shapes.Pod()) == {}


@pytest.mark.parametrize(
    ("pod", "holds"),
    [
        (a_pod(node="n1"), True),
        (a_pod(node="n1", owner="DaemonSet"), False),
        (a_pod(node="n1", owner="Node"), False),
        (a_pod(node="n1", annotations={"kubernetes.io/config.mirror": "x"}), False),
        (a_pod(node="n1", phase="Succeeded"), False),
        (a_pod(node="n1", phase="Failed"), False),
        (a_pod(node="n1", deletionTimestamp="2026-11-23T21:38:02Z"), True),
    ],
)
def test_daemons_mirrors_and_finished_pods_hold_no_seat(pod: shapes.Pod, holds: bool) -> None:
    assert holds_seat(pod) is holds


def test_a_pod_on_its_way_out_does_not_serve() -> None:
    assert is_ready(a_pod(node="n1"))
    assert not is_ready(a_pod(node="n1", deletionTimestamp="2026-11-23T21:38:02Z"))
    assert not is_ready(a_pod(node="n1", ready=False))


def test_a_pod_waits_for_room_once_the_scheduler_found_none() -> None:
    assert waits_for_room(a_pod(room=False))
    assert not comes_soon(a_pod(room=False))
    assert comes_soon(a_pod())
    assert not waits_for_room(a_pod())


def test_a_gated_pod_waits_for_somebody_else() -> None:
    gated = a_pod(spec={"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]})
    assert not comes_soon(gated)
    assert not waits_for_room(gated)


@pytest.mark.parametrize(
    ("selector", "picks"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}, False),
    ],
)
def test_selectors_pick_as_the_server_does(selector: Json, picks: bool) -> None:
    assert matches({"app": "web"}, msgspec.convert(selector, shapes.Selector)) is picks
