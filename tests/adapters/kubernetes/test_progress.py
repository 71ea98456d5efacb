"""Progress is what the training tells, or the time that its gang has run."""

import pytest

from adapters.kubernetes import shapes
from adapters.kubernetes.instants import as_text
from adapters.kubernetes.marks import DONE, PROGRESS
from adapters.kubernetes.progress import progress_of, saved_of
from scheduler.domain.bindings import Suspendable
from scheduler.domain.names import WorkloadName
from scheduler.domain.snapshot import JobProgress
from tests.adapters.adapter_worlds import A100, MIDNIGHT, a_job, a_pool, after
from tests.adapters.kubernetes.view_worlds import Json, a_gang_job, a_setting, a_view

JOB = a_job(restart_s=300.0, checkpoint_s=1800.0)
"""Two workers with 8 GPUs each: 16 reference GPU-hours in an hour."""


def running(minutes: float, ready: int = 2) -> Json:
    return {"startTime": as_text(after(-minutes)), "active": 2, "ready": ready}


def seen(*jobs: shapes.Job, setting=None, **view: object) -> JobProgress:
    (progress,) = progress_of(a_view(*jobs, **view), setting or a_setting(jobs=(JOB,)), MIDNIGHT)
    return progress


def hours(progress: JobProgress) -> tuple[float, float]:
    return progress.done_gpu_hours, progress.saved_gpu_hours


def test_a_job_without_an_object_tells_nothing() -> None:
    assert progress_of(a_view(), a_setting(), MIDNIGHT) == ()


def test_a_run_does_the_work_of_its_gpus_after_its_restart() -> None:
    assert hours(seen(a_gang_job(status=running(65)))) == pytest.approx((16.0, 16.0))


def test_what_came_after_the_last_checkpoint_is_not_saved() -> None:
    assert hours(seen(a_gang_job(status=running(5 + 45)))) == pytest.approx((12.0, 8.0))


def test_without_checkpoints_nothing_of_a_run_is_saved() -> None:
    setting = a_setting(jobs=(a_job(restart_s=300.0, checkpoint_s=0.0),))
    assert hours(seen(a_gang_job(status=running(65)), setting=setting)) == pytest.approx((16.0, 0))


def test_faster_gpus_do_more() -> None:
    setting = a_setting(jobs=(a_job(restart_s=300.0, speed={A100: 2.0}),))
    assert seen(a_gang_job(status=running(65)), setting=setting).done_gpu_hours == 32.0


def test_earlier_runs_are_added_wherever_they_were() -> None:
    setting = a_setting(a_pool("pool"), a_pool("spare"), jobs=(JOB,))
    before = a_gang_job(0, pool="spare", suspend=True, annotations={DONE: "100"})
    now = a_gang_job(status=running(65), annotations={DONE: "20.5"})
    assert hours(seen(before, now, setting=setting)) == pytest.approx((136.5, 136.5))


def test_a_gang_that_stands_still_or_has_no_worker_yet_does_nothing() -> None:
    assert hours(seen(a_gang_job(suspend=True, status=running(65)))) == (0.0, 0.0)
    assert hours(seen(a_gang_job(status=running(65, ready=0)))) == (0.0, 0.0)


def test_what_the_training_tells_comes_before_any_reckoning() -> None:
    job = a_gang_job(status=running(600), annotations={DONE: "50", PROGRESS: "42"})
    assert hours(seen(job)) == (42.0, 42.0)


@pytest.mark.parametrize("text", ["", "half", "nan", "inf", "-3"])
def test_an_annotation_that_is_no_amount_of_work_is_not_read(text: str) -> None:
    job = a_gang_job(suspend=True, annotations={PROGRESS: text, DONE: "5"})
    assert hours(seen(job)) == (5.0, 5.0)


def test_a_job_never_does_more_than_its_work() -> None:
    assert hours(seen(a_gang_job(annotations={DONE: "9999"}))) == (1600.0, 1600.0)


def test_a_job_is_finished_when_any_of_its_objects_is_complete() -> None:
    complete = {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 2}
    progress = seen(a_gang_job(status=complete))
    assert (progress.finished, *hours(progress)) == (True, 1600.0, 1600.0)


def test_objects_of_others_tell_nothing_of_our_jobs() -> None:
    setting = a_setting(jobs=(JOB,), namespaces=("web",))
    assert progress_of(a_view(a_gang_job()), setting, MIDNIGHT) == ()


def test_what_one_job_would_keep_if_it_stopped_now() -> None:
    setting = a_setting(jobs=(JOB,))
    stopped = a_gang_job(status=running(50), annotations={DONE: "20"})
    assert saved_of(stopped, setting, MIDNIGHT) == pytest.approx(28.0)
    told = a_gang_job(status=running(50), annotations={PROGRESS: "33"})
    assert saved_of(told, setting, MIDNIGHT) == 33.0


def test_a_gang_of_somebody_elses_kind_is_read_likewise() -> None:
    runs = Suspendable(
        namespace="ml",
        api_version="kubeflow.org/v1",
        resource="pytorchjobs",
        name="ranker",
        suspend=("spec", "suspend"),
        node_selectors=(),
        pods={"app": "ranker"},
    )
    setting = a_setting(jobs=(JOB,), runs={"ranker": runs})
    marks = {"tidegate.io/workers": "2", DONE: "4"}
    meta = {"labels": {"tidegate.io/pool": "pool"}, "annotations": marks}

    def of(status: object) -> JobProgress:
        body = {"metadata": meta, "spec": {"suspend": False}, "status": status}
        return seen(setting=setting, custom={WorkloadName("ranker"): body})

    assert hours(of({"startTime": as_text(after(-65))})) == pytest.approx((20.0, 20.0))
    assert of({"conditions": [{"type": "Succeeded", "status": "True"}]}).finished
    assert hours(of({"startTime": 7})) == (0.0, 0.0)
