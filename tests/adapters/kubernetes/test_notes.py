"""Notes name what keeps an order from coming true, and say what to do."""

import msgspec
import pytest

from adapters.kubernetes import shapes
from adapters.kubernetes.notes import notes_of
from scheduler.domain.bindings import Supply
from scheduler.domain.names import Instant
from scheduler.domain.snapshot import SiteNote
from tests.adapters.adapter_worlds import MIDNIGHT, after
from tests.adapters.kubernetes.view_worlds import (
    FULL,
    Json,
    a_deployment,
    a_draining_node,
    a_gang_job,
    a_node,
    a_pod,
    a_replica,
    a_setting,
    a_view,
    a_writer,
    adopting,
    bound,
    taint,
)

NO_GPUS = {"cpu": "128", "memory": "1Ti", "pods": "110"}


def notes(*objects: object, setting=None, now: Instant = MIDNIGHT) -> tuple[SiteNote, ...]:
    return notes_of(a_view(*objects), setting or a_setting(), now)


def reasons(*objects: object, **more) -> list[tuple[str, str]]:
    return [(note.subject, note.reason) for note in notes(*objects, **more)]


def a_budget(allowed: int, selector: Json | None, namespace: str = "ml") -> shapes.Budget:
    body = {
        "metadata": {"name": "keep", "namespace": namespace},
        "spec": {"minAvailable": 1} | ({} if selector is None else {"selector": selector}),
        "status": {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1},
    }
    return msgspec.convert(body, shapes.Budget)


def test_a_cluster_in_order_has_no_notes() -> None:
    assert notes(a_node(), a_deployment(), a_replica("n1"), a_gang_job()) == ()


def test_a_drain_that_does_not_end_names_the_pods_and_the_budget() -> None:
    stuck = (a_draining_node(since=after(-16)), a_replica("n1", name="search-1"))
    (note,) = notes(*stuck, a_budget(0, {"matchLabels": {"tidegate.io/workload": "search"}}))
    assert (note.subject, note.reason) == ("node/n1", "DrainBlocked")
    assert "ml/search-1 (disruption budget ml/keep)" in note.message


@pytest.mark.parametrize(
    "budget",
    [
        a_budget(1, {}),
        a_budget(0, None),
        a_budget(0, {}, namespace="web"),
        a_budget(0, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
    ],
)
def test_budgets_that_hold_nothing_back_are_not_blamed(budget: shapes.Budget) -> None:
    (note,) = notes(a_draining_node(since=after(-16)), a_replica("n1"), budget)
    assert "budget ml" not in note.message


def test_a_drain_in_time_or_at_its_end_is_no_note() -> None:
    assert notes(a_draining_node(since=after(-14)), a_replica("n1")) == ()
    daemon = a_pod(node="n1", owner="DaemonSet", gpus=0)
    assert notes(a_draining_node(since=after(-16)), daemon) == ()


def test_a_drain_that_hangs_on_many_pods_names_a_few() -> None:
    pods = [a_replica("n1", name=f"search-{n}") for n in range(5)]
    (note,) = notes(a_draining_node(since=after(-16)), *pods)
    assert "ml/search-2 and others" in note.message
    assert "search-3" not in note.message


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (a_node(ready="False", has=NO_GPUS), "NodeNeverReady"),
        (a_node(has=NO_GPUS), "GpusMissing"),
        (a_node(has=FULL | {"nvidia.com/gpu": "7"}), "GpusMissing"),
        (a_node(taints=(taint("dedicated"),)), "NodeTainted"),
    ],
)
def test_a_node_that_does_not_come_to_work_is_told(node: shapes.Node, reason: str) -> None:
    assert reasons(node) == [("node/n1", reason)]


@pytest.mark.parametrize(
    "node",
    [
        a_node(born=after(-2), ready="False", has=NO_GPUS),
        a_node(born=after(-2), has=NO_GPUS),
        a_node(ready="Unknown", turned=after(-1)),
        a_node(unschedulable=True, taints=(taint("node.kubernetes.io/unschedulable"),)),
        a_node(taints=(taint("node.kubernetes.io/memory-pressure"),)),
    ],
)
def test_what_is_in_time_or_plain_to_see_needs_no_note(node: shapes.Node) -> None:
    assert notes(node) == ()


def test_a_node_out_of_reach_is_told_with_the_label_that_it_lacks() -> None:
    setting = a_setting(bindings=(bound(group="np-1", shared=True),))
    (note,) = notes(a_node(labels={"karpenter.sh/nodepool": "np-1"}), setting=setting)
    assert note.reason == "NodeOutOfReach"
    assert "eks.amazonaws.com/nodegroup=np-1" in note.message


def test_an_amount_that_cannot_be_read_is_told() -> None:
    (note,) = notes(a_node(has=FULL | {"cpu": "many"}))
    assert (note.reason, note.message) == ("AmountUnreadable", "allocatable cpu is no quantity")


def test_a_pool_that_another_autoscaler_runs_is_told_unless_that_is_wanted() -> None:
    node = a_node(labels={"karpenter.sh/nodepool": "x"})
    (note,) = notes(node)
    assert (note.subject, note.reason) == ("pool/pool", "PoolRunByOthers")
    assert note.message.startswith("Karpenter runs its nodes")
    assert notes(node, setting=a_setting(bindings=(bound(shared=True),))) == ()
    assert notes(node, setting=a_setting(supply=Supply.AUTOSCALER)) == ()


def test_gpus_that_others_hold_are_told_by_namespace() -> None:
    pods = (a_pod(node="n1", namespace="web"), a_pod(node="n1", gpus=0, namespace="logs"))
    (note,) = notes(a_node(), *pods)
    assert (note.subject, note.reason) == ("pool/pool", "SeatsHeldByOthers")
    assert "in namespace web;" in note.message


def test_somebody_who_sets_replicas_of_an_adopted_deployment_is_named() -> None:
    setting = a_setting(runs=adopting(pool="web"))
    deployment = a_deployment("web", adopted=True, writers=(a_writer("argocd", after(-3)),))
    (note,) = notes(deployment, setting=setting)
    assert (note.subject, note.reason) == ("deployment/ml/web", "ReplicasContested")


def test_somebody_who_sets_replicas_of_our_own_deployment_is_named() -> None:
    deployment = a_deployment(writers=(a_writer("kubectl-edit", after(-3)),))
    assert reasons(deployment) == [("deployment/ml/search-pool", "ReplicasContested")]


def test_an_adopted_deployment_that_is_not_there_is_told() -> None:
    setting = a_setting(runs=adopting(pool="web", elsewhere="far"))
    assert reasons(setting=setting) == [("deployment/ml/web", "DeploymentMissing")]


def test_a_deployment_whose_pods_are_refused_is_told() -> None:
    quota = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
    deployment = a_deployment(status={"conditions": [quota]})
    (note,) = notes(deployment)
    assert note.reason == "PodsRefused"


def test_a_job_that_failed_is_told() -> None:
    failed = {
        "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
    }
    (note,) = notes(a_gang_job(status=failed))
    assert (note.subject, note.reason) == ("job/ml/ranker-pool", "JobFailed")
    assert "BackoffLimitExceeded" in note.message


def test_notes_stay_the_same_while_nothing_changes() -> None:
    world = (
        a_draining_node(since=after(-16)),
        a_replica("n1"),
        a_node("n2", has=NO_GPUS),
        a_pod(node="n2", namespace="web"),
        a_deployment(writers=(a_writer("argocd", after(-3)),)),
    )
    assert notes(*world) == notes(*reversed(world), now=after(5))
