"""The journal gives every tick back as it was, and its troubles never stop the loop."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.domain.settings import LoopSettings, QuietHours
from scheduler.runtime.codec import plan_json
from scheduler.runtime.journal import Journal, JournalError, NoSuchTickError
from scheduler.runtime.loop import tick
from scheduler.runtime.recorder import Recorder
from scheduler.runtime.status import Status
from scheduler.runtime.world import Tick

from .worlds import (
    FixedSource,
    a_fleet,
    a_node,
    a_pool,
    a_series,
    a_service,
    a_site,
    a_standing,
    a_world,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal.open(path)
    yield journal
    journal.close()


@pytest.fixture
async def done() -> Tick:
    fleet = a_fleet(services=(a_service(), a_service("ads")))
    standing = a_standing(
        a_site("dc", a_node("p-0")), sources=[FixedSource(series=(a_series(),))], fleet=fleet
    )
    hours = QuietHours(start_minute=1350, end_minute=360, time_zone="Asia/Shanghai")
    guarded = replace(standing.loop.guard, quiet_hours=(hours,))
    return await tick(a_world(replace(standing, loop=replace(standing.loop, guard=guarded))), None)


def test_a_recorded_tick_is_read_back_whole(journal: Journal, done: Tick) -> None:
    journal.record(done)
    read = journal.read(1)
    assert read.snapshot == done.snapshot
    assert read.demand == done.demand
    assert read.loop == done.loop
    assert read.policy_uses == done.policy_uses
    assert read.plan_json == plan_json(done.plan)
    assert (read.allowed, read.held) == (done.guarded.allowed, done.guarded.held)
    assert read.receipts == done.receipts
    assert read.seconds == pytest.approx(done.seconds)


def test_a_fleet_and_its_settings_are_stored_once(journal: Journal, path: Path, done: Tick) -> None:
    for number in (1, 2, 3):
        journal.record(replace(done, number=number))
    journal.record(replace(done, number=4, loop=LoopSettings(every_s=5.0)))
    assert counted(path) == {"fleets": 1, "settings": 2, "ticks": 4}


def test_a_changed_fleet_is_stored_beside_the_old(journal: Journal, done: Tick) -> None:
    grown = replace(done.snapshot, fleet=a_fleet([a_pool(most=9)]))
    journal.record(done)
    journal.record(replace(done, number=2, snapshot=grown))
    assert journal.read(1).snapshot == done.snapshot
    assert journal.read(2).snapshot == grown


def test_the_last_tick_is_known_after_a_restart(path: Path, done: Tick) -> None:
    first = Journal.open(path)
    assert first.last() == 0
    first.record(replace(done, number=7))
    first.close()
    second = Journal.open(path)
    assert second.last() == 7
    second.close()


def test_pruning_keeps_the_newest_and_what_they_use(
    journal: Journal, path: Path, done: Tick
) -> None:
    small = replace(done.snapshot, fleet=a_fleet())
    journal.record(replace(done, snapshot=small))
    for number in (2, 3, 4):
        journal.record(replace(done, number=number))
    assert journal.prune(keep=2) == 2
    assert counted(path) == {"fleets": 1, "settings": 1, "ticks": 2}
    journal.record(replace(done, number=5, snapshot=small))
    assert journal.read(5).snapshot == small


def test_a_tick_that_is_not_there_is_answered_with_those_that_are(
    journal: Journal, done: Tick
) -> None:
    with pytest.raises(NoSuchTickError, match="holds no tick yet"):
        journal.read(3)
    journal.record(done)
    with pytest.raises(NoSuchTickError, match="holds ticks 1 to 1, not 3"):
        journal.read(3)


def test_a_file_that_is_no_journal_is_refused_with_the_remedy(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(JournalError, match="move the file away"):
        Journal.open(path)


def test_a_journal_of_another_format_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="has format 99"):
        Journal.open(path)


def test_a_damaged_row_is_no_traceback(journal: Journal, path: Path, done: Tick) -> None:
    journal.record(done)
    db = sqlite3.connect(path)
    db.execute("UPDATE ticks SET snapshot = x'00'")
    db.commit()
    db.close()
    with pytest.raises(JournalError, match="tick 1 was written by another version"):
        journal.read(1)


class TestRecorder:
    """Writing happens beside the loop; trouble is counted and said."""

    async def test_ticks_are_on_disk_when_it_is_closed(self, path: Path, done: Tick) -> None:
        status = Status()
        recorder = Recorder(path, status)
        await recorder.record(done)
        await recorder.record(replace(done, number=2))
        await recorder.close()
        assert Recorder(path, status).last() == 2
        assert status.journal_fault == ""

    async def test_a_missing_folder_is_said_and_the_loop_goes_on(
        self, tmp_path: Path, done: Tick
    ) -> None:
        status = Status()
        recorder = Recorder(tmp_path / "none" / "journal.db", status)
        assert recorder.last() == 0
        await recorder.record(done)
        await recorder.close()
        assert status.journal_failures == 2
        assert "check that the folder exists" in status.journal_fault

    async def test_a_full_disk_is_counted_and_the_next_tick_is_kept(
        self, path: Path, done: Tick
    ) -> None:
        status = Status()
        recorder = Recorder(path, status)
        Journal.open(path).close()
        filled = sqlite3.connect(path)
        filled.execute(
            "CREATE TRIGGER full BEFORE INSERT ON ticks BEGIN"
            " SELECT raise(ABORT, 'database or disk is full'); END"
        )
        await recorder.record(done)
        await recorder.record(replace(done, number=2))
        assert status.journal_failures == 1
        assert "free some space" in status.journal_fault
        await recorder.close()
        filled.execute("DROP TRIGGER full")
        filled.close()
        again = Recorder(path, status)
        await again.record(replace(done, number=4))
        await again.close()
        assert status.journal_fault == ""
        assert Recorder(path, status).last() == 4

    async def test_a_corrupt_journal_moved_away_is_begun_anew(self, path: Path, done: Tick) -> None:
        path.write_bytes(b"garbage" * 300)
        status = Status()
        recorder = Recorder(path, status)
        await recorder.record(done)
        await recorder.record(replace(done, number=2))
        assert "move the file away" in status.journal_fault
        path.unlink()
        await recorder.record(replace(done, number=3))
        await recorder.record(replace(done, number=4))
        await recorder.close()
        assert status.journal_fault == ""
        assert Recorder(path, status).last() == 4


def counted(path: Path) -> dict[str, int]:
    db = sqlite3.connect(path)
    tables = ("fleets", "settings", "ticks")
    try:
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
    finally:
        db.close()
