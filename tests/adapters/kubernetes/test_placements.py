"""Placements tell what was ordered, what serves, and what found no room."""

import msgspec
import pytest

from adapters.kubernetes import shapes
from adapters.kubernetes.marks import MANAGED_BY, OURS, POOL, TRAFFIC, WANTED, WORKLOAD
from adapters.kubernetes.placements import placements_of
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import WorkloadName
from scheduler.domain.snapshot import Placement
from tests.adapters.adapter_worlds import MIDNIGHT, a_job, a_pool, after
from tests.adapters.kubernetes.view_worlds import (
    LONG_AGO,
    a_deployment,
    a_gang_job,
    a_node,
    a_pod,
    a_replica,
    a_setting,
    a_view,
    a_worker,
    adopting,
)

NO_GPUS = {"cpu": "128", "memory": "1Ti", "pods": "110"}
RUNS = Suspendable(
    namespace="ml",
    api_version="kubeflow.org/v1",
    resource="pytorchjobs",
    name="ranker",
    suspend=("spec", "runPolicy", "suspend"),
    node_selectors=(),
    pods={"training.kubeflow.org/job-name": "ranker"},
)


def told(*objects: object, setting=None, **view) -> list[Placement]:
    return list(placements_of(a_view(*objects, **view), setting or a_setting(), MIDNIGHT))


def only(*objects: object, **more) -> Placement:
    (placement,) = told(*objects, **more)
    return placement


def counts(placement: Placement) -> tuple[int, int, int]:
    return placement.wanted, placement.ready, placement.pending


def booting(name: str = "new") -> shapes.Node:
    return a_node(name, born=after(-2), has=NO_GPUS)


def shares(**data: str) -> shapes.ConfigMap:
    body = {"metadata": {"name": TRAFFIC, "namespace": "tidegate"}, "data": data}
    return msgspec.convert(body, shapes.ConfigMap)


def a_custom(*, suspend: bool, wanted: int = 2, conditions: tuple[object, ...] = ()):
    body = {
        "metadata": {
            "name": "ranker",
            "labels": {WORKLOAD: "ranker", POOL: "pool"},
            "annotations": {WANTED: str(wanted)},
        },
        "spec": {"runPolicy": {"suspend": suspend}},
        "status": {"conditions": list(conditions)},
    }
    return {WorkloadName("ranker"): body}


def test_a_service_has_the_replicas_that_serve() -> None:
    placement = only(
        a_node(), a_deployment(replicas=3), a_replica("n1"), a_replica("n1", ready=False)
    )
    assert placement == Placement(
        workload="search", pool="pool", wanted=3, ready=1, pending=0, share=0.0
    )


def test_replicas_that_are_left_on_a_node_that_is_gone_do_not_serve() -> None:
    assert counts(only(a_deployment(), a_replica("n0"))) == (1, 0, 0)


def test_replicas_on_their_way_out_do_not_serve() -> None:
    leaving = a_replica("n1", deletionTimestamp="2026-11-23T21:38:02Z")
    assert counts(only(a_node(), a_deployment(replicas=0), leaving)) == (0, 0, 0)


def test_what_is_not_wanted_and_has_no_pods_is_not_told() -> None:
    assert told(a_deployment(replicas=0)) == []


def test_what_left_the_documents_is_told_until_it_is_gone() -> None:
    labels = {WORKLOAD: "old", POOL: "gone"}
    deployment = msgspec.convert(
        {
            "metadata": {"name": "old", "namespace": "ml", "labels": {MANAGED_BY: OURS, **labels}},
            "spec": {"replicas": 2},
        },
        shapes.Deployment,
    )
    waiting = a_pod(labels=labels, room=False)
    placement = only(deployment, waiting)
    assert (placement.workload, placement.pool, placement.wanted) == ("old", "gone", 2)
    assert counts(only(a_node(), a_pod(node="n1", labels=labels))) == (0, 1, 0)


def test_objects_without_our_mark_or_outside_our_namespaces_are_not_ours() -> None:
    assert told(a_deployment(), setting=a_setting(namespaces=("web",))) == []
    assert told(a_deployment(adopted=True)) == []


def test_an_adopted_deployment_is_known_by_its_name_and_its_selector() -> None:
    setting = a_setting(runs=adopting(pool="web", spare="absent"))
    mine, other = {"app": "web"}, {"app": "db"}
    placement = only(
        a_node(),
        a_deployment("web", replicas=2, adopted=True),
        a_pod(node="n1", labels=mine),
        a_pod(labels=mine, room=False),
        a_pod(node="n1", labels=other),
        a_pod(node="n1", labels=mine, namespace="other"),
        setting=setting,
    )
    assert counts(placement) == (2, 1, 1)


def test_pods_without_room_are_pending() -> None:
    waiting = [a_replica(room=False) for _ in range(3)]
    assert counts(only(a_node(), a_deployment(replicas=3), *waiting)) == (3, 0, 3)


def test_pods_that_the_scheduler_has_not_looked_at_are_not_pending() -> None:
    assert counts(only(a_node(), a_deployment(), a_replica())) == (1, 0, 0)


