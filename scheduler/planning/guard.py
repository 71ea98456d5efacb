"""Guard: which actions may be done now, and why the others are held back."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Guarded,
    Held,
    Place,
    Release,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import ActionKey, ClusterName, PoolName, WorkloadName
from scheduler.domain.plan import Plan
from scheduler.domain.settings import GuardSettings
from scheduler.domain.snapshot import NodePhase, Placement, Snapshot
from scheduler.planning.caps import Caps
from scheduler.planning.moves import SHARE_STEP
from scheduler.planning.quiet import in_words, quiet_window
from scheduler.planning.standing import is_seen

FEW_NODES = 3
"""Of fewer nodes a share says nothing."""
GROWN_LATELY_S = 3600.0
"""So long after a service grew, its traffic follows the new pods at any hour."""
VACATED_LATELY_S = 900.0
"""A gang that still has no seats so long after room was made has lost them to others: moving the
same replicas again every few minutes would cost their users more than the wait costs the gang."""


def guard(
    actions: Iterable[Action], plan: Plan, snapshot: Snapshot, settings: GuardSettings
) -> Guarded:
    """Each action is allowed, held with a sentence, or cut to the part that is allowed.

    A growth, drain or release beyond the cap of a tick is cut to what the cap leaves; nodes that
    are emptied for a gang help it only together. Where only the loss of pods is held, the traffic
    still moves: a shift takes the order's place.
    """
    orders = tuple(actions)
    watch = _watch(orders, plan, snapshot, settings)
    caps = Caps(settings)
    allowed: list[Action] = []
    held: list[Held] = []
    pools_kept: set[PoolName] = set()
    for action in orders:
        why = _why_held(action, watch) or _needed(action, pools_kept)
        part, rest = caps.cut(action) if why is None else _without_loss(action, why, watch)
        if part is not None:
            allowed.append(part)
        if rest is not None:
            held.append(rest)
        if why is not None and not isinstance(action, Grow):
            pools_kept.add(action.pool)
    return Guarded(allowed=tuple(allowed), held=tuple(held))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """What the rules look at, gathered once."""

    snapshot: Snapshot
    settings: GuardSettings
    sick: Mapping[ClusterName, str]
    """Clusters with too many unready nodes, with the sentence."""
    quiet: str | None
    """The quiet hours that hold now, in words."""
    kept: Mapping[WorkloadName, str]
    """Services that lose no pods now, with the sentence."""
    restless: frozenset[WorkloadName]
    """Services that lack, lose or lately got pods: their traffic follows at any hour."""
    moved: frozenset[WorkloadName]
    """Running gangs that the plan runs somewhere: stopping them is a move."""


def _watch(
    actions: tuple[Action, ...], plan: Plan, snapshot: Snapshot, settings: GuardSettings
) -> _Watch:
    window = quiet_window(snapshot.now, settings.quiet_hours)
    placements = list(_placements(snapshot)) if window else []
    running = {placement.workload for placement in placements if placement.ready}
    planned = {line.workload for line in plan.placements if line.is_job and line.after}
    return _Watch(
        snapshot=snapshot,
        settings=settings,
        sick=dict(_sick(snapshot, settings)),
        quiet=in_words(window) if window else None,
        kept=dict(_kept(actions, plan, snapshot)),
        restless=frozenset(_restless(actions, placements, snapshot)),
        moved=frozenset(running & planned),
    )


def _placements(snapshot: Snapshot) -> Iterator[Placement]:
    for report in snapshot.sites.values():
        yield from report.placements


def _sick(snapshot: Snapshot, settings: GuardSettings) -> Iterator[tuple[ClusterName, str]]:
    for cluster, report in snapshot.sites.items():
        nodes = len(report.nodes)
        unready = sum(node.phase is NodePhase.UNREADY for node in report.nodes)
        if nodes >= FEW_NODES and unready > settings.unready_share * nodes:
            limit = f"{settings.unready_share:.0%}"
            yield (
                cluster,
                f"{unready} of {nodes} nodes in {cluster} are unready: "
                f"above {limit} nothing is taken away there.",
            )


def _kept(
    actions: tuple[Action, ...], plan: Plan, snapshot: Snapshot
) -> Iterator[tuple[WorkloadName, str]]:
    for action in actions:
        grows = isinstance(action, Place) and action.pods > action.before
        if isinstance(action, Place) and grows and not is_seen(action.cluster, snapshot):
            yield action.workload, f"Its new pods on {action.pool} are held back."
    for line in plan.services:
        if line.held:
            yield line.service, f"{line.service} keeps its pods: {line.because}."


def _restless(
    actions: tuple[Action, ...], placements: list[Placement], snapshot: Snapshot
) -> Iterator[WorkloadName]:
    yield from (action.workload for action in actions if isinstance(action, Place))
    yield from (there.workload for there in placements if there.ready < there.wanted)
    for workload, at in snapshot.memory.grown_at.items():
        if snapshot.now - at <= GROWN_LATELY_S:
            yield workload


def _why_held(action: Action, watch: _Watch) -> str | None:
    """The sentence of the first rule that holds the action, if any does."""
    return _out_of_reach(action, watch) or _untimely(action, watch)


def _out_of_reach(action: Action, watch: _Watch) -> str | None:
    if watch.settings.paused:
        return "Tidegate is paused: nothing is done until guard.paused is false."
    if is_seen(action.cluster, watch.snapshot):
        return None
    reason = watch.snapshot.unseen.get(action.cluster, "it has not reported yet")
    return f"{action.cluster} is not seen: {reason}."


def _untimely(action: Action, watch: _Watch) -> str | None:
    why: str | None = None
    sick = watch.sick.get(action.cluster)
    match action:
        case Grow():
            why = _sold_out(action, watch)
        case Drain() | Release():
            why = sick or _quiet(watch) or _brief(action, watch)
        case Vacate():
            why = sick or _quiet(watch) or _vacated(action, watch)
        case Suspend():
            why = sick or (_quiet(watch) if action.workload in watch.moved else None)
        case Shift() if action.workload not in watch.restless:
            why = _quiet(watch)
        case Place() if action.pods < action.before:
            why = sick or watch.kept.get(action.workload)
    return why


def _sold_out(action: Grow, watch: _Watch) -> str | None:
    offer, now = watch.snapshot.memory.sold_out.get(action.pool), watch.snapshot.now
    if offer is None or offer.until <= now:
        return None
    return f"{action.pool} was sold out: it is asked again in {offer.until - now:.0f} s."


def _quiet(watch: _Watch) -> str | None:
    return f"Quiet hours {watch.quiet}: nothing moves or goes." if watch.quiet else None


def _brief(action: Drain | Release, watch: _Watch) -> str | None:
    """A surplus must have lasted before nodes go."""
    now, least = watch.snapshot.now, watch.settings.release_after_s
    lasted = now - watch.snapshot.memory.surplus_since.get(action.pool, now)
    if lasted >= least:
        return None
    return f"{action.pool} has had a surplus for {lasted:.0f} s: nodes go after {least:.0f} s."


def _vacated(action: Vacate, watch: _Watch) -> str | None:
    """The same pods are not moved about again and again, and emptied nodes can come back."""
    memory, now = watch.snapshot.memory, watch.snapshot.now
    again = memory.vacated_at.get(action.pool, -inf) + VACATED_LATELY_S - now
    if again > 0.0:
        return f"Nodes of {action.pool} were emptied lately: more are in {again:.0f} s."
    offer = memory.sold_out.get(action.pool)
    if offer is None or offer.until <= now:
        return None
    return f"{action.pool} was sold out: a growth that takes emptied nodes back must wait."


def _needed(action: Action, pools_kept: set[PoolName]) -> str | None:
    """Nodes wait for the pods that were to leave them, and a release for its drain."""
    if isinstance(action, Drain | Release) and action.pool in pools_kept:
        return f"What comes before it on {action.pool} is held back."
    return None


def _without_loss(action: Action, why: str, watch: _Watch) -> tuple[Action | None, Held]:
    """A held order; of one that takes pods away, the traffic still moves if it may."""
    held = Held(action=action, why=why)
    if not isinstance(action, Place) or action.pods >= action.before:
        return None, held
    before = _share_now(action, watch.snapshot)
    shift = Shift(
        key=ActionKey(f"shift/{action.workload}/{action.pool}/{action.share:.3f}"),
        cluster=action.cluster,
        pool=action.pool,
        why=action.why,
        workload=action.workload,
        pods=action.before,
        before=before,
        share=action.share,
    )
    moves = abs(action.share - before) > SHARE_STEP and _why_held(shift, watch) is None
    return (shift if moves else None), held


def _share_now(action: Place, snapshot: Snapshot) -> float:
    report = snapshot.sites.get(action.cluster)
    for there in report.placements if report else ():
        if there.workload == action.workload and there.pool == action.pool:
            return there.share
    return 0.0
