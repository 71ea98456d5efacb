"""The traffic table tells the shares in force: seen, or accepted since."""

from scheduler.domain.actions import Receipt
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.snapshot import Placement, SiteReport, Snapshot
from scheduler.runtime.traffic import traffic_of

from .worlds import NOON, a_fleet, place

DC, SEARCH = ClusterName("dc"), WorkloadName("search")


def a_snapshot(**shares: float) -> Snapshot:
    placements = tuple(
        Placement(workload=SEARCH, pool=PoolName(pool), wanted=1, ready=1, share=share)
        for pool, share in shares.items()
    )
    site = SiteReport(cluster=DC, at=NOON, placements=placements)
    return Snapshot(now=NOON, fleet=a_fleet(), sites={DC: site})


def test_shares_are_those_that_the_sites_have() -> None:
    assert traffic_of(a_snapshot(p=0.75, q=0.25)) == {"search": {"dc": {"p": 0.75, "q": 0.25}}}


def test_an_accepted_order_counts_and_a_refused_one_does_not() -> None:
    accepted = Receipt(action=place(pods=0, before=2), outcome="accepted")
    assert traffic_of(a_snapshot(p=0.5, q=0.5), [accepted]) == {"search": {"dc": {"q": 0.5}}}
    refused = Receipt(action=place(pods=2), outcome="refused")
    assert traffic_of(a_snapshot(q=1.0), [refused]) == {"search": {"dc": {"q": 1.0}}}


def test_pools_without_traffic_are_left_out() -> None:
    assert traffic_of(a_snapshot(p=0.0)) == {}
