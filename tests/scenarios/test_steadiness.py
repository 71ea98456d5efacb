"""Steadiness: nothing moves without a reason, and the same seeds tell the same story."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.runtime.journal import Journal
from tests.scenarios.stage import SEARCH, a_shop, play


def test_a_steady_load_causes_no_action_once_it_has_settled(tmp_path: Path) -> None:
    # Two hours: half of one to find its feet, before the day begins, and ninety minutes of it.
    folder = a_shop(tmp_path, [1500.0] * 10, other=SEARCH.replace("search", "suggest"))
    with (folder / "load.csv").open("a", encoding="utf-8") as table:
        table.writelines(
            f"2026-11-11T{8 + step // 6:02}:{step % 6}0:00Z,load_rps,suggest,1180\n"
            for step in range(10)
        )
    played = play(folder)
    settled = played.after(0.0)
    assert len(settled) == 91
    assert [action for tick in settled for action in tick.guarded.allowed] == []
    assert [held for tick in settled for held in tick.guarded.held] == []
    assert played.run.outcome().summary.attainment > 0.999


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A folder, and the journals of two equal runs over it."""
    folder = a_shop(tmp_path_factory.mktemp("shop"), (1500, 6000))
    first, second = folder / "first.db", folder / "second.db"
    for journal in (first, second):
        play(folder, journal=journal)
    return folder, first, second


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        columns = "tick, now, fleet, settings, snapshot, demand, plan, allowed, held, receipts"
        return list(db.execute(f"SELECT {columns} FROM ticks ORDER BY tick"))


def test_equal_seeds_give_equal_journals(twice: tuple[Path, Path, Path]) -> None:
    _, first, second = twice
    one, other = _rows(first), _rows(second)
    assert len(one) == len(other) == 41
    for row, twin in zip(one, other, strict=True):
        assert row == twin, f"tick {row[0]}"


def test_a_daemon_that_starts_again_counts_on_from_its_journal(
    twice: tuple[Path, Path, Path],
) -> None:
    folder, journal, _ = twice
    ticks = play(folder, hours=0.05, journal=journal).ticks
    assert ticks[0].number == 42
    with closing(Journal.open(journal)) as opened:
        assert opened.last() == ticks[-1].number
        assert opened.read(1).tick == 1
