"""`tidegate run` over a simulated day: progress, story, summary, picture."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from adapters.simulated import SiteEvent
from scheduler.app.live import Doors, recorder, run_daemon
from scheduler.app.result import picture_of, row_of
from scheduler.app.simulated import (
    NotSimulatedError,
    Outcome,
    SimulatedRun,
    baselines_beside,
    day_of,
    recorded_signals,
)
from scheduler.cli.common import colour, fail, width
from scheduler.cli.told import Teller
from scheduler.config import Declared
from scheduler.domain.readings import Series
from scheduler.render.paper import Output
from scheduler.render.picture import PictureUnavailableError, draw_day
from scheduler.render.progress import DayProgress
from scheduler.render.summary import render_summary
from scheduler.signals import SourceError
from scheduler.simulation.world import Day


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is to be seen of the day."""

    hours: float | None
    picture: Path | None
    baselines: bool
    output: str


def play_day(declared: Declared, paths: Sequence[Path], doors: Doors, shown: Shown) -> None:
    """Play the recorded day under the daemon, and tell it."""
    try:
        signals = asyncio.run(recorded_signals(declared))
        day = day_of(signals, shown.hours)
    except (SourceError, NotSimulatedError) as error:
        fail(str(error))
    with ExitStack() as stack:
        wait: Callable[[], list[Outcome]] = list
        if shown.baselines:
            wait = stack.enter_context(baselines_beside(paths, signals, day))
        start = time.monotonic()
        ours = _run(declared, paths, doors, shown, signals, day)
        seconds = time.monotonic() - start
        others = wait()
    _report(declared, ours, others, shown, seconds)


def _run(
    declared: Declared,
    paths: Sequence[Path],
    doors: Doors,
    shown: Shown,
    signals: Sequence[Series],
    day: Day,
) -> Outcome:
    simulated = SimulatedRun(declared, signals, day, paths)
    world = simulated.world
    with DayProgress(day.begin, day.end, colour=colour(sys.stderr)) as progress:
        say = progress.say if shown.output == Output.TABLE else _unsaid
        teller = Teller(say=say, width=width(), colour=colour())

        def happened(events: Sequence[SiteEvent]) -> None:
            teller.happened(events)
            progress.update(world.now(), world.usd())

        daemon = simulated.daemon(
            heard=teller.heard, happened=happened, record=recorder(doors, simulated.status)
        )
        asyncio.run(run_daemon(daemon, simulated.status, simulated.metrics, doors))
    if simulated.status.tick_failures:
        fail(f"{simulated.status.tick_failures} ticks failed: {simulated.status.last_failure}")
    return simulated.outcome()


def _unsaid(line: str) -> None:
    """Machines read the summary, not the story."""
    del line


def _report(
    declared: Declared, ours: Outcome, others: Sequence[Outcome], shown: Shown, seconds: float
) -> None:
    text = render_summary(
        row_of(ours),
        [row_of(item) for item in others],
        output=Output(shown.output),
        width=width(),
        colour=colour(),
    )
    if shown.output == Output.TABLE:
        click.echo()
    click.echo(text)
    history = ours.history
    played = len(history.times) * history.step_s
    click.echo(
        f"{played / 3600:.0f} h in {seconds:.0f} s: {played / max(seconds, 1e-9):,.0f} times "
        "faster than real time",
        err=True,
    )
    if shown.picture is not None:
        _draw(declared, ours, others, shown.picture)


def _draw(declared: Declared, ours: Outcome, others: Sequence[Outcome], picture: Path) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    try:
        draw_day(picture_of(declared.fleet, ours, others, "A simulated day"), picture)
    except PictureUnavailableError as error:
        fail(str(error))
    click.echo(f"picture of the day: {picture}", err=True)
