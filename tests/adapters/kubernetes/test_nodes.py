"""A node is in the phase that its taints, conditions and GPUs tell."""

import pytest
from msgspec.structs import replace

from adapters.kubernetes import shapes
from adapters.kubernetes.nodes import nodes_of
from scheduler.domain.bindings import Toleration
from scheduler.domain.places import Resources
from scheduler.domain.snapshot import Node, NodePhase
from tests.adapters.adapter_worlds import MIDNIGHT, a_pool, after
from tests.adapters.kubernetes.view_worlds import (
    FULL,
    LONG_AGO,
    Json,
    a_draining_node,
    a_node,
    a_pod,
    a_replica,
    a_setting,
    a_view,
    a_worker,
    bound,
    taint,
)

BOOTING, READY = NodePhase.BOOTING, NodePhase.READY
DRAINING, UNREADY = NodePhase.DRAINING, NodePhase.UNREADY
JUST_NOW = after(-2)
NO_GPUS = {"cpu": "128", "memory": "1Ti", "pods": "110"}
GPUS_GONE = FULL | {"nvidia.com/gpu": "0"}


def seen(*objects: object, setting=None, now=MIDNIGHT) -> Node:
    (node,) = nodes_of(a_view(*objects), setting or a_setting(), now)
    return node


def phase(node: shapes.Node, setting=None) -> NodePhase:
    return seen(node, setting=setting).phase


def cond(kind: str, reason: str = "") -> Json:
    return {"type": kind, "status": "True", "reason": reason}


def test_a_node_that_is_ready_with_its_gpus_takes_work() -> None:
    node = seen(a_node())
    assert (node.name, node.pool, node.phase, node.doomed) == ("n1", "pool", READY, False)
    assert node.since == LONG_AGO


def test_nodes_of_no_pool_are_not_told() -> None:
    assert nodes_of(a_view(a_node(pool="web")), a_setting(), MIDNIGHT) == ()


def test_nodes_come_in_the_order_of_pools_and_names() -> None:
    view = a_view(a_node("z"), a_node("b", "spare"), a_node("a"))
    told = nodes_of(view, a_setting(a_pool("spare"), a_pool("pool")), MIDNIGHT)
    assert [node.name for node in told] == ["b", "a", "z"]


def test_a_node_that_is_ready_without_its_gpus_boots() -> None:
    assert phase(a_node(born=JUST_NOW, has=NO_GPUS)) is BOOTING
    assert phase(a_node(born=JUST_NOW, has=FULL | {"nvidia.com/gpu": "4"})) is BOOTING


def test_a_node_whose_gpus_never_come_is_not_waited_for_for_ever() -> None:
    assert phase(a_node(born=after(-16), has=NO_GPUS)) is UNREADY
    assert phase(a_node(born=LONG_AGO, has=GPUS_GONE)) is UNREADY


def test_a_slow_pool_is_waited_for_for_twice_its_boot_time() -> None:
    slow = a_setting(a_pool(boot_s=1800.0))
    assert phase(a_node(born=after(-59), has=NO_GPUS), slow) is BOOTING
    assert phase(a_node(born=after(-61), has=NO_GPUS), slow) is UNREADY


def test_a_pool_without_gpus_is_ready_without_gpus() -> None:
    cpu = a_setting(a_pool(per_node=Resources(cpu=8.0, memory_gib=32.0, pods=110.0)))
    assert phase(a_node(has=NO_GPUS), cpu) is READY
    lost = a_node(has=NO_GPUS, ready="Unknown", turned=after(-1))
    assert phase(lost, cpu) is UNREADY


@pytest.mark.parametrize("ready", [None, "False", "Unknown"])
def test_a_new_node_that_was_never_ready_boots(ready: str | None) -> None:
    assert phase(a_node(born=JUST_NOW, ready=ready, has=NO_GPUS)) is BOOTING


@pytest.mark.parametrize("ready", [None, "False"])
def test_a_node_that_never_became_ready_in_time_is_unready(ready: str | None) -> None:
    assert phase(a_node(born=after(-16), ready=ready, has=NO_GPUS)) is UNREADY


def test_a_node_that_was_ready_and_is_lost_is_unready() -> None:
    assert phase(a_node(born=after(-8), ready="Unknown", turned=after(-1))) is UNREADY


def test_a_node_that_the_controller_never_heard_of_boots() -> None:
    told = {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusNeverUpdated",
        "lastTransitionTime": "2030-01-01T00:00:00Z",
    }
    assert phase(a_node(born=JUST_NOW, ready=None, conditions=(told,))) is BOOTING


