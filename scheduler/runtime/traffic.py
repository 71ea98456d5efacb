"""Traffic: the share of each service's traffic that every pool has been given."""

from collections.abc import Mapping, Sequence

from scheduler.domain.actions import Place, Receipt, Shift
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.snapshot import Snapshot

Traffic = Mapping[WorkloadName, Mapping[ClusterName, Mapping[PoolName, float]]]
"""Shares above 0. They are those in force, not those planned: who follows them breaks nothing."""


def traffic_of(snapshot: Snapshot, receipts: Sequence[Receipt] = ()) -> Traffic:
    """What the sites said, and what they have accepted since."""
    shares = {
        (there.workload, name, there.pool): there.share
        for name, site in snapshot.sites.items()
        for there in site.placements
    }
    for receipt in receipts:
        action = receipt.action
        if isinstance(action, Place | Shift) and receipt.outcome == "accepted":
            shares[action.workload, action.cluster, action.pool] = action.share
    table: dict[WorkloadName, dict[ClusterName, dict[PoolName, float]]] = {}
    for (workload, cluster, pool), share in sorted(shares.items()):
        if share > 0.0:
            table.setdefault(workload, {}).setdefault(cluster, {})[pool] = share
    return table
