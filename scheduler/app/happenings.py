"""Happenings: what a tick did, held back and found, as Events on the objects it is about."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters.kubernetes.events import KINDS, Happening
from adapters.kubernetes.marks import option_name
from adapters.kubernetes.status_map import NAME as STATUS
from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Place,
    Receipt,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.bindings import Adopted, Bindings, Owned, OwnedJob
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.runtime.world import Tick

HOME = ClusterName("")
"""Where that is told which has no object of its own: our status in the home cluster."""
REASONS: Mapping[type[Action], str] = {
    Grow: "Growing",
    Place: "Placed",
    Shift: "Shifted",
    Resume: "Resumed",
    Suspend: "Suspended",
    Vacate: "Draining",
    Drain: "Draining",
    Release: "Released",
}
TROUBLE = {
    "refused": "Refused",
    "unreachable": "Unreachable",
    "throttled": "Throttled",
    "no-capacity": "SoldOut",
}

Told = Mapping[ClusterName, tuple[Happening, ...]]


def happenings_of(
    tick: Tick, bindings: Bindings, clusters: frozenset[ClusterName], namespace: str
) -> Told:
    """By cluster, those of `clusters` and HOME. `namespace` is where our status lies at home."""
    told: dict[ClusterName, list[Happening]] = {}
    for cluster, happening in _all(tick, bindings):
        kind = happening.subject.partition("/")[0]
        if cluster in clusters and kind in KINDS:
            told.setdefault(cluster, []).append(happening)
        else:
            message = f"{happening.subject} in {cluster}: {happening.message}"
            about = f"configmap/{namespace}/{STATUS}"
            told.setdefault(HOME, []).append(replace(happening, subject=about, message=message))
    return {cluster: tuple(items) for cluster, items in told.items()}


def _all(tick: Tick, bindings: Bindings) -> Iterator[tuple[ClusterName, Happening]]:
    for receipt in tick.receipts:
        for happening in _received(receipt, bindings):
            yield receipt.action.cluster, happening
    for held in tick.guarded.held:
        for subject in _subjects(held.action, bindings):
            words = f"held back: {held.why}; it would be: {_words(held.action)}"
            yield (
                held.action.cluster,
                Happening(subject=subject, reason="Held", message=words, ongoing=True),
            )
    for name, site in tick.snapshot.sites.items():
        # What an unseen site said before is old.
        for note in site.notes if name not in tick.snapshot.unseen else ():
            yield (
                name,
                Happening(
                    subject=note.subject,
                    reason=note.reason,
                    message=note.message,
                    warning=True,
                    ongoing=True,
                ),
            )


def _received(receipt: Receipt, bindings: Bindings) -> Iterator[Happening]:
    words = _words(receipt.action)
    for subject in _subjects(receipt.action, bindings):
        if receipt.outcome == "accepted":
            reason = REASONS[type(receipt.action)]
            yield Happening(subject=subject, reason=reason, message=words)
        elif receipt.outcome in TROUBLE:
            yield Happening(
                subject=subject,
                reason=TROUBLE[receipt.outcome],
                message=f"{receipt.detail}; asked was: {words}",
                warning=True,
                ongoing=True,
            )


def _subjects(action: Action, bindings: Bindings) -> tuple[str, ...]:
    match action:
        case Grow():
            return (f"pool/{action.pool}",)
        case Vacate() | Drain() | Release():
            return tuple(f"node/{name}" for name in action.nodes)
        case _:
            return (_object(action.workload, action.pool, bindings),)


def _object(workload: WorkloadName, pool: PoolName, bindings: Bindings) -> str:
    """What runs the workload on the pool."""
    binding = bindings.workloads.get(workload)
    match binding.runs if binding else None:
        case Adopted(namespace=namespace, deployments=deployments) if pool in deployments:
            return f"deployment/{namespace}/{deployments[pool]}"
        case Owned(namespace=namespace):
            return f"deployment/{namespace}/{option_name(workload, pool)}"
        case OwnedJob(namespace=namespace):
            return f"job/{namespace}/{option_name(workload, pool)}"
        case _:
            return f"workload/{workload}"


def _words(action: Action) -> str:
    match action:
        case Grow():
            what = f"pool {action.pool} from {action.before} to {action.nodes} nodes"
        case Place():
            share = f", {action.share:.0%} of the traffic" if action.share else ""
            what = f"{action.before} -> {action.pods} pods on {action.pool}{share}"
        case Shift():
            what = f"{action.before:.0%} -> {action.share:.0%} of the traffic to {action.pool}"
        case Resume() | Suspend():
            what = f"{action.pods} workers on {action.pool}"
        case Vacate() | Drain() | Release():
            what = f"of pool {action.pool}"
    return f"{what}: {action.why}"
