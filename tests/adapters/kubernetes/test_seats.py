"""Which gangs start, and which give their seats back."""

from dataclasses import replace
from typing import Any

from adapters.kubernetes.seats import Gang, gangs_of, to_halt, to_start
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Job, Node, Pod
from adapters.kubernetes.view import View
from scheduler.domain.names import Instant, PoolName, WorkloadName
from scheduler.domain.workloads import Priority, Spread, TrainingJob
from tests.adapters.adapter_worlds import MIDNIGHT, a_job, a_pool, after
from tests.adapters.kubernetes.view_worlds import (
    a_gang_job,
    a_node,
    a_replica,
    a_setting,
    a_view,
    a_worker,
)

POOL = PoolName("pool")
TWO_POOLS = (a_pool(), a_pool("spare"))


def setting(*jobs: TrainingJob) -> Setting:
    return a_setting(*TWO_POOLS, jobs=jobs or (a_job(),))


def waiting(name: str = "ranker", priority: Priority = Priority.NORMAL, **changes: Any) -> Gang:
    gang = Gang(
        job=a_job(name, priority=priority),
        pool=POOL,
        namespace="ml",
        name=f"{name}-pool",
        workers=2,
        running=False,
    )
    return replace(gang, **changes)


def started(view: View, *gangs: Gang) -> list[str]:
    jobs = [gang.job for gang in gangs]
    return [gang.name for gang in to_start(view, setting(*jobs), gangs)]


def two_nodes(*pods: Pod | Job | Node) -> View:
    return a_view(a_node("n1"), a_node("n2"), *pods)


def test_a_gang_starts_when_every_worker_has_a_seat_and_not_before() -> None:
    assert started(two_nodes(), waiting()) == ["ranker-pool"]
    assert started(two_nodes(a_replica("n1", gpus=1)), waiting()) == []
    assert started(a_view(a_node("n1")), waiting()) == []


def test_the_most_urgent_gang_takes_the_seats() -> None:
    low, high = waiting("early", Priority.LOW), waiting("late", Priority.HIGH)
    assert started(two_nodes(), low, high) == ["late-pool"]
    four = a_view(*(a_node(f"n{number}") for number in range(4)))
    assert started(four, low, high) == ["late-pool", "early-pool"]


def test_a_gang_that_does_not_fit_holds_up_no_other() -> None:
    large = waiting("large", Priority.HIGH, workers=3)
    assert started(two_nodes(), large, waiting("small")) == ["small-pool"]


def test_seats_of_a_gang_that_was_just_started_are_not_given_twice() -> None:
    """Its pods are not to be seen yet."""
    first = waiting("first", running=True)
    assert started(two_nodes(), first, waiting("second")) == []


def test_pods_on_their_way_to_a_seat_keep_it() -> None:
    assert started(two_nodes(a_replica(gpus=8)), waiting()) == []


def test_a_gang_starts_only_when_its_last_run_is_gone_from_everywhere() -> None:
    still = a_worker("elsewhere")
    assert started(two_nodes(still), waiting()) == []
    there, here = waiting(pool=PoolName("spare"), running=True), waiting()
    assert started(two_nodes(), there, here) == []


def test_a_gang_over_several_pools_starts_with_all_its_parts() -> None:
    job = a_job(workers=3, spread=Spread.CLUSTER)
    here = waiting(job=job, workers=2)
    there = waiting(job=job, workers=1, pool=PoolName("spare"))
    assert started(two_nodes(), here, there) == []
    assert started(two_nodes(), here) == []
    both = two_nodes(a_node("n3", "spare"))
    chosen = to_start(both, setting(job), (here, there))
    assert [part.pool for part in chosen] == ["pool", "spare"]


def test_a_gang_that_runs_in_part_gives_its_seats_back_after_the_deadline() -> None:
    one = a_worker("n1", born=MIDNIGHT)
    other = a_worker(born=MIDNIGHT)
    part = waiting(running=True, pods=(one, other), since=MIDNIGHT)
    assert to_halt([part], 300.0, after(5)) == ()
    assert to_halt([part], 300.0, after(5.1)) == (part,)
    whole = waiting(running=True, pods=(one, a_worker("n2")), since=MIDNIGHT)
    assert to_halt([whole], 300.0, after(60)) == ()


def test_a_worker_that_was_lost_just_now_has_the_whole_deadline() -> None:
    lost = a_worker(born=after(60))
    part = waiting(running=True, pods=(a_worker("n1"), lost), since=MIDNIGHT)
    assert to_halt([part], 300.0, after(62)) == ()


def test_a_gang_whose_pods_were_never_made_waits_since_its_start() -> None:
    part = waiting(running=True, since=MIDNIGHT)
    assert to_halt([part], 300.0, after(6)) == (part,)


def test_gangs_are_our_jobs_that_are_wanted_and_go_on() -> None:
    labels = a_gang_job().metadata.labels
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    foreign = {**labels, "app.kubernetes.io/managed-by": "somebody"}
    queued = {**labels, "kueue.x-k8s.io/queue-name": "team"}
    for job in (
        a_gang_job(0),
        a_gang_job(status=complete),
        a_gang_job(labels=foreign),
        a_gang_job(labels=queued),
        a_gang_job(pool="gone"),
    ):
        assert gangs_of(a_view(job), setting()) == ()
    assert gangs_of(a_view(a_gang_job()), setting(a_job("other"))) == ()
    (gang,) = gangs_of(a_view(a_gang_job(2, suspend=True)), setting())
    assert (gang.job.name, gang.workers, gang.running) == (WorkloadName("ranker"), 2, False)


def test_workers_that_have_ended_well_need_no_seat() -> None:
    job = a_gang_job(2, status={"succeeded": 1, "startTime": "2026-09-29T00:00:00Z"})
    worker = a_worker(
        "n1", ownerReferences=[{"kind": "Job", "uid": job.metadata.uid, "controller": True}]
    )
    (gang,) = gangs_of(a_view(job, worker), setting())
    assert (gang.workers, gang.unseated) == (1, 0)
    assert gang.since == Instant(1_790_640_000.0)
