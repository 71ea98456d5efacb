"""The program as a process: how fast it answers, how much memory it keeps, how fast a day goes."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from tests.bench.figures import Asked, Figure

PROGRAM = str(Path(sys.executable).with_name("tidegate"))
PLAN_RUNS = 5
MIB = 2.0**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    """The most memory that was resident."""
    last_mib: float
    told: str
    """What it wrote to stderr."""


def plan_process(asked: Asked) -> Iterator[Figure]:
    """`tidegate plan` on the example, from its start to its end."""
    runs = [_ended("plan", "-f", str(asked.example)) for _ in range(PLAN_RUNS)]
    yield Figure(
        name="plan_process",
        measured=median(run.wall_s for run in runs),
        bound=1.5,
        unit="s",
        runs=len(runs),
        details={
            "cpu": f"{median(run.cpu_s for run in runs):.2f} s",
            "best": f"{min(run.wall_s for run in runs):.2f} s",
            "peak": f"{max(run.peak_mib for run in runs):.0f} MB",
            "start alone": f"{_ended('version').wall_s:.2f} s",
        },
    )


def daemon_memory(asked: Asked) -> Iterator[Figure]:
    """The daemon over the example's day, with journal and pages."""
    run, journal_mib = _day(asked)
    yield Figure(
        name="daemon_memory",
        measured=run.peak_mib,
        bound=150.0,
        unit="MB",
        runs=1,
        details={
            "at the end": f"{run.last_mib:.0f} MB",
            "cpu": f"{run.cpu_s:.1f} s",
            "journal": f"{journal_mib:.1f} MB",
        },
    )


def day_speed(asked: Asked) -> Iterator[Figure]:
    """The simulated day alone: no baselines beside it, no journal."""
    run = _ended("run", "-f", str(asked.example), "--no-baselines")
    yield Figure(
        name="day_speed",
        measured=_times_faster(run.told),
        bound=1000.0,
        unit="x real time",
        runs=1,
        at_least=True,
        details={"wall": f"{run.wall_s:.1f} s", "cpu": f"{run.cpu_s:.1f} s"},
    )


def _day(asked: Asked) -> tuple[Ended, float]:
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "day.db"
        options = ("--no-baselines", "--journal", str(journal), "--port", "0")
        run = _ended("run", "-f", str(asked.example), *options)
        return run, journal.stat().st_size / MIB


def _times_faster(told: str) -> float:
    """What the run says of itself: start-up and loading are not part of the day."""
    found = re.search(r"([\d,]+) times faster than real time", told)
    if found is None:
        raise ValueError(f"the run did not say how fast it was: {told[-200:]!r}")
    return float(found.group(1).replace(",", ""))


def _ended(*arguments: str) -> Ended:
    """Run the program to its end and look at its memory meanwhile. Raises if it fails."""
    start = time.perf_counter()
    process = psutil.Popen(
        [PROGRAM, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watched = psutil.Process(process.pid)
    peak = last = cpu_s = 0.0
    told = ""
    while True:
        try:
            told += process.communicate(timeout=0.05)[1]
            break
        except subprocess.TimeoutExpired:
            pass
        try:
            resident, times = watched.memory_info().rss / MIB, watched.cpu_times()
        except psutil.Error:
            continue
        # A process that is on its way out has given its memory back already.
        last = resident or last
        peak, cpu_s = max(peak, resident), times.user + times.system
    wall_s = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"tidegate {' '.join(arguments)} failed: {told[-500:]}")
    return Ended(wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak, last_mib=last, told=told)
