"""Gangs: batch/v1 Jobs of the double, Indexed or not, that can stand still."""

from typing import Any

from tests.doubles.kubernetes.kinds import JOBS, PODS
from tests.doubles.kubernetes.writing import Writing
from tests.doubles.players.parts import active, condition, going, holds, phase
from tests.doubles.players.replicas import ASKED, STATUS, a_pod

Object = dict[str, Any]
INDEX = "batch.kubernetes.io/job-completion-index"


def tend_job(writing: Writing, job: Object) -> None:
    """Its pods run, or are away while it stands still; its status says so."""
    if holds(job, "Complete") or holds(job, "Failed") or going(job):
        return
    uid = job["metadata"]["uid"]
    pods = [one for kind, one in writing.store.dependents(uid) if kind == PODS]
    done = _done(job, pods)
    failed = max(job["status"].get("failed", 0), sum(phase(pod) == "Failed" for pod in pods))
    alive = [pod for pod in pods if active(pod)]
    over = len(done) >= _completions(job) or failed > job["spec"]["backoffLimit"]
    if job["spec"]["suspend"] or over:
        for pod in alive:
            _delete(writing, pod)
        alive = []
    else:
        alive += _started(writing, job, alive, done)
    _tell(writing, job, alive, done, failed)


def _started(writing: Writing, job: Object, alive: list[Object], done: list[str]) -> list[Object]:
    spec, namespace = job["spec"], job["metadata"]["namespace"]
    left = max(0, min(spec["parallelism"], _completions(job) - len(done)))
    for pod in alive[left:]:
        _delete(writing, pod)
    taken = {_index(pod) for pod in alive} | set(done)
    free = [str(i) for i in range(_completions(job)) if str(i) not in taken]
    made = []
    for index in free[: left - len(alive)] if left > len(alive) else []:
        body = a_pod("Job", "batch/v1", job)
        marks = {
            "batch.kubernetes.io/job-name": job["metadata"]["name"],
            "job-name": job["metadata"]["name"],
            "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        }
        meta = body["metadata"]
        meta["labels"] = {**meta["labels"], **marks}
        # Kept on all, so that a pod says which part of the work it is.
        meta["annotations"] = {**meta["annotations"], INDEX: index}
        if spec.get("completionMode") == "Indexed":
            meta["labels"][INDEX] = index
            meta["generateName"] = f"{job['metadata']['name']}-{index}-"
        made.append(writing.create(PODS, namespace, body, ASKED).object)
    return made


def _tell(writing: Writing, job: Object, alive: list[Object], done: list[str], failed: int) -> None:
    suspended = bool(job["spec"]["suspend"])
    old = job["status"]
    status: Object = {
        "ready": sum(holds(pod, "Ready") for pod in alive),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    counts = {"active": len(alive), "succeeded": len(done), "failed": failed}
    status |= {name: count for name, count in counts.items() if count}
    if done:
        status["completedIndexes"] = ",".join(done)
    if not suspended:
        status["startTime"] = old.get("startTime") or writing.now()
    conditions = _conditions(writing, job, done, failed)
    if any(one["type"] == "Complete" for one in conditions):
        status["completionTime"] = writing.now()
    if conditions:
        status["conditions"] = conditions
    if status != old:
        key = (job["metadata"]["namespace"], job["metadata"]["name"])
        writing.change(JOBS, key, lambda one: {**one, "status": status}, STATUS)


def _conditions(writing: Writing, job: Object, done: list[str], failed: int) -> list[Object]:
    said: list[tuple[str, bool, str]] = []
    if job["spec"]["suspend"]:
        said.append(("Suspended", True, "JobSuspended"))
    elif condition(job, "Suspended"):
        said.append(("Suspended", False, "JobResumed"))
    if len(done) >= _completions(job):
        said += [("SuccessCriteriaMet", True, "CompletionsReached")]
        said += [("Complete", True, "CompletionsReached")]
    elif failed > job["spec"]["backoffLimit"]:
        said.append(("Failed", True, "BackoffLimitExceeded"))
    result = []
    for name, holding, reason in said:
        old = condition(job, name)
        same = old.get("status") == str(holding)
        time = old["lastTransitionTime"] if same else writing.now()
        new = {"type": name, "status": str(holding), "reason": reason, "message": reason}
        result.append({**new, "lastProbeTime": time, "lastTransitionTime": time})
    return result


def _done(job: Object, pods: list[Object]) -> list[str]:
    old = job["status"].get("completedIndexes", "")
    done = {one for one in old.split(",") if one}
    done |= {_index(pod) for pod in pods if phase(pod) == "Succeeded"}
    return sorted(done, key=int)


def _delete(writing: Writing, pod: Object) -> None:
    key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
    writing.delete(PODS, key, {})


def _index(pod: Object) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(INDEX, ""))


def _completions(job: Object) -> int:
    wanted: int | None = job["spec"].get("completions")
    return job["spec"]["parallelism"] if wanted is None else wanted
