"""The status: how the daemon is, as the probes, the metrics and `/status` tell it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from scheduler.domain.names import ClusterName
from scheduler.domain.settings import LoopSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.runtime.codec import kind_of, plain, plain_action
from scheduler.runtime.office import Alone, Office
from scheduler.runtime.world import Considered, Tick


class Status:
    """Written by the daemon in the event loop, read by whoever asks there."""

    def __init__(self) -> None:
        self.tick: Tick | None = None
        """The last whole tick."""
        self.considered: Considered | None = None
        """The last turn on stand-by that was finished since then."""
        self.office: Office = Alone()
        """Who leads."""
        self.beat_s: float | None = None
        """When the loop last began or ended a tick, by the monotonic clock; None before."""
        self.loop = LoopSettings()
        """The pace in force."""
        self.documents_loaded = False
        self.document_faults: tuple[str, ...] = ()
        """Why the newest documents were refused; empty when they are in force."""
        self.reload_failures = 0
        self.tick_failures = 0
        self.last_failure = ""
        """Why the last tick failed; empty after a good one."""
        self.tend_failures = 0
        self.memory_fault = ""
        """Why the memory could not be kept; empty when it was."""
        self.journal_failures = 0
        self.journal_fault = ""
        self.actions: Counter[tuple[str, str]] = Counter()
        """Actions so far, by kind and outcome."""

    @property
    def unready_because(self) -> str:
        """Why the daemon is not ready yet; empty when it is."""
        if not self.documents_loaded:
            return "no valid documents yet"
        return "" if self.latest else "the first tick is not done yet"

    @property
    def latest(self) -> Considered | None:
        """The newest look at the world, whether it was acted upon or not."""
        return self.considered or self.tick

    @property
    def stuck_after_s(self) -> float:
        """A loop without a beat for so long hangs: every honest wait in a tick is shorter."""
        loop = self.loop
        return 2.0 * loop.every_s + 10.0 * loop.deadline_s + 2.0 * loop.solver.time_limit_s

    def ticked(self, tick: Tick) -> None:
        """Take note of a tick. The pages show the last whole plan, not a split of its traffic."""
        if tick.whole or self.tick is None:
            self.tick = tick
        self.considered = None
        self.last_failure = ""
        self.tend_failures += len(tick.untended)
        self.actions.update((kind_of(one.action), one.outcome) for one in tick.receipts)

    def stood_by(self, thought: Considered) -> None:
        """Take note of a turn on stand-by."""
        self.considered = thought
        self.last_failure = self.memory_fault = ""

    def failed(self, why: str) -> None:
        """Take note of a tick that failed."""
        self.tick_failures += 1
        self.last_failure = why

    def faults(self) -> list[str]:
        """Everything that is wrong now, in words."""
        own = (self.last_failure, self.memory_fault, self.journal_fault)
        return [*self.document_faults, *(fault for fault in own if fault)]


def status_page(status: Status) -> dict[str, Any]:
    """The content of `/status`."""
    page: dict[str, Any] = {
        "ready": not status.unready_because,
        "because": status.unready_because,
        "faults": status.faults(),
        "failures": {
            "ticks": status.tick_failures,
            "reloads": status.reload_failures,
            "journal": status.journal_failures,
        },
    }
    if status.office.identity:
        page |= {
            "leader": status.office.leads(),
            "identity": status.office.identity,
            "holder": status.office.holder,
        }
    latest = status.latest
    if latest:
        page |= {
            "tick": latest.snapshot.memory.tick + isinstance(latest, Tick),
            "now": latest.snapshot.now,
            "paused": status.loop.guard.paused,
            **_decided(latest),
        }
    if isinstance(latest, Tick):
        page["untended"] = dict(latest.untended)
        page["receipts"] = [
            {"action": plain_action(one.action), "outcome": one.outcome, "detail": one.detail}
            for one in latest.receipts
        ]
    return page


def _decided(considered: Considered) -> Mapping[str, Any]:
    return {
        "seconds": plain(considered.seconds),
        "sites": _sites(considered.snapshot),
        "plan": plain(considered.plan),
        "actions": [plain_action(action) for action in considered.guarded.allowed],
        "held": [
            {"action": plain_action(one.action), "why": one.why} for one in considered.guarded.held
        ],
    }


def _sites(snapshot: Snapshot) -> dict[str, Any]:
    names = sorted({*snapshot.sites, *snapshot.unseen})
    return {name: _site(snapshot, name) for name in names}


def _site(snapshot: Snapshot, name: ClusterName) -> dict[str, Any]:
    report = snapshot.sites.get(name)
    return {
        "seen": name not in snapshot.unseen,
        "why": snapshot.unseen.get(name, ""),
        "last_seen": report.at if report else None,
        "nodes": len(report.nodes) if report else None,
        "notes": [plain(note) for note in report.notes] if report else [],
    }
