"""Placements: what was ordered of each workload on each pool, and what came of it."""

from adapters.kubernetes.census import take_census
from adapters.kubernetes.marks import TRAFFIC, traffic_key
from adapters.kubernetes.parties import Party, parties_of
from adapters.kubernetes.pods import is_ready
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import View
from adapters.kubernetes.waiting import pending_of
from scheduler.domain.names import Instant
from scheduler.domain.snapshot import Placement


def placements_of(view: View, setting: Setting, now: Instant) -> tuple[Placement, ...]:
    """In the order of workloads and pools, those that left the documents included.

    What is neither wanted nor has a pod is not told.
    """
    parties = parties_of(view, setting)
    pending = pending_of(parties, take_census(view, setting), now)
    return tuple(
        Placement(
            workload=party.workload,
            pool=party.pool,
            wanted=party.wanted,
            ready=_ready(party, view),
            pending=pending.get((party.workload, party.pool), 0),
            share=_share(party, view, setting) if party.pods else 0.0,
        )
        for party in parties
        if party.wanted or party.pods
    )


def _ready(party: Party, view: View) -> int:
    """Pods that serve, on nodes that are still there; of a gang all workers or none."""
    # A node that was taken away leaves its pods behind, told as ready, for almost a minute.
    ready = sum(is_ready(pod) and ("", pod.spec.node_name) in view.nodes for pod in party.pods)
    if not party.gang:
        return ready
    whole = ready > 0 and party.wanted > 0 and ready + party.ended >= party.wanted
    return party.wanted if whole else 0


def _share(party: Party, view: View, setting: Setting) -> float:
    table = view.tables.get((setting.access.home, TRAFFIC))
    text = table.data.get(traffic_key(party.workload, party.pool), "") if table else ""
    try:
        share = float(text or 0.0)
    except ValueError:
        return 0.0
    return share if 0.0 <= share <= 1.0 else 0.0
