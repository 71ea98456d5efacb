"""Nodes: those of our pools, each in the phase of its life."""

from dataclasses import dataclass
from enum import StrEnum

from adapters.kubernetes import shapes
from adapters.kubernetes.census import Census, take_census
from adapters.kubernetes.gpus import had_gpus, is_complete
from adapters.kubernetes.instants import instant
from adapters.kubernetes.parties import parties_of, uids
from adapters.kubernetes.pods import holds_seat
from adapters.kubernetes.pools import binding_of, reachable
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.signs import (
    foreign_taints,
    is_doomed,
    is_draining,
    is_starting,
    is_well,
    was_never_ready,
)
from adapters.kubernetes.view import View
from scheduler.domain.names import Instant, NodeName, PoolName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import Node, NodePhase

__all__ = ["Flaw", "Stage", "is_doomed", "nodes_of", "stage_of"]

LEAST_PATIENCE_S = 900.0


class Flaw(StrEnum):
    """Why a node does not take work, where a person should look."""

    NONE = ""
    NEVER_READY = "never ready"
    GPUS_MISSING = "GPUs missing"
    TAINTED = "tainted"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a node is in its life."""

    phase: NodePhase
    flaw: Flaw = Flaw.NONE


def nodes_of(view: View, setting: Setting, now: Instant) -> tuple[Node, ...]:
    """The nodes of our pools, in the order of pools and names.

    `pods` and `gpus_used` count whoever has to go before the node does: pods of others too, and
    these by themselves in `gpus_others`. Daemons, mirrors and finished pods do not count.
    """
    census = take_census(view, setting)
    parties = parties_of(view, setting)
    ours, workers = uids(parties), uids(party for party in parties if party.gang)
    return tuple(
        _node(node, pool, census, now, ours, workers)
        for pool in setting.pools
        for node in census.members.get(pool, ())
    )


def stage_of(node: shapes.Node, pool: NodePool, census: Census, now: Instant) -> Stage:
    """The phase of a node, and why it takes no work where it should.

    A node that is not Ready for the first time, or lacks GPUs, is booting for twice the pool's
    boot time and no less than 15 minutes. After that nothing is expected of it any more: the room
    that it would bring is looked for elsewhere.
    """
    if is_draining(node):
        return Stage(phase=NodePhase.DRAINING)
    binding = binding_of(pool.name, census.setting)
    devices = census.devices.get(node.metadata.name, 0.0)
    young = _is_young(node, pool, now)
    if not is_well(node):
        blank = pool.per_node.gpus > 0.0 and not had_gpus(node, binding, devices)
        return _unstarted(young) if was_never_ready(node) or blank else _UNWELL
    if young and is_starting(node):
        return _BOOTING
    if barred := _barred(node, pool.name, census.setting):
        return barred
    if not is_complete(node, pool, binding, devices):
        return _BOOTING if young else Stage(phase=NodePhase.UNREADY, flaw=Flaw.GPUS_MISSING)
    return Stage(phase=NodePhase.READY)


_BOOTING = Stage(phase=NodePhase.BOOTING)
_UNWELL = Stage(phase=NodePhase.UNREADY)


def _unstarted(young: bool) -> Stage:
    return _BOOTING if young else Stage(phase=NodePhase.UNREADY, flaw=Flaw.NEVER_READY)


def _barred(node: shapes.Node, pool: PoolName, setting: Setting) -> Stage | None:
    if node.spec.unschedulable or is_doomed(node):
        # A notice that is a mere condition leaves the node as good as before, for its minutes.
        barred = node.spec.unschedulable or foreign_taints(node, pool, setting)
        gone = node.metadata.deletion_timestamp is not None
        return _UNWELL if barred or gone else None
    if taints := foreign_taints(node, pool, setting):
        known = all(taint.key.startswith("node.kubernetes.io/") for taint in taints)
        return _UNWELL if known else Stage(phase=NodePhase.UNREADY, flaw=Flaw.TAINTED)
    if not reachable(node, pool, setting):
        return Stage(phase=NodePhase.UNREADY, flaw=Flaw.OUT_OF_REACH)
    return None


def _is_young(node: shapes.Node, pool: NodePool, now: Instant) -> bool:
    patience_s = max(2.0 * pool.boot_s, LEAST_PATIENCE_S)
    return now - _born(node, now) < patience_s


def _born(node: shapes.Node, now: Instant) -> Instant:
    return instant(node.metadata.creation_timestamp) or now


def _node(
    node: shapes.Node,
    pool: PoolName,
    census: Census,
    now: Instant,
    ours: frozenset[str],
    workers: frozenset[str],
) -> Node:
    seats = [pod for pod in census.on_node[node.metadata.name] if holds_seat(pod)]
    gpus = [census.gpus_taken(pod, pool, node) for pod in seats]
    mine = [pod.metadata.uid in ours for pod in seats]
    return Node(
        name=NodeName(node.metadata.name),
        pool=pool,
        phase=stage_of(node, census.setting.pools[pool], census, now).phase,
        since=_born(node, now),
        pods=len(seats),
        gpus_used=sum(gpus),
        gpus_others=sum(taken for taken, is_mine in zip(gpus, mine, strict=True) if not is_mine),
        workers=sum(pod.metadata.uid in workers for pod in seats),
        doomed=is_doomed(node),
    )
