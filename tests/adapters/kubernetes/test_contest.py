"""Who else sets the replicas of a Deployment is known, named and not fought."""

import msgspec

from adapters.kubernetes import shapes
from adapters.kubernetes.contest import contest
from tests.adapters.adapter_worlds import MIDNIGHT, after
from tests.adapters.kubernetes.view_worlds import (
    LONG_AGO,
    a_deployment,
    a_pod,
    a_view,
    a_writer,
)

APP = {"app": "search"}


def contested(*writers, pods: tuple[shapes.Pod, ...] = (), others: tuple[object, ...] = ()) -> str:
    deployment = a_deployment("search", adopted=True, writers=writers)
    return contest(deployment, a_view(deployment, *pods, *others), MIDNIGHT)


def a_scaler(target: str = "search", kind: str = "Deployment", namespace: str = "ml"):
    body = {
        "metadata": {"name": "scaler", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": target}},
    }
    return msgspec.convert(body, shapes.Scaler)


def test_a_number_that_nobody_fights_for_is_ours() -> None:
    assert contested() == ""
    assert contested(a_writer("tidegate", None, "scale")) == ""


def test_an_autoscaler_of_pods_is_named() -> None:
    assert "HorizontalPodAutoscaler ml/scaler" in contested(others=(a_scaler(),))


def test_autoscalers_of_something_else_do_not_matter() -> None:
    for other in (a_scaler("web"), a_scaler(kind="StatefulSet"), a_scaler(namespace="web")):
        assert contested(others=(other,)) == ""


def test_whoever_made_the_deployment_had_to_write_a_number() -> None:
    assert contested(a_writer("kustomize", LONG_AGO)) == ""


def test_a_number_written_minutes_ago_is_left_alone_and_its_writer_named() -> None:
    why = contested(a_writer("argocd", after(-3)))
    assert why.startswith("argocd set its replicas; take spec.replicas out")


def test_after_a_truce_the_number_is_ours_again() -> None:
    assert contested(a_writer("argocd", after(-11))) == ""


def test_whoever_wrote_the_same_number_after_us_wants_it_too() -> None:
    mine = a_writer("tidegate", after(-5))
    assert contested(mine, a_writer("argocd", after(-3))) != ""
    assert contested(mine, a_writer("argocd", after(-7))) == ""


def test_a_write_without_a_date_is_as_old_as_the_youngest_pod() -> None:
    by_hand = a_writer("kubectl", None, "scale")
    assert contested(by_hand) == ""
    assert contested(by_hand, pods=(a_pod(labels=APP, born=after(-30)),)) == ""
    why = contested(by_hand, pods=(a_pod(labels=APP, born=after(-3)),))
    assert why.startswith("kubectl set its replicas through the scale subresource")
    assert contested(by_hand, pods=(a_pod(labels={"app": "web"}, born=after(-3)),)) == ""


def test_writers_of_the_status_do_not_count() -> None:
    assert contested(a_writer("kube-controller-manager", after(-1), "status")) == ""


def test_writers_of_other_fields_do_not_count() -> None:
    entry = {
        "manager": "kubectl-set",
        "time": "2026-09-29T00:00:00Z",
        "fieldsV1": {"f:spec": {"f:template": {}}},
    }
    odd = {"manager": "odd", "time": "2026-09-29T00:00:00Z", "fieldsV1": {"f:spec": 7}}
    assert contested(entry, odd) == ""
