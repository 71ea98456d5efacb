"""Urgency: what cannot wait for the next tick, and what can."""

from typing import Any

import pytest

from adapters.kubernetes.shapes import Deployment, Job, ManagedFields, Meta, Node, Pod, WriterMeta
from adapters.kubernetes.urgency import urgency
from tests.doubles.shaped import shaped

READY = {"type": "Ready", "status": "True"}
NOT_READY = {"type": "Ready", "status": "Unknown"}
NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def a_node(**more: Any) -> Node:
    fields = {"metadata": {"name": "n"}, "status": {"conditions": [READY]}, **more}
    return shaped(Node, fields)


def a_pod(*conditions: object, phase: str = "Running", ours: bool = True) -> Pod:
    labels = {"tidegate.io/workload": "chat"} if ours else {}
    meta = {"name": "p", "namespace": "ml", "labels": labels}
    status = {"phase": phase, "conditions": conditions}
    return shaped(Pod, {"metadata": meta, "status": status})


def a_deployment(generation: int, *writers: tuple[str, str], ready: int = 1) -> Deployment:
    written = [
        {"manager": manager, "time": time, "fieldsV1": {"f:spec": {}}} for manager, time in writers
    ]
    meta = {"name": "d", "namespace": "ml", "generation": generation, "managedFields": written}
    return shaped(Deployment, {"metadata": meta, "status": {"readyReplicas": ready}})


def a_job(generation: int, **status: Any) -> Job:
    meta = {"name": "j", "namespace": "ml", "generation": generation}
    return shaped(Job, {"metadata": meta, "status": status})


GPUS = {"conditions": [READY], "allocatable": {"cpu": "8", "nvidia.com/gpu": "8"}}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (None, a_node(), "node n is new"),
        (a_node(), None, "node n is gone"),
        (a_node(), a_node(status={"conditions": [NOT_READY]}), "conditions of node n changed"),
        (a_node(), a_node(spec={"unschedulable": True}), "taints of node n changed"),
        (
            a_node(),
            a_node(spec={"taints": [{"key": "aws/spot", "effect": "NoSchedule"}]}),
            "taints of node n changed",
        ),
        (a_node(), a_node(status=GPUS), "devices of node n changed"),
        (a_pod(), a_pod(READY), "pod ml/p is ready"),
        (a_pod(READY), a_pod(NOT_READY), "pod ml/p is not ready"),
        (a_pod(), None, "pod ml/p is gone"),
        (None, a_pod(NO_ROOM), "pod ml/p finds no room"),
        (a_pod(), a_pod(phase="Succeeded"), "pod ml/p has ended"),
        (
            a_deployment(1, ("tidegate", "t1")),
            a_deployment(2, ("tidegate", "t1"), ("kubectl", "t2")),
            "deployment ml/d was changed by others",
        ),
        (a_deployment(1), None, "deployment ml/d is gone"),
        (
            a_deployment(1),
            a_deployment(1, ready=0),
            "deployment ml/d has more or fewer ready pods",
        ),
        (a_job(1), a_job(2), "job ml/j was changed"),
        (
            a_job(1),
            a_job(1, conditions=[{"type": "Complete", "status": "True"}]),
            "job ml/j has ended",
        ),
    ],
)
def test_it_cannot_wait_that(old: object, new: object, why: str) -> None:
    assert urgency(old, new) == why


BEAT = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (a_node(), a_node(status={"conditions": [BEAT]})),
        (a_node(), a_node(metadata={"name": "n", "annotations": {"a": "b"}})),
        (a_node(), a_node(status={"conditions": [READY], "allocatable": {"hugepages-2Mi": "1"}})),
        (a_pod(NO_ROOM), a_pod(NO_ROOM)),
        (None, a_pod()),
        (a_pod(ours=False), None),
        (a_deployment(1, ("tidegate", "t1")), a_deployment(2, ("tidegate", "t2"))),
        (a_job(1), a_job(1, active=2)),
    ],
)
def test_it_can_wait_that(old: object, new: object) -> None:
    assert urgency(old, new) == ""


def test_the_status_that_a_controller_writes_is_nobodys_wish() -> None:
    def deployment(generation: int, time: str) -> Deployment:
        status = ManagedFields(manager="controller", subresource="status", time=time)
        meta = WriterMeta(name="d", generation=generation, managed_fields=(status,))
        return Deployment(metadata=meta)

    assert urgency(deployment(1, "t1"), deployment(2, "t2")) == ""


def test_kinds_that_only_inform_never_ring() -> None:
    assert urgency(None, Meta(name="anything")) == ""
