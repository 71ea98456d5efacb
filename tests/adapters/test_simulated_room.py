"""Room on a simulated site: who is pending, and a gang that is seated where nodes were emptied."""

import pytest
from adapter_worlds import (
    a_job,
    a_pool,
    a_service,
    a_site,
    after,
    drain,
    nodes_of,
    place,
    placed,
    ready,
    scale,
)

from adapters.simulated import JobLedger, SimulatedSite
from scheduler.domain.names import ClusterName
from scheduler.domain.places import Resources
from scheduler.domain.snapshot import NodePhase
from scheduler.domain.workloads import Spread


def pending(site: SimulatedSite, workload: str, pool: str = "pool") -> int:
    found = placed(site, workload, pool)
    assert found is not None
    return found.pending


def scattered(*more_services: str) -> SimulatedSite:
    """Two nodes of 8 GPUs with four one-GPU replicas each; a gang waits for a whole one."""
    names = ("left", "search", *more_services)
    site = a_site(
        a_pool(limit=2),
        services=[a_service(name) for name in names],
        jobs=[a_job("gang", workers=1, gpus=8.0)],
    )
    site.place(place("left", 4))
    site.place(place("search", 8))
    site.place(place("left", 0))
    site.advance(after(5))
    site.place(place("gang", 1, gang=True))
    assert [node.gpus_used for node in nodes_of(site)] == [4.0, 4.0]
    return site


class TestPending:
    def test_pods_that_start_have_found_their_room(self) -> None:
        site = a_site(a_pool(nodes=1), services=[a_service(gpus=2.0, start_s=300.0)])
        site.place(place("search", 6))
        assert (ready(site, "search"), pending(site, "search")) == (0, 2)

    def test_pods_that_booting_nodes_will_hold_are_not_pending(self) -> None:
        site = a_site(a_pool(nodes=1, boot_s=300.0), services=[a_service()], jobs=[a_job()])
        site.place(place("search", 20))
        assert pending(site, "search") == 12
        site.scale(scale(2))
        assert pending(site, "search") == 4
        site.scale(scale(3))
        assert pending(site, "search") == 0

    def test_a_gang_that_booting_nodes_will_hold_is_not_pending(self) -> None:
        site = a_site(a_pool(nodes=1, boot_s=300.0), jobs=[a_job(workers=2)])
        site.place(place("ranker", 2, gang=True))
        assert pending(site, "ranker") == 2
        site.scale(scale(2))
        assert pending(site, "ranker") == 0
        site.advance(after(20))
        assert (ready(site, "ranker"), pending(site, "ranker")) == (2, 0)

    def test_a_draining_node_holds_nothing(self) -> None:
        site = a_site(a_pool(), jobs=[a_job(workers=2)])
        site.drain(drain("pool-0"))
        site.place(place("ranker", 2, gang=True))
        assert pending(site, "ranker") == 2

    def test_of_a_gang_on_two_pools_only_the_full_one_keeps_it_waiting(self) -> None:
        site = a_site(
            a_pool("full", nodes=1),
            a_pool("free", nodes=1),
            services=[a_service()],
            jobs=[a_job(workers=2, spread=Spread.CLUSTER)],
        )
        site.place(place("search", 1, pool="full"))
        for pool in ("full", "free"):
            site.place(place("ranker", 1, pool=pool, gang=True))
        assert (pending(site, "ranker", "full"), pending(site, "ranker", "free")) == (1, 0)

    def test_a_gang_that_still_runs_elsewhere_waits_for_that_and_not_for_room(self) -> None:
        ledger, job = JobLedger(), a_job(workers=2)
        here = a_site(a_pool(nodes=2), jobs=[job], ledger=ledger)
        there = a_site(a_pool(nodes=1), jobs=[job], ledger=ledger, cluster=ClusterName("east"))
        here.place(place("ranker", 2, gang=True))
        there.place(place("ranker", 2, gang=True))
        assert pending(there, "ranker") == 0
        here.place(place("ranker", 0, gang=True))
        there.advance(after(1))
        assert pending(there, "ranker") == 2


class TestMadeRoom:
    """Drain moves the pods into the free room; scale takes the node back, and the gang sits."""

    def test_the_emptied_node_comes_back_and_the_gang_sits_on_it(self) -> None:
        site = scattered()
        site.drain(drain("pool-1"))
        site.advance(after(10))
        assert [(node.phase, node.pods) for node in nodes_of(site)] == [
            (NodePhase.READY, 8),
            (NodePhase.DRAINING, 0),
        ]
        assert (pending(site, "search"), pending(site, "gang")) == (0, 1)
        site.scale(scale(2))
        assert [(node.pods, node.workers) for node in nodes_of(site)] == [(8, 0), (1, 1)]
        assert pending(site, "gang") == 0
        site.advance(after(20))
        assert (ready(site, "search"), ready(site, "gang")) == (8, 1)

    def test_the_gang_sits_before_replicas_that_wait_too(self) -> None:
        site = scattered("ads")
        site.drain(drain("pool-1"))
        site.advance(after(10))
        site.place(place("ads", 3))
        site.place(place("search", 10))
        assert (pending(site, "ads"), pending(site, "search")) == (3, 2)
        site.scale(scale(2))
        assert (pending(site, "gang"), pending(site, "ads"), pending(site, "search")) == (0, 3, 2)

    @pytest.mark.parametrize("first", ["a-gang", "z-gang"])
    def test_of_two_gangs_the_larger_one_sits_first(self, first: str) -> None:
        small = "z-gang" if first == "a-gang" else "a-gang"
        site = a_site(
            a_pool(nodes=1),
            services=[a_service()],
            jobs=[
                a_job(first, workers=4, per_pod=Resources(gpus=2.0)),
                a_job(small, workers=1, per_pod=Resources(gpus=4.0)),
            ],
        )
        site.place(place("search", 8))
        site.place(place(small, 1, gang=True))
        site.place(place(first, 4, gang=True))
        site.place(place("search", 0))
        assert (pending(site, first), pending(site, small)) == (0, 1)
