"""What a tick says of each document: its phase, where it is, what is missing and why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.config import Fault
from scheduler.domain.actions import Action, Drain, Grow, Release
from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.plan import MissingLine
from scheduler.domain.snapshot import NodePhase
from scheduler.runtime.world import Considered


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one document."""

    phase: str
    """Placed | Pending | Held | Invalid."""
    placed: Mapping[str, int] = field(default_factory=dict)
    """Pods by pool; of a pool its nodes."""
    pending: str = ""
    reason: str = ""


def workload_outcome(found: Considered, name: WorkloadName) -> Outcome:
    """Of a service or job: missing work comes first, then what is held, then what is to come."""
    placed = _ready(found, name)
    missing = next((line for line in found.plan.missing if line.workload == name), None)
    if missing is not None:
        return Outcome(
            phase="Pending", placed=placed, pending=_amount(missing), reason=missing.because
        )
    held = _held(found, lambda action: getattr(action, "workload", None) == name)
    if held:
        return Outcome(phase="Held", placed=placed, reason=held)
    if _finished(found, name):
        return Outcome(phase="Placed", placed=placed, reason="finished")
    return _on_its_way(found, name, placed)


def pool_outcome(found: Considered, name: PoolName) -> Outcome:
    """Of a pool: its nodes that take work, and those that are to come."""
    reports = found.snapshot.sites.values()
    nodes = [node for report in reports for node in report.nodes if node.pool == name]
    ready = sum(node.phase is NodePhase.READY for node in nodes)
    placed = {str(name): ready}
    held = _held(found, lambda a: isinstance(a, Grow | Drain | Release) and a.pool == name)
    if held:
        return Outcome(phase="Held", placed=placed, reason=held)
    line = next((line for line in found.plan.pools if line.pool == name), None)
    short = line.after - ready if line is not None else 0
    if line is not None and short > 0:
        return Outcome(
            phase="Pending", placed=placed, pending=f"{short} of {line.after} nodes",
            reason=line.because,
        )  # fmt: skip
    return Outcome(phase="Placed", placed=placed)


def outcome_of(found: Considered, kind: str, name: str) -> Outcome:
    """Of any document that may be an object. A policy that is in force is placed."""
    match kind:
        case "InferenceService" | "TrainingJob":
            return workload_outcome(found, WorkloadName(name))
        case "NodePool":
            return pool_outcome(found, PoolName(name))
        case _:
            return Outcome(phase="Placed", reason="in force")


def invalid(faults: Iterable[Fault], place: str) -> Outcome | None:
    """Of a document with faults: all of them; None where it has none."""
    own = [fault for fault in faults if fault.file == place]
    told = "; ".join(": ".join(filter(None, (fault.path, fault.message))) for fault in own)
    return Outcome(phase="Invalid", reason=told) if told else None


def _ready(found: Considered, name: WorkloadName) -> dict[str, int]:
    placed: dict[str, int] = {}
    for report in found.snapshot.sites.values():
        for placement in report.placements:
            if placement.workload == name and placement.ready:
                placed[str(placement.pool)] = placement.ready
    return placed


def _amount(line: MissingLine) -> str:
    if line.is_job:
        return "the gang"
    return f"{line.amount:.3g} of {line.wanted:.3g} requests/s"


def _held(found: Considered, about: Callable[[Action], bool]) -> str:
    return next((held.why for held in found.guarded.held if about(held.action)), "")


def _finished(found: Considered, name: WorkloadName) -> bool:
    reports = found.snapshot.sites.values()
    return any(item.job == name and item.finished for site in reports for item in site.progress)


def _on_its_way(found: Considered, name: WorkloadName, placed: Mapping[str, int]) -> Outcome:
    lines = [line for line in found.plan.placements if line.workload == name and line.after]
    wanted = sum(line.after for line in lines)
    short = sum(max(0, line.after - placed.get(str(line.pool), 0)) for line in lines)
    job = found.demand.jobs.get(name)
    if short:
        pending = f"{short} of {wanted} pods"
        return Outcome(phase="Pending", placed=placed, pending=pending, reason=lines[0].because)
    if not wanted and job is not None and not job.wanted:
        return Outcome(phase="Pending", placed=placed, reason=job.because)
    return Outcome(phase="Placed", placed=placed)
