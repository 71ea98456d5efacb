"""Jobs: wanted or not, able to wait or not, and the sentence that says why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.demand import JobDemand
from scheduler.domain.names import ClusterName, DataClass, Instant, PoolName, WorkloadName
from scheduler.domain.places import Cluster, Dataset, NodePool
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import JobProgress, Memory, Placement, SiteReport, SoldOut
from scheduler.domain.workloads import Spread, TrainingJob
from scheduler.forecast import expect

from .worlds import (
    CLUSTER,
    LONG_AGO,
    NOW,
    POOL,
    a_cluster,
    a_fleet,
    a_job,
    a_pool,
    a_world,
    running,
)

JOB = WorkloadName("ranker")
HOUR = 3600.0
NEEDS_S = 2.0 * HOUR * 1.15 + 300.0 + 240.0 + 60.0
"""8 GPU-hours on 4 GPUs, with reserve, restart, boot and one round."""


def demanded(
    job: TrainingJob,
    *things: NodePool | Cluster,
    done: JobProgress | None = None,
    placed: tuple[Placement, ...] = (),
    memory: Memory | None = None,
    unseen: dict[ClusterName, str] | None = None,
) -> JobDemand:
    site = SiteReport(cluster=CLUSTER, at=NOW, placements=placed, progress=(done,) if done else ())
    fleet = a_fleet(job, *things)
    world = a_world(fleet, memory=memory, sites={CLUSTER: site}, unseen=unseen or {})
    return expect(world, ForecastSettings()).jobs[job.name]


def due_in(seconds: float, **changes: object) -> TrainingJob:
    return replace(a_job(**changes), deadline=Instant(NOW + seconds))


def progress(done: float, saved: float, *, finished: bool = False) -> JobProgress:
    return JobProgress(job=JOB, done_gpu_hours=done, saved_gpu_hours=saved, finished=finished)


def test_a_job_without_deadline_is_wanted_and_can_wait() -> None:
    demand = demanded(a_job())
    assert (demand.wanted, demand.must_run, demand.left_gpu_hours) == (True, False, 8.0)
    assert demand.because == "8.0 of 8.0 GPU-hours left; there is no deadline"


def test_a_job_with_slack_can_wait_and_says_how_long() -> None:
    demand = demanded(due_in(NEEDS_S + 2.0 * HOUR))
    assert not demand.must_run
    assert "the fastest pool, cloud-a10g, needs 2.5 h: it can wait 2.0 h" in demand.because


@pytest.mark.parametrize(("slack_s", "must_run"), [(1.0, False), (0.0, True), (-1.0, True)])
def test_a_job_must_run_when_its_slack_is_used_up(slack_s: float, must_run: bool) -> None:
    assert demanded(due_in(NEEDS_S + slack_s)).must_run is must_run


def test_a_late_job_must_run_too() -> None:
    demand = demanded(due_in(-2.0 * HOUR))
    assert demand.must_run
    assert "its deadline passed 2.0 h ago: it must run" in demand.because


def test_a_finished_job_is_not_wanted() -> None:
    demand = demanded(due_in(60.0), done=progress(8.0, 8.0, finished=True))
    assert (demand.wanted, demand.must_run, demand.left_gpu_hours) == (False, False, 0.0)
    assert demand.because == "finished: 8.0 GPU-hours are done"


def test_a_suspended_job_is_not_wanted_even_if_it_is_late() -> None:
    demand = demanded(due_in(-60.0, suspended=True))
    assert (demand.wanted, demand.must_run) == (False, False)
    assert "suspended" in demand.because


def test_a_job_is_not_wanted_before_its_time() -> None:
    early = demanded(a_job(not_before=Instant(NOW + 1800.0)))
    assert not early.wanted
    assert early.because == "not before 30 min from now"
    assert demanded(a_job(not_before=NOW)).wanted


def test_what_runs_has_done_its_work_and_what_stopped_has_what_it_saved() -> None:
    seen = progress(6.0, 4.0)
    assert demanded(a_job(), done=seen, placed=(running(4, of=JOB),)).left_gpu_hours == 2.0
    assert demanded(a_job(), done=seen).left_gpu_hours == 4.0
    short = (running(3, of=JOB, wanted=4),)
    assert demanded(a_job(), done=seen, placed=short).left_gpu_hours == 4.0


def test_the_furthest_site_counts() -> None:
    other = ClusterName("other")
    fleet = a_fleet(a_job(), a_cluster(), a_cluster(other), a_pool())
    sites = {
        CLUSTER: SiteReport(cluster=CLUSTER, at=NOW, progress=(progress(2.0, 2.0),)),
        other: SiteReport(cluster=other, at=NOW, progress=(progress(5.0, 5.0),)),
    }
    world = a_world(fleet, sites=sites)
    assert expect(world, ForecastSettings()).jobs[JOB].left_gpu_hours == 3.0


def test_more_work_done_than_there_was_leaves_nothing() -> None:
    assert demanded(a_job(), done=progress(9.0, 9.0)).left_gpu_hours == 0.0


def test_the_fastest_pool_that_may_hold_the_gang_decides() -> None:
    fast = a_pool("fast", gpu_type="H100")
    job = due_in(NEEDS_S - HOUR, speed={"A10G": 1.0, "H100": 4.0})
    assert not demanded(job, a_pool(), fast).must_run
    assert demanded(replace(job, pools=(POOL,)), a_pool(), fast).must_run


def test_a_pool_that_is_sold_out_or_out_of_sight_is_not_relied_on() -> None:
    job = due_in(NEEDS_S + HOUR)
    soon = SoldOut(until=Instant(NOW + 60.0), strikes=1)
    gone = Memory(started_at=LONG_AGO, sold_out={PoolName(POOL): soon})
    demand = demanded(job, memory=gone)
    assert demand.must_run
    assert "no pool that can be had now holds its gang" in demand.because
    back = replace(gone, sold_out={PoolName(POOL): replace(soon, until=NOW)})
    assert not demanded(job, memory=back).must_run
    assert demanded(job, unseen={CLUSTER: "timed out"}).must_run


def test_a_pool_too_small_for_the_gang_is_no_way_unless_the_gang_may_spread() -> None:
    halves = (a_pool("left", max_nodes=2), a_pool("right", max_nodes=2))
    job = due_in(NEEDS_S + HOUR)
    assert demanded(job, *halves).must_run
    assert not demanded(replace(job, spread=Spread.CLUSTER), *halves).must_run


def test_a_cluster_that_may_not_hold_the_data_is_no_way() -> None:
    secret = due_in(NEEDS_S + HOUR, data_class=DataClass("private"))
    assert demanded(secret).must_run
    assert not demanded(secret, a_cluster(CLUSTER, "private"), a_pool()).must_run


def test_the_class_of_the_data_read_counts_like_the_jobs_own() -> None:
    logs = Dataset(name="logs", size_gb=1.0, data_class=DataClass("private"), homes=())  # type: ignore[arg-type]
    fleet = replace(a_fleet(due_in(NEEDS_S + HOUR, datasets=("logs",))), datasets={logs.name: logs})
    assert expect(a_world(fleet), ForecastSettings()).jobs[JOB].must_run


@given(left=st.floats(0.0, 1e4), slack=st.floats(-1e6, 1e6), later=st.floats(0.0, 1e6))
def test_a_later_deadline_never_makes_a_job_more_urgent(
    left: float, slack: float, later: float
) -> None:
    soon = demanded(due_in(slack, work_gpu_hours=left))
    late = demanded(due_in(slack + later, work_gpu_hours=left))
    assert soon.must_run or not late.must_run