def test_what_booting_nodes_will_hold_is_not_pending() -> None:
    waiting = [a_replica(gpus=3, room=False) for _ in range(3)]
    assert counts(only(booting(), a_deployment(replicas=3), *waiting)) == (3, 0, 1)


def test_room_of_a_booting_node_is_promised_once() -> None:
    ads = {WORKLOAD: "ads", POOL: "pool"}
    waiting = (a_replica(gpus=8, room=False), a_pod(labels=ads, gpus=4, room=False))
    placements = told(booting(), a_deployment(), *waiting)
    assert [(each.workload, each.pending) for each in placements] == [("ads", 1), ("search", 0)]


def test_a_node_that_boots_for_too_long_holds_nobody_back() -> None:
    lost = a_node(born=LONG_AGO, has=NO_GPUS)
    assert only(lost, a_deployment(), a_replica(room=False)).pending == 1


def test_a_gang_trains_with_all_its_workers() -> None:
    nodes = (a_node("a"), a_node("b"))
    whole = only(*nodes, a_gang_job(), a_worker("a"), a_worker("b"))
    assert counts(whole) == (2, 2, 0)
    part = only(*nodes, a_gang_job(), a_worker("a"), a_worker("b", ready=False))
    assert counts(part) == (2, 0, 0)


def test_a_gang_whose_first_workers_have_ended_still_trains() -> None:
    job = a_gang_job(status={"succeeded": 1})
    assert counts(only(a_node(), job, a_worker("n1"))) == (2, 2, 0)


def test_of_a_gang_all_workers_are_pending_or_none() -> None:
    job, seated, waiting = a_gang_job(), a_worker("n1"), a_worker(room=False)
    assert counts(only(a_node(), job, seated, waiting)) == (2, 0, 2)
    assert counts(only(a_node(), booting(), job, seated, waiting)) == (2, 0, 0)


@pytest.mark.parametrize(
    ("nodes", "pending"),
    [
        ((), 2),
        ((a_node("a"),), 2),
        ((a_node("a"), a_node("b")), 0),
        ((a_node("a"), booting()), 0),
        ((booting("x"), booting("y")), 0),
    ],
)
def test_a_gang_that_stands_still_is_pending_where_it_would_not_fit(nodes, pending: int) -> None:
    assert counts(only(*nodes, a_gang_job(suspend=True))) == (2, 0, pending)


def test_two_gangs_are_not_promised_the_same_seats() -> None:
    pools = (a_pool(),)
    setting = a_setting(*pools, jobs=(a_job("ranker"), a_job("vision")))
    other = msgspec.structs.replace(
        a_gang_job(suspend=True),
        metadata=msgspec.structs.replace(
            a_gang_job().metadata,
            name="vision-pool",
            labels={MANAGED_BY: OURS, WORKLOAD: "vision", POOL: "pool"},
        ),
    )
    nodes = [a_node(name) for name in "abc"]
    placements = told(*nodes, a_gang_job(suspend=True), other, setting=setting)
    assert [each.pending for each in placements] == [0, 2]


def test_a_gang_that_still_runs_on_another_pool_waits_for_nothing() -> None:
    setting = a_setting(a_pool("pool"), a_pool("spare"))
    labels = {WORKLOAD: "ranker", POOL: "spare"}
    still = a_pod(node="n1", labels=labels, owner="Job")
    placements = told(
        a_node(pool="spare"),
        a_gang_job(0, pool="spare"),
        still,
        a_gang_job(suspend=True),
        setting=setting,
    )
    assert [(each.pool, each.wanted, each.pending) for each in placements] == [
        ("pool", 2, 0),
        ("spare", 0, 0),
    ]


def test_a_gang_that_was_stopped_or_is_complete_is_not_told() -> None:
    assert told(a_gang_job(0, suspend=True)) == []
    complete = {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 2}
    assert told(a_gang_job(status=complete)) == []


def test_a_gang_that_failed_waits_for_a_person_and_not_for_room() -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    assert counts(only(a_gang_job(suspend=True, status=failed))) == (2, 0, 0)


def test_a_gang_of_somebody_elses_kind_is_known_by_its_field_and_labels() -> None:
    setting = a_setting(runs={"ranker": RUNS})
    pods = [a_pod(node=name, gpus=8, labels=dict(RUNS.pods)) for name in "ab"]
    nodes = (a_node("a"), a_node("b"))
    running = only(*nodes, *pods, setting=setting, custom=a_custom(suspend=False))
    assert counts(running) == (2, 2, 0)
    waiting = only(setting=setting, custom=a_custom(suspend=True))
    assert counts(waiting) == (2, 0, 2)
    done = ({"type": "Succeeded", "status": "True"},)
    ended = told(setting=setting, custom=a_custom(suspend=False, conditions=done))
    assert ended == []


def test_shares_come_from_the_traffic_table() -> None:
    served = (a_node(), a_deployment(), a_replica("n1"))
    assert only(*served, shares(search_pool="0.25")).share == 0.25
    assert only(*served, shares(search_spare="0.25")).share == 0.0
    assert only(*served, shares(search_pool="most")).share == 0.0
    assert only(*served, shares(search_pool="7")).share == 0.0


def test_traffic_sent_to_no_pods_is_no_share() -> None:
    assert only(a_deployment(), shares(search_pool="1")).share == 0.0
