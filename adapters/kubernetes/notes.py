"""Notes: what a person should know of a cluster, each with what to do."""

from collections.abc import Iterator

from adapters.kubernetes.census import Census, take_census
from adapters.kubernetes.contest import contest
from adapters.kubernetes.gpus import gpus_of_node
from adapters.kubernetes.instants import instant
from adapters.kubernetes.marks import DRAINING_SINCE, WORKLOAD, ours
from adapters.kubernetes.nodes import Flaw, stage_of
from adapters.kubernetes.parties import ended, parties_of, uids
from adapters.kubernetes.pods import condition, holds_seat, matches
from adapters.kubernetes.pools import binding_of, run_by_others, selector_of
from adapters.kubernetes.quantity import amount
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Budget, Deployment, Job, Node, Pod
from adapters.kubernetes.signs import foreign_taints, is_draining
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Adopted, Supply
from scheduler.domain.names import Instant, PoolName
from scheduler.domain.snapshot import SiteNote

_NAMED = 3
"""So many of a list are named: the rest is seen when these are mended."""


def notes_of(view: View, setting: Setting, now: Instant) -> tuple[SiteNote, ...]:
    """In the order of their subjects. The same from look to look while nothing changes."""
    census = take_census(view, setting)
    notes = [
        *_of_drains(census, now),
        *_of_nodes(census, now),
        *_of_pools(census),
        *_of_deployments(view, setting, now),
        *_of_jobs(view, setting),
    ]
    return tuple(sorted(set(notes), key=lambda note: (note.subject, note.reason, note.message)))


def _of_drains(census: Census, now: Instant) -> Iterator[SiteNote]:
    for _, node in _members(census):
        since = instant(node.metadata.annotations.get(DRAINING_SINCE))
        late = since is not None and now - since > census.setting.access.drain_deadline_s
        pods = [pod for pod in census.on_node[node.metadata.name] if holds_seat(pod)]
        if late and pods and is_draining(node):
            yield _note(node, "DrainBlocked", _stuck(pods, census.view))


def _stuck(pods: list[Pod], view: View) -> str:
    told = sorted(f"{_path(pod)}{_held_by(pod, view)}" for pod in pods)
    return (
        f"its drain has not ended in time because of {_listed(told)}; let the budget allow a "
        "disruption, or delete the pod"
    )


def _held_by(pod: Pod, view: View) -> str:
    if pod.metadata.deletion_timestamp is not None:
        return " (is ending)"
    budgets = sorted(_path(each) for each in view.budgets.values() if _forbids(each, pod))
    return f" (disruption budget {_listed(budgets)})" if budgets else ""


def _forbids(budget: Budget, pod: Pod) -> bool:
    selector = budget.spec.selector
    return (
        budget.metadata.namespace == pod.metadata.namespace
        and selector is not None
        and matches(pod.metadata.labels, selector)
        and budget.status.disruptions_allowed <= 0
    )


def _of_nodes(census: Census, now: Instant) -> Iterator[SiteNote]:
    for pool, node in _members(census):
        stage = stage_of(node, census.setting.pools[pool], census, now)
        match stage.flaw:
            case Flaw.NONE:
                pass
            case Flaw.NEVER_READY:
                yield _note(
                    node,
                    "NodeNeverReady",
                    f"it did not become Ready in the boot time of pool {pool}; look at its "
                    "kubelet, or delete it, or raise the pool's boot time",
                )
            case Flaw.GPUS_MISSING:
                yield _note(node, "GpusMissing", _missing(node, pool, census))
            case Flaw.TAINTED:
                yield _note(node, "NodeTainted", _barred(node, pool, census.setting))
            case Flaw.OUT_OF_REACH:
                yield _note(
                    node,
                    "NodeOutOfReach",
                    f"it counts as of pool {pool}, whose pods look for "
                    f"{_labels(selector_of(pool, census.setting))}, which it lacks; label it so, "
                    "or give the pool the labels that its nodes have",
                )
        if unreadable := _unreadable(node):
            yield _note(
                node, "AmountUnreadable", f"allocatable {_listed(unreadable)} is no quantity"
            )


def _missing(node: Node, pool: PoolName, census: Census) -> str:
    declared, binding = census.setting.pools[pool], binding_of(pool, census.setting)
    has = gpus_of_node(node, declared, binding, census.devices.get(node.metadata.name, 0.0))
    return (
        f"it is Ready with {has:g} of the {declared.per_node.gpus:g} GPUs that pool {pool} "
        f"declares, counted by {binding.resource}; look at its device plugin and driver, or "
        "correct the pool"
    )


