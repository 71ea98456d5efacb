"""Signs: what the taints and conditions of a node say of its fate."""

from adapters.kubernetes.instants import instant
from adapters.kubernetes.marks import DRAINING
from adapters.kubernetes.pods import condition
from adapters.kubernetes.pools import bears
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Node, Taint
from scheduler.domain.names import PoolName

_GOING_TAINTS = frozenset(
    {
        "ToBeDeletedByClusterAutoscaler",
        "karpenter.sh/disrupted",
        "karpenter.sh/disruption",
        "node.kubernetes.io/out-of-service",
        "node.cloudprovider.kubernetes.io/shutdown",
        "cloud.google.com/impending-node-termination",
        "aws-node-termination-handler/spot-itn",
        "aws-node-termination-handler/asg-lifecycle-termination",
        "aws-node-termination-handler/scheduled-maintenance",
        "aws-node-termination-handler/rebalance-recommendation",
    }
)
_GOING_CONDITIONS = frozenset(
    {"InstanceExpired", "PreemptScheduled", "TerminateScheduled", "RedeployScheduled"}
)
_EVENT = "VMEventScheduled"
"""AKS: any event of the machine; a freeze or a reboot leaves the node where it is."""
_STARTING_TAINTS = frozenset(
    {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/network-unavailable",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "karpenter.sh/unregistered",
        "node.cilium.io/agent-not-ready",
        "ebs.csi.aws.com/agent-not-ready",
    }
)
_BARRING = ("NoSchedule", "NoExecute")
_SLACK_S = 5.0
"""The Ready condition of a new node is a little younger than the node."""


def is_draining(node: Node) -> bool:
    """Whether we empty it."""
    return any(taint.key == DRAINING for taint in node.spec.taints)


def is_doomed(node: Node) -> bool:
    """Whether the node is being taken away, by a notice of the provider or by somebody else."""
    if node.metadata.deletion_timestamp is not None:
        return True
    if any(taint.key in _GOING_TAINTS for taint in node.spec.taints):
        return True
    return any(
        told.status == "True"
        and (
            told.type in _GOING_CONDITIONS
            or (told.type == _EVENT and not told.reason.startswith(("Freeze", "Reboot")))
        )
        for told in node.status.conditions
    )


def is_starting(node: Node) -> bool:
    """Whether it bears a taint that nodes lose when they are done starting."""
    return any(
        taint.key in _STARTING_TAINTS and taint.effect in _BARRING for taint in node.spec.taints
    )


def foreign_taints(node: Node, pool: PoolName, setting: Setting) -> tuple[Taint, ...]:
    """Taints, not ours, that keep pods of the pool off the node."""
    return tuple(
        taint
        for taint in node.spec.taints
        if taint.key != DRAINING and taint.effect in _BARRING and not bears(taint, pool, setting)
    )


def is_well(node: Node) -> bool:
    """Whether its Ready condition is true."""
    told = condition(node.status.conditions, "Ready")
    return told is not None and told.status == "True"


def was_never_ready(node: Node) -> bool:
    """Whether a node that is not Ready has not been so yet."""
    told = condition(node.status.conditions, "Ready")
    if told is None or told.reason == "NodeStatusNeverUpdated":
        return True
    since, born = instant(told.last_transition_time), instant(node.metadata.creation_timestamp)
    return since is None or born is None or since - born <= _SLACK_S
