"""The journal: every tick in SQLite, complete enough to compute it again."""

import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from scheduler.domain.actions import Action, Held, Receipt
from scheduler.domain.demand import Demand
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import Instant
from scheduler.domain.settings import LoopSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.runtime.codec import (
    actions_json,
    canonical_json,
    digest,
    held_json,
    pack,
    plan_json,
    read_actions,
    read_held,
    read_receipts,
    receipts_json,
    unpack,
)
from scheduler.runtime.world import Tick

VERSION = 1
SCHEMA = """
CREATE TABLE fleets (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (
    digest TEXT PRIMARY KEY, policy_uses TEXT NOT NULL, loop BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE ticks (
    tick INTEGER PRIMARY KEY, now REAL NOT NULL,
    fleet TEXT NOT NULL REFERENCES fleets, settings TEXT NOT NULL REFERENCES settings,
    snapshot BLOB NOT NULL, demand BLOB NOT NULL, plan BLOB NOT NULL,
    allowed TEXT NOT NULL, held TEXT NOT NULL, receipts TEXT NOT NULL, seconds TEXT NOT NULL);
"""
NO_FLEET = Fleet()


class JournalError(Exception):
    """The journal cannot be opened, written or read; says what to do about it."""


class NoSuchTickError(JournalError):
    """The journal holds no such tick; says which it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One tick as it was."""

    tick: int
    now: Instant
    snapshot: Snapshot
    policy_uses: str
    loop: LoopSettings
    demand: Demand
    plan_json: bytes
    allowed: tuple[Action, ...]
    held: tuple[Held, ...]
    receipts: tuple[Receipt, ...]
    seconds: Mapping[str, float]


