"""The examples load, say what their READMEs say, and play in a simulated world."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from policies.load_balancing import LoadBalancing
from scheduler.app.tables import load_documents
from scheduler.domain.demand import Demand, JobDemand
from scheduler.domain.names import DataClass, Instant
from scheduler.domain.places import Contract
from scheduler.domain.snapshot import Node, NodePhase, SiteReport, Snapshot
from scheduler.planning.decide import decide
from scheduler.signals import CsvSource
from scheduler.simulation.baselines import BASELINES, play
from scheduler.simulation.world import Day, World

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STORIES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
DAY = Day(begin=Instant(1_794_355_200.0))


def declared(story):
    loaded = load_documents([EXAMPLES / story])
    assert loaded.faults == ()
    assert loaded.declared is not None
    return loaded.declared


def signals(documents):
    async def read():
        answers = [
            await CsvSource(source.csv, source.name).read(DAY.end, 1e12)
            for source in documents.sources
        ]
        return tuple(series for answer in answers for series in answer)

    return asyncio.run(read())


def at_rest(documents, now):
    """The sites with the nodes that they begin with."""
    reports = {}
    for cluster in documents.fleet.clusters:
        nodes = tuple(
            Node(name=f"{pool.name}-{i}", pool=pool.name, phase=NodePhase.READY, since=now)
            for pool in documents.fleet.pools_of(cluster)
            for i in range(pool.min_nodes)
        )
        reports[cluster] = SiteReport(cluster=cluster, at=now, nodes=nodes)
    return Snapshot(now=now, fleet=documents.fleet, sites=reports)


def plan_of_jobs(documents, policies):
    demand = Demand(
        jobs={
            job.name: JobDemand(
                wanted=True, must_run=False, left_gpu_hours=job.work_gpu_hours, because="due"
            )
            for job in documents.fleet.jobs.values()
        }
    )
    now = at_rest(documents, DAY.begin)
    plan = decide(now, demand, policies, documents.loop.solver)
    return {line.workload: line.cluster for line in plan.placements if line.after > 0}


@pytest.mark.parametrize("story", STORIES)
def test_every_example_has_a_readme_and_no_fault(story):
    assert (EXAMPLES / story / "README.md").stat().st_size > 200
    declared(story)


def test_load_balancing_sends_the_light_task_out_and_cost_keeps_both_home():
    documents = declared("two-tasks")
    assert plan_of_jobs(documents, documents.policies) == {"task-a": "private", "task-b": "public"}
    money = tuple(p for p in documents.policies if not isinstance(p, LoadBalancing))
    assert plan_of_jobs(documents, money) == {"task-a": "private", "task-b": "private"}


def test_a_policy_from_outside_the_tree_moves_work_to_the_cleaner_grid():
    documents = declared("own-policy")
    assert plan_of_jobs(documents, documents.policies) == {"training": "hydro"}
    without = tuple(p for p in documents.policies if p.name != "green")
    assert plan_of_jobs(documents, without) == {"training": "coal"}


def test_the_shop_has_private_data_that_only_its_own_cluster_may_hold():
    fleet = declared("ecommerce").fleet
    private = DataClass("private")
    assert [c.name for c in fleet.clusters.values() if private in c.holds] == ["hangzhou-dc"]
    held = {w.name for w in fleet.workloads() if w.data_class == private}
    assert held == {"image-search", "embedding-refresh"}


def test_the_shop_rents_on_demand_and_spot_in_three_clouds():
    fleet = declared("ecommerce").fleet
    rented = {
        (pool.cluster, pool.contract)
        for pool in fleet.pools.values()
        if pool.contract is not Contract.OWNED
    }
    clouds = ("ack-beijing", "eks-virginia", "aks-singapore")
    assert rented == {(c, k) for c in clouds for k in (Contract.ON_DEMAND, Contract.SPOT)}
    assert 10 <= len(fleet.pools) <= 12


def test_a_day_of_the_shop_without_a_scheduler_plays_in_seconds():
    documents = declared("ecommerce")
    world = World(documents.fleet, documents.sites, signals(documents), DAY)
    start = time.perf_counter()
    world.advance_to(DAY.end)
    assert time.perf_counter() - start < 10.0
    history = world.history()
    assert history.times.shape == (2880,)
    assert history.load_rps.max() == pytest.approx(12_000.0, rel=0.05)


def test_the_night_and_the_base_load_fit_at_home_and_the_evening_does_not():
    documents = declared("ecommerce")
    world = play(BASELINES[2], documents.fleet, documents.sites, signals(documents), DAY)
    history, summary = world.history(), world.summary()
    owned = [documents.fleet.pools[pool].contract is Contract.OWNED for pool in history.pools]
    rented = history.nodes[:, [not flag for flag in owned]].sum(axis=1)
    hour = (history.times - DAY.begin) / 3600.0
    assert rented[(hour > 6.0) & (hour < 9.0)].max() <= 1.0
    assert rented[(hour > 18.0) & (hour < 20.0)].max() > 10.0
    assert summary.deadlines_met == summary.deadlines == 3


def test_the_baselines_of_the_shop_rank_as_everybody_knows():
    documents = declared("ecommerce")
    short = replace(DAY, begin=Instant(DAY.begin + 16 * 3600.0), length_s=5 * 3600.0)
    fleet = replace(documents.fleet, jobs={})
    private, rented, reactive = (
        play(baseline, fleet, documents.sites, signals(documents), short).summary()
        for baseline in BASELINES
    )
    assert private.attainment > 0.999
    assert rented.attainment > 0.998
    assert reactive.attainment < rented.attainment
    assert reactive.usd < rented.usd


def test_the_kubernetes_story_says_how_each_workload_runs_in_both_clusters():
    documents = declared("kubernetes")
    runs = {name: type(item.runs).__name__ for name, item in documents.bindings.workloads.items()}
    assert runs == {"chat": "Owned", "nightly": "OwnedJob", "ranking": "Adopted"}
    assert {site.access for site in documents.sites.values()} == {"kubernetes"}
