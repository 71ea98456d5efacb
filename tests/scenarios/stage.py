"""A stage for stories: documents of a small shop on disk, and the daemon played over them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import Adapter
from adapters.simulated import SiteEvent
from scheduler.app.simulated import SimulatedRun, day_of, recorded_signals
from scheduler.app.standing import Loader
from scheduler.app.tables import load_documents
from scheduler.domain.actions import Action, Receipt
from scheduler.domain.names import Instant
from scheduler.domain.readings import Series
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.reload import Documents
from scheduler.runtime.world import Tick
from scheduler.signals.source import Source

BEGIN = datetime(2026, 11, 11, 8, tzinfo=UTC)
HEAD = "apiVersion: tidegate.io/v1alpha1\n"

HOME = f"""{HEAD}kind: Cluster
metadata: {{name: home}}
spec: {{exposure: private, region: home, access: {{simulated: {{seed: 1}}}}}}
---
{HEAD}kind: NodePool
metadata: {{name: owned}}
spec:
  cluster: home
  gpu: {{type: T4, count: 4, memory: 16Gi}}
  cpu: 48
  memory: 192Gi
  contract: owned
  nodes: {{min: 2, max: 2}}
  price: 1.30 USD/h
"""
CLOUD = f"""{HEAD}kind: Cluster
metadata: {{name: cloud}}
spec: {{exposure: public, provider: aws, region: us-east-1, access: {{simulated: %s}}}}
---
{HEAD}kind: NodePool
metadata: {{name: rented}}
spec:
  cluster: cloud
  gpu: {{type: T4, count: 4, memory: 16Gi}}
  cpu: 48
  memory: 192Gi
  contract: on-demand
  nodes: {{max: 6}}
  price: 3.912 USD/h
  boot: 4m
---
{HEAD}kind: NodePool
metadata: {{name: spot}}
spec:
  cluster: cloud
  gpu: {{type: T4, count: 4, memory: 16Gi}}
  cpu: 48
  memory: 192Gi
  contract: spot
  nodes: {{max: 6}}
  price: 1.40 USD/h
  boot: 4m
"""
SEARCH = f"""{HEAD}kind: InferenceService
metadata: {{name: search}}
spec:
  priority: high
  replica: {{gpus: 1, gpuMemory: 10Gi, cpu: 8, memory: 24Gi}}
  replicas: {{min: 1, max: 40}}
  objective: {{quantile: p95, latency: 60ms}}
  speed:
    T4: {{base: 18.1ms, queue: 1.4ms, limit: 619/s}}
"""
SIGNALS = f"""{HEAD}kind: SignalSource
metadata: {{name: recorded}}
spec: {{csv: {{path: load.csv}}}}
"""

Hearing = Callable[[Tick], None]


def a_shop(folder: Path, rps: Iterable[float], *, weather: str = "{seed: 2}", **more: str) -> Path:
    """Two owned nodes, a cloud of two pools, one service; its load each ten minutes from 08:00 on.

    One node carries about 1,900 requests a second. `more` are documents by name of their file.
    """
    texts = {"home": HOME, "cloud": CLOUD % weather, "search": SEARCH, "signals": SIGNALS, **more}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    rows = ["time,signal,subject,value"]
    rows += [f"{_iso(index)},load_rps,search,{value:g}" for index, value in enumerate(rps)]
    (folder / "load.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def a_policy(folder: Path, spec: str) -> None:
    """Write, or write anew, the Policy document."""
    text = f"{HEAD}kind: Policy\nmetadata: {{name: shop}}\nspec: {spec}\n"
    (folder / "policy.yaml").write_text(text, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Played:
    """A story that has been played."""

    run: SimulatedRun
    ticks: list[Tick] = field(default_factory=list)
    events: list[SiteEvent] = field(default_factory=list)

    def after(self, minutes: float) -> list[Tick]:
        """The ticks from so many minutes after the day's begin on."""
        begin = self.run.world.day.begin + 60.0 * minutes
        return [tick for tick in self.ticks if tick.snapshot.now >= begin]

    def receipts(self, *kinds: type[Action]) -> list[tuple[Tick, Receipt]]:
        """What became of all actions of these kinds, with their ticks."""
        return [
            (tick, receipt)
            for tick in self.ticks
            for receipt in tick.receipts
            if isinstance(receipt.action, kinds)
        ]


def play(
    folder: Path,
    *,
    hours: float | None = None,
    hearing: Callable[[Played], Hearing] = lambda _: lambda _: None,
    around: Callable[[Adapter, SimulatedRun], Adapter] = lambda adapter, _: adapter,
    source: Callable[[Source, SimulatedRun], Source] = lambda source, _: source,
    journal: Path | None = None,
) -> Played:
    """The real daemon over the folder's documents, up to the end of its signals or of `hours`.

    Changed files are seen at the next tick. `hearing` hears each tick, and may change files;
    `around` may wrap the adapter of a site, `source` the readings.
    """
    declared = load_documents([folder]).declared
    assert declared is not None
    signals: Sequence[Series] = asyncio.run(recorded_signals(declared))
    run = SimulatedRun(declared, signals, day_of(signals, hours), [folder])
    adapters = [around(adapter, run) for adapter in run.world.adapters()]
    loader = Loader(adapters, (source(run.world.readings, run),), run.clock)
    run.documents = Documents([folder], loader, run.status, lambda: 0.0, look_every_s=0.0)
    played = Played(run=run)
    hear = hearing(played)

    def heard(tick: Tick) -> None:
        played.ticks.append(tick)
        hear(tick)

    record = Recorder(journal, run.status) if journal else None
    daemon = run.daemon(heard=heard, happened=played.events.extend, record=record)
    asyncio.run(daemon.run())
    assert run.status.tick_failures == 0, run.status.last_failure
    assert run.status.journal_failures == 0, run.status.journal_fault
    return played


def minutes_of(tick: Tick) -> float:
    """Minutes after the day's begin."""
    return (tick.snapshot.now - BEGIN.timestamp()) / 60.0


def at(minutes: float) -> Instant:
    """The instant so many minutes after the day's begin."""
    return Instant(BEGIN.timestamp() + 60.0 * minutes)


def _iso(step: int) -> str:
    return (BEGIN + timedelta(minutes=10 * step)).strftime("%Y-%m-%dT%H:%M:%SZ")