class Journal:
    """An open journal. One writer; readers in other processes do not disturb it."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._fleet: tuple[Fleet, str] = (NO_FLEET, "")
        self._settings: tuple[tuple[str, LoopSettings], str] = (("", LoopSettings()), "")

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """Open, or begin, the journal at `path`. Raises JournalError."""
        try:
            # Used by one thread at a time, but not always by the thread that opened it.
            db = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise JournalError(f"{path}: {error}: check that the folder exists") from error
        try:
            _prepare(db, path)
        except (sqlite3.Error, JournalError) as error:
            db.close()
            if isinstance(error, JournalError):
                raise
            raise JournalError(_advice(path, error)) from error
        return cls(db, path)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def record(self, tick: Tick) -> None:
        """Keep one tick; a tick of that number recorded before is replaced."""
        row = (
            tick.number,
            tick.snapshot.now,
            self._fleet_digest(tick.snapshot.fleet),
            self._settings_digest(tick.policy_uses, tick.loop),
            pack(replace(tick.snapshot, fleet=NO_FLEET)),
            pack(tick.demand),
            zlib.compress(plan_json(tick.plan), 1),
            actions_json(tick.guarded.allowed).decode(),
            held_json(tick.guarded.held).decode(),
            receipts_json(tick.receipts).decode(),
            canonical_json(tick.seconds).decode(),
        )
        try:
            self._db.execute("INSERT OR REPLACE INTO ticks VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
        except sqlite3.Error as error:
            raise JournalError(_advice(self._path, error)) from error

    def read(self, tick: int) -> Recorded:
        """One tick again. Raises NoSuchTickError or JournalError."""
        row = self._row(
            "SELECT t.*, f.body, s.policy_uses, s.loop FROM ticks t"
            " JOIN fleets f ON f.digest = t.fleet JOIN settings s ON s.digest = t.settings"
            " WHERE t.tick = ?",
            tick,
        )
        if row is None:
            raise NoSuchTickError(self._no_such(tick))
        try:
            return _recorded(row)
        except (zlib.error, msgspec.MsgspecError, KeyError) as error:
            why = f"{self._path}: tick {tick} was written by another version ({error})"
            raise JournalError(f"{why}: replay it with that version") from error

    def last(self) -> int:
        """The number of the newest tick, 0 where there is none."""
        row = self._row("SELECT max(tick) AS newest FROM ticks")
        return row["newest"] or 0 if row else 0

    def prune(self, keep: int) -> int:
        """Forget all but the newest `keep` ticks, and what only they used. Returns how many."""
        try:
            gone = self._db.execute("DELETE FROM ticks WHERE tick <= ?", (self.last() - keep,))
            self._db.execute("DELETE FROM fleets WHERE digest NOT IN (SELECT fleet FROM ticks)")
            self._db.execute(
                "DELETE FROM settings WHERE digest NOT IN (SELECT settings FROM ticks)"
            )
        except sqlite3.Error as error:
            raise JournalError(_advice(self._path, error)) from error
        self._fleet, self._settings = (NO_FLEET, ""), (("", LoopSettings()), "")
        return gone.rowcount

    def _row(self, query: str, *values: object) -> sqlite3.Row | None:
        try:
            with closing(self._db.cursor()) as cursor:
                cursor.row_factory = sqlite3.Row
                found: sqlite3.Row | None = cursor.execute(query, values).fetchone()
                return found
        except sqlite3.Error as error:
            raise JournalError(_advice(self._path, error)) from error

    def _no_such(self, tick: int) -> str:
        row = self._row("SELECT min(tick) AS oldest, max(tick) AS newest FROM ticks")
        if row is None or row["newest"] is None:
            return f"{self._path} holds no tick yet"
        return f"{self._path} holds ticks {row['oldest']} to {row['newest']}, not {tick}"

    def _fleet_digest(self, fleet: Fleet) -> str:
        # The same object tick after tick: its digest is computed when the documents change.
        if self._fleet[0] is not fleet or not self._fleet[1]:
            key = digest(fleet)
            self._keep("INSERT OR IGNORE INTO fleets VALUES (?,?)", key, pack(fleet))
            self._fleet = (fleet, key)
        return self._fleet[1]

    def _settings_digest(self, policy_uses: str, loop: LoopSettings) -> str:
        if self._settings[0] != (policy_uses, loop) or not self._settings[1]:
            key = digest((policy_uses, loop))
            self._keep(
                "INSERT OR IGNORE INTO settings VALUES (?,?,?)", key, policy_uses, pack(loop)
            )
            self._settings = ((policy_uses, loop), key)
        return self._settings[1]

    def _keep(self, statement: str, *values: object) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalError(_advice(self._path, error)) from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise JournalError(f"{path} has format {version}, this is {VERSION}: give another path")
    db.execute("PRAGMA journal_mode = WAL")
    # A power cut may lose the last ticks, never the file: the journal is evidence, not memory.
    db.execute("PRAGMA synchronous = NORMAL")
    if version == 0:
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")


def _advice(path: Path, error: sqlite3.Error) -> str:
    words = str(error)
    if "not a database" in words or "malformed" in words:
        return f"{path}: {words}: move the file away, a new one is begun"
    if "full" in words:
        return f"{path}: {words}: free some space, or keep fewer ticks"
    if "locked" in words:
        return f"{path}: {words}: another daemon writes here, give each its own journal"
    return f"{path}: {words}: check that the folder exists and may be written to"


def _recorded(row: sqlite3.Row) -> Recorded:
    snapshot = unpack(row["snapshot"], Snapshot)
    return Recorded(
        tick=row["tick"],
        now=Instant(row["now"]),
        snapshot=replace(snapshot, fleet=unpack(row["body"], Fleet)),
        policy_uses=row["policy_uses"],
        loop=unpack(row["loop"], LoopSettings),
        demand=unpack(row["demand"], Demand),
        plan_json=zlib.decompress(row["plan"]),
        allowed=read_actions(row["allowed"].encode()),
        held=read_held(row["held"].encode()),
        receipts=read_receipts(row["receipts"].encode()),
        seconds=msgspec.json.decode(row["seconds"]),
    )
