"""The picture of a day: load, latency, nodes by pool and USD/h, one below the other."""

import textwrap
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scheduler.render.day import Day, Values
from scheduler.render.figures import count
from scheduler.render.palette import BASELINES, DASHES, OURS, SERVICES, fills, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES = (14.0, 11.5)
DOTS_PER_INCH = 100
LONGEST_NAME = 28
LONGEST_LEGEND = 12
LEAST_RATIO, MOST_RATIO = 0.1, 20.0
INK = "#222222"
SECONDS_PER_DAY = 86400.0
"""The drawing library counts dates in days since 1970 UTC."""
RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "tidegate",
    "text.parse_math": False,
}


class PictureUnavailableError(RuntimeError):
    """The library that draws is not installed."""


def draw_day(day: Day, path: Path) -> None:
    """Draw the day as PNG or SVG, by the path's suffix; equal days give equal files.

    Raises PictureUnavailableError without matplotlib, ValueError for another suffix, OSError
    where the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in {"png", "svg"}:
        raise ValueError(f"{path.name}: a picture is .png or .svg; give the path one of these")
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PictureUnavailableError(
            "drawing the day needs matplotlib: pip install 'tidegate[plots]'"
        ) from error
    with mpl.rc_context(RC):
        figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        _draw(figure, day)
        stamp = {"Date": None} if kind == "svg" else {"Software": "tidegate"}
        with warnings.catch_warnings():
            # A name in a script that the font lacks is drawn as boxes: no reason to complain twice.
            warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
            figure.savefig(path, format=kind, metadata=stamp)


def _draw(figure: "Figure", day: Day) -> None:
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 0.9, 1.25, 1.0))
    figure.subplots_adjust(left=0.075, right=0.79, top=0.93, bottom=0.055, hspace=0.24)
    figure.suptitle(day.title, x=0.075, y=0.982, ha="left", fontsize=15, weight="bold", color=INK)
    times = _array(day.times) / SECONDS_PER_DAY
    _load(panels[0], day, times)
    _latency(panels[1], day, times)
    _nodes(panels[2], day, times)
    _spend(panels[3], day, times)
    for panel in panels:
        _legend(panel)
    _time_axis(panels[-1], day, times)


def _load(panel: "Axes", day: Day, times: NDArray[np.float64]) -> None:
    _title(panel, "Load", "requests/s")
    for place, service in enumerate(day.services):
        panel.plot(times, _array(service.rps), label=_short(service.name), **_line(place))
    panel.set_ylim(bottom=0.0)
    _thousands(panel)


def _latency(panel: "Axes", day: Day, times: NDArray[np.float64]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    _title(panel, "Latency, as a share of the objective", "times objective")
    panel.axhline(1.0, color="#B00020", linewidth=1.4, label="objective")
    highest = 1.0
    for place, service in enumerate(day.services):
        # What lies beyond the scale is drawn along its edge rather than left out.
        ratio = np.clip(_array(service.latency_ratio), LEAST_RATIO, MOST_RATIO)
        highest = max(highest, float(np.nanmax(ratio, initial=1.0)))
        panel.plot(times, ratio, label=_short(service.name), **_line(place))
    top = max(2.0, highest * 1.1)
    panel.set_yscale("log")
    panel.set_ylim(LEAST_RATIO * 0.95, top)
    panel.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.axhspan(1.0, top, color="#B00020", alpha=0.06, linewidth=0.0)


def _nodes(panel: "Axes", day: Day, times: NDArray[np.float64]) -> None:
    from matplotlib.ticker import MaxNLocator

    _title(panel, "Nodes by pool", "nodes")
    pools = [pool for pool in stacked(day.pools) if np.any(_known(pool.nodes) > 0.0)]
    below = np.zeros(len(times))
    for pool, fill in zip(pools, fills(pools), strict=True):
        above = below + _known(pool.nodes)
        panel.fill_between(
            times,
            below,
            above,
            step="post",
            facecolor=fill.colour,
            edgecolor="#8A4B00" if fill.hatch else "white",
            hatch=fill.hatch,
            linewidth=0.4,
            label=_short(f"{pool.name}"),
        )
        below = above
    panel.set_ylim(0.0, max(1.0, float(below.max(initial=0.0)) * 1.08))
    panel.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _spend(panel: "Axes", day: Day, times: NDArray[np.float64]) -> None:
    _title(panel, "Cost, mean of half an hour", "USD/h")
    for place, spend in enumerate(day.baselines):
        style: dict[str, Any] = {
            "color": BASELINES[place % len(BASELINES)],
            "linestyle": DASHES[1 + place % 2],
        }
        panel.step(
            times,
            _array(spend.usd_per_hour),
            where="post",
            label=_short(spend.name, lines=2),
            lw=1.5,
            **style,
        )
    ours = _array(day.ours.usd_per_hour)
    panel.step(times, ours, where="post", color=OURS, lw=2.4, label=_short(day.ours.name))
    panel.fill_between(times, 0.0, _known(ours), step="post", color=OURS, alpha=0.10, linewidth=0)
    panel.set_ylim(bottom=0.0)
    _thousands(panel)


def _title(panel: "Axes", title: str, unit: str) -> None:
    panel.set_title(title, loc="left", fontsize=12, color=INK, pad=6)
    panel.set_ylabel(unit)
    panel.set_axisbelow(True)


def _legend(panel: "Axes") -> None:
    """Outside, on the right, in the order in which the areas lie from top to bottom."""
    from matplotlib.lines import Line2D

    handles, labels = panel.get_legend_handles_labels()
    if not handles:
        return
    if panel.get_ylabel() in {"nodes", "USD/h"}:
        handles, labels = handles[::-1], labels[::-1]
    if len(labels) > LONGEST_LEGEND:
        more = len(labels) - LONGEST_LEGEND + 1
        handles = [*handles[: LONGEST_LEGEND - 1], Line2D([], [], linestyle="none")]
        labels = [*labels[: LONGEST_LEGEND - 1], f"and {more} more"]
    panel.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.03),
        fontsize=10 if len(labels) <= 9 else 8,
        handlelength=2.2,
    )


def _time_axis(panel: "Axes", day: Day, times: NDArray[np.float64]) -> None:
    from matplotlib import dates

    # Its date module is the part of the library without types.
    untyped: Any = dates
    panel.set_xlim(float(times[0]), float(times[-1]))
    panel.xaxis.set_major_locator(untyped.AutoDateLocator(tz=day.zone, minticks=6, maxticks=14))
    panel.xaxis.set_major_formatter(untyped.DateFormatter("%H:%M", tz=day.zone))
    first = datetime.fromtimestamp(float(day.times[0]), day.zone)
    panel.set_xlabel(f"time of day ({first.tzname()})")


def _thousands(panel: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter

    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))


def _line(place: int) -> dict[str, Any]:
    """Colours first; with more services than colours, dashes too."""
    dash = DASHES[(place // len(SERVICES)) % len(DASHES)]
    return {"color": SERVICES[place % len(SERVICES)], "linestyle": dash, "linewidth": 1.8}


def _array(values: Values) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _known(values: Values) -> NDArray[np.float64]:
    return np.nan_to_num(_array(values), nan=0.0, posinf=0.0, neginf=0.0)


def _short(name: str, lines: int = 1) -> str:
    # A leading underscore would hide the line from the legend.
    parts = textwrap.wrap(name.lstrip("_"), LONGEST_NAME, max_lines=lines, placeholder="…")
    return "\n".join(parts) or "-"
