"""Figures: what was measured, against which bound, and how they are told."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the caller of the benches may choose."""

    example: Path
    """The documents that the process benches run on."""
    seed: int
    inputs: tuple[Path, ...] = ()
    """Files of the bench's own format; its recorded data where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The median of some runs, and the bound that it should keep."""

    name: str
    measured: float
    bound: float
    unit: str
    runs: int
    at_least: bool = False
    """The bound is a floor; else it is a ceiling."""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`ok` or `missed`."""
        within = self.measured >= self.bound if self.at_least else self.measured <= self.bound
        return "ok" if within else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """The median wall and CPU seconds of some runs of one call."""

    wall_s: float
    cpu_s: float
    runs: int


def timed(call: Callable[[], object], runs: int) -> Timed:
    """Call it once unwatched, then `runs` times."""
    call()
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Timed(wall_s=median(walls), cpu_s=median(cpus), runs=runs)


def as_table(figures: Iterable[Figure]) -> str:
    """Aligned columns, the details below each line."""
    head = ("name", "measured", "bound", "unit", "runs", "")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_line(row, widths) for row in rows]
    for at, figure in reversed(list(enumerate(figures, start=1))):
        told = ", ".join(f"{key} {value}" for key, value in figure.details.items())
        if told:
            lines.insert(at + 1, f"  {told}")
    return "\n".join(lines)


def as_json(figures: Iterable[Figure]) -> str:
    """A list of objects, one a figure."""
    rows = [
        {**asdict(figure), "details": dict(figure.details), "verdict": figure.verdict}
        for figure in figures
    ]
    return json.dumps(rows, indent=2)


def _row(figure: Figure) -> tuple[str, ...]:
    sign = ">=" if figure.at_least else "<="
    return (
        figure.name,
        f"{figure.measured:,.4g}" if figure.measured < 1000 else f"{figure.measured:,.0f}",
        f"{sign} {figure.bound:,g}",
        figure.unit,
        str(figure.runs),
        figure.verdict,
    )


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.rjust(width) if column == 1 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
