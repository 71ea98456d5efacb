"""The progress of a simulated day: a bar on a terminal, a plain line each tenth anywhere else."""

import sys
from datetime import UTC, tzinfo
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from scheduler.domain.names import Instant
from scheduler.render.figures import clock, money

STEPS = 1000
"""The bar is drawn anew at each thousandth: enough for the eye, and cheap."""
PLAIN_STEPS = 10


class DayProgress:
    """A bar on `stream` from `start` to `end`; lines told meanwhile appear above it, on `out`."""

    def __init__(
        self,
        start: Instant,
        end: Instant,
        *,
        stream: TextIO | None = None,
        out: TextIO | None = None,
        colour: bool = True,
        zone: tzinfo = UTC,
    ) -> None:
        self._start, self._length = start, max(end - start, 1.0)
        self._stream = stream if stream is not None else sys.stderr
        self._out = out if out is not None else sys.stdout
        self._zone = zone
        self._drawn = 0
        self._console = Console(
            file=self._stream,
            force_terminal=self._stream.isatty(),
            no_color=not colour,
            highlight=False,
        )
        live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._bar = _bar(self._console) if live else None
        self._task = self._bar.add_task("", total=STEPS, clock="", usd="") if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.refresh()
            self._bar.stop()

    def update(self, now: Instant, usd: float) -> None:
        """The day has come to `now` and has cost `usd` so far."""
        share = min(max((now - self._start) / self._length, 0.0), 1.0)
        steps = STEPS if self._bar else PLAIN_STEPS
        reached = int(share * steps + 1e-9)
        if reached <= self._drawn:
            return
        self._drawn = reached
        if self._bar is None or self._task is None:
            words = f"{share:4.0%}  {clock(now, self._zone)}  {money(usd)} USD so far"
            print(words, file=self._stream, flush=True)
            return
        self._bar.update(
            self._task, completed=reached, clock=clock(now, self._zone), usd=f"{money(usd)} USD"
        )
        self._bar.refresh()

    def say(self, line: str) -> None:
        """Print a line to `out`: above the bar where both are on the terminal."""
        if self._bar and self._out.isatty():
            self._console.print(Text.from_ansi(line), soft_wrap=True)
        else:
            print(line, file=self._out, flush=True)


def _bar(console: Console) -> Progress:
    # Without the library's own thread: the bar moves when the simulated day does.
    return Progress(
        TextColumn("{task.percentage:>3.0f} %"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[clock]}"),
        TextColumn("{task.fields[usd]}"),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
        expand=True,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
