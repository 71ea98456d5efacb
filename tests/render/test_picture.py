"""The picture of the day: two forms, the same each time, and clear words where it cannot be."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scheduler.domain.places import Contract, Exposure
from scheduler.render.day import Day, PoolTrace, ServiceTrace, SpendTrace
from scheduler.render.palette import fills, stacked
from scheduler.render.picture import draw_day

HOURS = np.arange(24.0)
PEAK = 1.0 + np.sin(HOURS / 24.0 * 2.0 * np.pi)


def a_trace(name: str, exposure: Exposure, contract: Contract) -> PoolTrace:
    return PoolTrace(name=name, exposure=exposure, contract=contract, nodes=np.round(PEAK * 4.0))


POOLS = (
    a_trace("aws-g5-spot", Exposure.PUBLIC, Contract.SPOT),
    a_trace("dc-a100", Exposure.PRIVATE, Contract.OWNED),
    a_trace("ack-gn7", Exposure.PUBLIC, Contract.ON_DEMAND),
    a_trace("store-t4", Exposure.EDGE, Contract.OWNED),
)
DAY = Day(
    title="A day of $USD_h",
    times=1794355200.0 + HOURS * 3600.0,
    services=(
        ServiceTrace(name="_search", rps=PEAK * 900.0, latency_ratio=[float("nan"), *PEAK[1:]]),
        ServiceTrace(name="推荐", rps=PEAK * 9e7, latency_ratio=PEAK * 100.0),
    ),
    pools=POOLS,
    ours=SpendTrace(name="Tidegate", usd_per_hour=PEAK * 30.0),
    baselines=(SpendTrace(name="on demand at peak size", usd_per_hour=[90.0] * 24),),
)


def test_the_picture_is_1400_pixels_wide(tmp_path: Path) -> None:
    draw_day(DAY, tmp_path / "day.png")
    header = (tmp_path / "day.png").read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert int.from_bytes(header[16:20], "big") == 1400


def test_equal_days_give_equal_pictures(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw_day(DAY, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_another_form_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"day\.gif: a picture is \.png or \.svg"):
        draw_day(DAY, tmp_path / "day.gif")


def test_a_day_whose_series_do_not_fit_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="load of web has 2 values for 24 instants"):
        replace(DAY, services=(ServiceTrace(name="web", rps=[1, 2], latency_ratio=PEAK),))
    with pytest.raises(ValueError, match="at least 2 instants"):
        replace(DAY, times=[0.0])


def test_what_is_always_there_lies_at_the_bottom() -> None:
    names = [pool.name for pool in stacked(POOLS)]
    assert names == ["dc-a100", "store-t4", "ack-gn7", "aws-g5-spot"]


def test_spot_is_told_apart_without_colour() -> None:
    hatched = [bool(fill.hatch) for fill in fills(stacked(POOLS))]
    assert hatched == [False, False, False, True]


def test_reading_the_module_does_not_load_the_drawing_library() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from scheduler.render import day, picture\n"
        "assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "line = day.SpendTrace(name='a', usd_per_hour=[1, 2])\n"
        "one = day.Day(title='', times=[0, 1], services=(), pools=(), ours=line)\n"
        "try:\n"
        "    picture.draw_day(one, Path('day.png'))\n"
        "except picture.PictureUnavailableError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "drawing the day needs matplotlib: pip install 'tidegate[plots]'\n"