def _barred(node: Node, pool: PoolName, setting: Setting) -> str:
    keys = sorted({f"{taint.key}:{taint.effect}" for taint in foreign_taints(node, pool, setting)})
    return (
        f"pods of pool {pool} do not bear {_listed(keys)}; "
        "add it to the tolerations of the pool, or remove the taint"
    )


def _unreadable(node: Node) -> list[str]:
    def is_bad(text: str) -> bool:
        try:
            amount(text)
        except ValueError:
            return True
        return False

    return sorted(name for name, text in node.status.allocatable.items() if is_bad(text))


def _of_pools(census: Census) -> Iterator[SiteNote]:
    shared = census.setting.access.supply is Supply.AUTOSCALER
    mine = uids(parties_of(census.view, census.setting))
    for pool, nodes in census.members.items():
        others = sorted({name for node in nodes if (name := run_by_others(node))})
        if others and not shared and not binding_of(pool, census.setting).shared:
            yield SiteNote(
                subject=f"pool/{pool}",
                reason="PoolRunByOthers",
                message=(
                    f"{_listed(others)} runs its nodes, so none of them is drained or released "
                    "from here; say that the pool is shared, or take it out of that autoscaler"
                ),
            )
        if namespaces := sorted(_strangers(nodes, pool, census, mine)):
            yield SiteNote(
                subject=f"pool/{pool}",
                reason="SeatsHeldByOthers",
                message=(
                    f"pods that are not declared hold GPUs of its nodes, in {_listed(namespaces)}; "
                    "declare what runs there, or move it to nodes of its own"
                ),
            )


def _strangers(
    nodes: tuple[Node, ...], pool: PoolName, census: Census, mine: frozenset[str]
) -> set[str]:
    return {
        f"namespace {pod.metadata.namespace}"
        for node in nodes
        for pod in census.on_node[node.metadata.name]
        if holds_seat(pod)
        and pod.metadata.uid not in mine
        and census.gpus_taken(pod, pool, node) > 0.0
    }


def _of_deployments(view: View, setting: Setting, now: Instant) -> Iterator[SiteNote]:
    for deployment in view.deployments.values():
        if ours(deployment.metadata.labels) and WORKLOAD in deployment.metadata.labels:
            yield from _of_deployment(deployment, view, now)
    for binding in setting.bindings.workloads.values():
        match binding.runs:
            case Adopted(namespace=namespace, deployments=names):
                here = [name for pool, name in names.items() if pool in setting.pools]
            case _:
                continue
        for name in here:
            found = view.deployments.get((namespace, name))
            if found is not None:
                yield from _of_deployment(found, view, now)
            elif namespace in setting.access.namespaces:
                yield SiteNote(
                    subject=f"deployment/{namespace}/{name}",
                    reason="DeploymentMissing",
                    message=f"{binding.workload} adopts it and it is not there; "
                    "make it, or correct the document",
                )


def _of_deployment(deployment: Deployment, view: View, now: Instant) -> Iterator[SiteNote]:
    subject = f"deployment/{_path(deployment)}"
    if why := contest(deployment, view, now):
        yield SiteNote(subject=subject, reason="ReplicasContested", message=why)
    told = condition(deployment.status.conditions, "ReplicaFailure")
    if told is not None and told.status == "True":
        yield SiteNote(
            subject=subject,
            reason="PodsRefused",
            message=f"the server refuses its pods ({told.reason}); "
            "look at the quotas and admission rules of its namespace",
        )


def _of_jobs(view: View, setting: Setting) -> Iterator[SiteNote]:
    for (namespace, _), job in view.jobs.items():
        told = condition(job.status.conditions, "Failed")
        counts = ours(job.metadata.labels) and namespace in setting.access.namespaces
        if counts and told is not None and ended(job, "Failed"):
            yield SiteNote(
                subject=f"job/{_path(job)}",
                reason="JobFailed",
                message=f"it has failed ({told.reason}) and does not run again; "
                "look at its pods, then delete it and it is made anew",
            )


def _members(census: Census) -> Iterator[tuple[PoolName, Node]]:
    return ((pool, node) for pool, nodes in census.members.items() for node in nodes)


def _note(node: Node, reason: str, message: str) -> SiteNote:
    return SiteNote(subject=f"node/{node.metadata.name}", reason=reason, message=message)


def _path(there: Pod | Budget | Deployment | Job) -> str:
    return f"{there.metadata.namespace}/{there.metadata.name}"


def _labels(labels: dict[str, str]) -> str:
    return " and ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _listed(names: list[str]) -> str:
    more = " and others" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