def test_a_node_that_still_bears_a_taint_of_its_start_boots() -> None:
    tainted = a_node(
        born=JUST_NOW, taints=(taint("node.cloudprovider.kubernetes.io/uninitialized"),)
    )
    assert phase(tainted) is BOOTING
    assert phase(a_node(taints=(taint("node.kubernetes.io/not-ready"),))) is UNREADY


def test_a_node_that_we_empty_is_draining_whatever_else_it_is() -> None:
    assert phase(a_draining_node()) is DRAINING
    lost = a_node(ready="Unknown", taints=(taint("tidegate.io/draining"),))
    assert phase(lost) is DRAINING


def test_a_node_that_a_person_cordoned_takes_no_work_and_stays() -> None:
    node = seen(a_node(unschedulable=True, taints=(taint("node.kubernetes.io/unschedulable"),)))
    assert (node.phase, node.doomed) == (UNREADY, False)


@pytest.mark.parametrize(
    "key",
    [
        "ToBeDeletedByClusterAutoscaler",
        "karpenter.sh/disrupted",
        "node.kubernetes.io/out-of-service",
        "aws-node-termination-handler/spot-itn",
        "cloud.google.com/impending-node-termination",
    ],
)
def test_a_node_that_others_take_away_is_doomed(key: str) -> None:
    node = seen(a_node(taints=(taint(key),)))
    assert (node.phase, node.doomed) == (UNREADY, True)


def test_a_node_that_is_being_deleted_is_doomed() -> None:
    node = a_node()
    meta = replace(node.metadata, deletion_timestamp="2026-11-23T21:38:02Z")
    told = seen(replace(node, metadata=meta))
    assert (told.phase, told.doomed) == (UNREADY, True)


def test_a_candidate_for_deletion_still_takes_work() -> None:
    candidate = taint("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule")
    node = seen(a_node(taints=(candidate,)))
    assert (node.phase, node.doomed) == (READY, False)


@pytest.mark.parametrize(
    ("told", "doomed"),
    [
        (cond("InstanceExpired", "InstanceToBeTerminated"), True),
        (cond("PreemptScheduled"), True),
        (cond("VMEventScheduled", "PreemptScheduled"), True),
        (cond("VMEventScheduled", "FreezeScheduled"), False),
        (cond("MemoryPressure"), False),
        ({"type": "InstanceExpired", "status": "False"}, False),
    ],
)
def test_a_spot_notice_may_be_a_condition(told: Json, doomed: bool) -> None:
    assert seen(a_node(conditions=(told,))).doomed is doomed


def test_a_taint_of_others_keeps_work_away_unless_the_pool_bears_it() -> None:
    node = a_node(taints=(taint("dedicated", value="ml"),))
    assert phase(node) is UNREADY
    bears = a_setting(bindings=(bound(tolerations=(Toleration(key="dedicated", value="ml"),)),))
    assert phase(node, bears) is READY
    assert phase(a_node(taints=(taint("nvidia.com/gpu", value="present"),))) is READY


def test_a_node_that_pods_of_its_pool_do_not_reach_takes_no_work() -> None:
    setting = a_setting(bindings=(bound(group="np-1"),))
    node = a_node(pool="elsewhere", labels={"karpenter.sh/nodepool": "np-1"})
    assert phase(node, setting) is UNREADY


def test_pods_and_gpus_of_all_who_have_to_go_first_are_counted() -> None:
    node = seen(
        a_node(),
        a_replica("n1", gpus=2),
        a_worker("n1", gpus=4),
        a_pod(node="n1", namespace="other", gpus=1),
        a_pod(node="n1", namespace="kube-system", gpus=0, owner="DaemonSet"),
        a_pod(node="n1", phase="Succeeded"),
        a_replica(room=False),
    )
    assert (node.pods, node.gpus_used, node.gpus_others, node.workers) == (3, 7.0, 1.0, 1)


def test_pods_whose_node_is_gone_count_nowhere() -> None:
    assert seen(a_node(), a_replica("n0")).pods == 0


def test_slices_are_counted_as_parts_of_gpus() -> None:
    labels = {"nvidia.com/gpu.replicas": "4"}
    node = seen(a_node(labels=labels, has=FULL | {"nvidia.com/gpu": "32"}), a_replica("n1", gpus=2))
    assert (node.phase, node.gpus_used) == (READY, 0.5)


def test_an_amount_that_cannot_be_read_is_no_gpu() -> None:
    assert phase(a_node(has=FULL | {"nvidia.com/gpu": "eight"})) is UNREADY
