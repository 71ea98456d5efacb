"""Sharing: equal parts are one, and no object says anything else than before."""

from typing import Any

import msgspec

from adapters.kubernetes.shapes import Container, Deployment, Node, Pod, Requests
from adapters.kubernetes.sharing import GENERATION, Sharing
from tests.bench.kubernetes_server import a_node, a_pod
from tests.doubles.shaped import shaped


def two_of(shape: type[Any], make: Any, sharing: Sharing) -> tuple[Any, Any]:
    pair = shaped(shape, make("000001")), shaped(shape, make("000002"))
    for each in pair:
        sharing.share(each)
    return pair


def test_what_two_pods_have_in_common_is_kept_once() -> None:
    one, other = two_of(Pod, lambda number: a_pod(number, number), Sharing())
    assert one.metadata.labels is other.metadata.labels
    assert one.metadata.namespace is other.metadata.namespace
    assert one.spec.tolerations is other.spec.tolerations
    first, second = one.spec.containers[0].resources, other.spec.containers[0].resources
    assert first.requests is second.requests


def test_no_object_says_anything_else_than_before() -> None:
    sharing = Sharing()
    for shape, make in ((Pod, lambda number: a_pod(number, number)), (Node, a_node)):
        for number in ("000001", "000002", "000001"):
            item = shaped(shape, make(number))
            sharing.share(item)
            assert item == shaped(shape, make(number))


def test_one_and_true_are_not_taken_for_the_same() -> None:
    def pod(priority: int) -> Pod:
        meta = {"name": "p", "ownerReferences": [{"controller": True, "name": "r"}]}
        return shaped(Pod, {"metadata": meta, "spec": {"priority": priority}})

    sharing, item = Sharing(), pod(1)
    sharing.share(item)
    assert type(item.spec.priority) is int
    assert type(item.metadata.owner_references[0].controller) is bool


def test_containers_with_and_without_limits_stay_different() -> None:
    sharing = Sharing()
    pods = [
        Pod(spec=msgspec.structs.replace(Pod().spec, containers=(Container(resources=asked),)))
        for asked in (Requests(requests={"cpu": "1"}), Requests(limits={"cpu": "1"}))
    ]
    for pod in pods:
        sharing.share(pod)
    assert [pod.spec.containers[0].resources.limits for pod in pods] == [{}, {"cpu": "1"}]


def test_other_kinds_are_left_alone() -> None:
    deployment = shaped(Deployment, {"metadata": {"name": "d", "labels": {"a": "b"}}})
    before = deployment.metadata.labels
    Sharing().share(deployment)
    assert deployment.metadata.labels is before


def test_what_is_not_met_again_is_forgotten_and_what_is_met_stays() -> None:
    sharing = Sharing()

    def met(team: str) -> str:
        pod = shaped(Pod, {"metadata": {"name": "p", "annotations": {"team": team}}})
        sharing.share(pod)
        return pod.metadata.annotations["team"]

    first = met("ours")
    for number in range(GENERATION):
        met(f"team-{number}")
        if number % 1_000 == 0:
            assert met("ours") is first
    assert sharing.remembered <= 2 * GENERATION
