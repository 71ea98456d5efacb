"""`tidegate run` over a simulated day: the story, the summary, the baselines, the picture."""

import json
from pathlib import Path

import pytest

from scheduler.app.simulated import NotSimulatedError, day_of
from scheduler.domain.names import Instant
from scheduler.domain.readings import Series, Signal
from tests.cli.program import EXAMPLES, RECORDED, tidegate


def test_the_summary_compares_with_the_three_common_ways(tmp_path: Path) -> None:
    picture = tmp_path / "out" / "day.svg"
    answer = tidegate(
        "run", "-f", RECORDED, "--hours", "0.1", "-o", "json", "--picture", str(picture)
    )
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    names = json.dumps(told)
    for name in ("everything private", "rented on demand", "reactive 60 %"):
        assert name in names, name
    assert picture.read_text(encoding="utf-8").lstrip().startswith("<?xml")
    assert "times faster than real time" in answer.stderr


def test_the_story_says_what_is_done_and_why() -> None:
    answer = tidegate("run", "-f", RECORDED, "--hours", "0.1", "--no-baselines")
    assert answer.exit_code == 0, answer.output
    assert "home-t4 0 -> " in answer.stdout
    assert "USD/h" in answer.stdout
    assert "tidegate" in answer.stdout.splitlines()[-1]
    assert "100%" in answer.stderr


def test_a_fleet_without_recorded_load_is_told_what_it_lacks() -> None:
    answer = tidegate("run", "-f", EXAMPLES / "two-tasks", "--no-baselines")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "no load is recorded" in answer.stderr


@pytest.mark.parametrize(("hours", "length_s"), [(None, 6000.0), (1.0, 3600.0), (9.0, 6000.0)])
def test_a_day_is_what_was_recorded_or_less(hours: float | None, length_s: float) -> None:
    loads = [_loads(600.0, 6000.0), _loads(0.0, 3000.0), _loads()]
    day = day_of([*loads, _loads(signal=Signal.PRICE)], hours)
    assert (day.begin, day.length_s) == (0.0, length_s)


def test_a_day_without_any_load_cannot_be() -> None:
    with pytest.raises(NotSimulatedError, match="no load is recorded"):
        day_of([_loads(1.0, signal=Signal.PRICE), _loads()], None)


def _loads(*times: float, signal: Signal = Signal.LOAD) -> Series:
    return Series(
        signal=signal,
        subject="x",
        times=tuple(map(Instant, times)),
        values=(1.0,) * len(times),
    )
