"""What a tick says of one document."""

from scheduler.app.object_statuses import Outcome, invalid, outcome_of
from scheduler.config import Fault
from scheduler.domain.actions import Guarded, Held
from scheduler.domain.demand import Demand, JobDemand
from scheduler.domain.names import Instant
from scheduler.domain.plan import MissingLine
from scheduler.domain.snapshot import JobProgress, Placement, SiteReport, Snapshot
from scheduler.runtime.world import Considered
from tests.runtime.worlds import a_fleet, a_node, a_plan, a_pool, a_pool_line, grow, place

NOW = Instant(1_794_400_000.0)


def considered(*, plan=None, nodes=(), placements=(), progress=(), held=(), jobs=None):
    site = SiteReport(cluster="dc", at=NOW, nodes=nodes, placements=placements, progress=progress)
    return Considered(
        snapshot=Snapshot(now=NOW, fleet=a_fleet([a_pool()]), sites={"dc": site}),
        demand=Demand(jobs=jobs or {}),
        plan=plan or a_plan(),
        guarded=Guarded(allowed=(), held=tuple(held)),
        whole=True,
        seconds={},
    )


def on_p(ready: int, workload: str = "search") -> Placement:
    return Placement(workload=workload, pool="p", wanted=ready, ready=ready)


def missing(amount: float, *, is_job: bool = False) -> MissingLine:
    return MissingLine(
        workload="search", amount=amount, wanted=900.0, is_job=is_job,
        because="p is sold out", remedy="wait",
    )  # fmt: skip


def test_what_serves_is_placed():
    found = considered(placements=[on_p(3)])
    assert outcome_of(found, "InferenceService", "search") == Outcome(
        phase="Placed", placed={"p": 3}
    )


def test_what_is_missing_is_pending_with_the_dominant_reason():
    found = considered(plan=a_plan(missing=[missing(120.0)]), placements=[on_p(3)])
    assert outcome_of(found, "InferenceService", "search") == Outcome(
        phase="Pending",
        placed={"p": 3},
        pending="120 of 900 requests/s",
        reason="p is sold out",
    )


def test_a_gang_is_missing_as_a_whole():
    found = considered(plan=a_plan(missing=[missing(1.0, is_job=True)]))
    assert outcome_of(found, "TrainingJob", "search").pending == "the gang"


def test_what_the_guard_holds_back_is_held_with_its_reason():
    found = considered(held=[Held(action=place(pods=3), why="quiet hours")])
    name = "search"
    assert outcome_of(found, "InferenceService", name) == Outcome(
        phase="Held", reason="quiet hours"
    )


def test_a_job_that_is_not_due_waits_and_says_so():
    jobs = {
        "nightly": JobDemand(
            wanted=False, must_run=False, left_gpu_hours=48.0, because="not before 01:00"
        )
    }
    found = considered(jobs=jobs)
    assert outcome_of(found, "TrainingJob", "nightly") == Outcome(
        phase="Pending", reason="not before 01:00"
    )


def test_a_job_that_is_done_says_so():
    progress = (
        JobProgress(job="nightly", done_gpu_hours=48.0, saved_gpu_hours=48.0, finished=True),
    )
    found = considered(progress=progress)
    assert outcome_of(found, "TrainingJob", "nightly").reason == "finished"


def test_a_pool_tells_its_nodes_and_those_to_come():
    plan = a_plan(pools=[a_pool_line(a_pool(), 1, 3)])
    found = considered(plan=plan, nodes=(a_node("n1"),))
    outcome = outcome_of(found, "NodePool", "p")
    assert (outcome.phase, outcome.placed, outcome.pending) == ("Pending", {"p": 1}, "2 of 3 nodes")


def test_a_pool_that_may_not_grow_now_is_held():
    found = considered(held=[Held(action=grow(), why="at most 2 nodes a tick")])
    assert outcome_of(found, "NodePool", "p").reason == "at most 2 nodes a tick"


def test_a_document_with_faults_is_invalid_and_others_are_not():
    fault = Fault(file="nodepools/ml/p", line=0, column=0, path="spec.price", message="is missing")
    assert invalid([fault], "nodepools/ml/p") == Outcome(
        phase="Invalid", reason="spec.price: is missing"
    )
    assert invalid([fault], "nodepools/ml/q") is None
