"""The daemon's `/status` as text: its tick, its sites, its faults and what it did last."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from math import isfinite

from scheduler.render.figures import ARROW, UNKNOWN, clock, count, duration, money
from scheduler.render.machine import dump
from scheduler.render.paper import Ink, Line, Output, Word, clean, cut, paint, wrap
from scheduler.render.sheet import Column, Fit, Row, sheet

LEAST_WIDTH = 80
TITLE = "Tidegate  "

_SITE_COLUMNS = (Column("Sites", Fit.NAME), Column("nodes", Fit.FIGURE), Column("", Fit.REASON))

_NOTE_COLUMNS = (
    Column("Notes", Fit.NAME),
    Column("in", Fit.NAME),
    Column("reason", Fit.NAME),
    Column("", Fit.REASON),
)

_ACTION_COLUMNS = (
    Column("Last actions", Fit.NAME),
    Column("on", Fit.NAME),
    Column("outcome", Fit.NAME),
    Column("why", Fit.REASON),
)


def render_status(
    page: Mapping[str, object],
    *,
    now: float | None,
    output: Output,
    width: int,
    colour: bool,
    zone: tzinfo = UTC,
) -> str:
    """What `/status` says, for people or machines; no final line break.

    Reads what is there and calls the rest unknown, so that it can ask an older or newer daemon.
    `now` tells how old the tick is; None leaves that out.
    """
    match output:
        case Output.JSON | Output.YAML:
            return dump(dict(page), output)
        case Output.TABLE | Output.WIDE:
            return paint(_page(page, now, max(width, LEAST_WIDTH), zone), colour=colour)


def _page(
    page: Mapping[str, object], now: float | None, width: int, zone: tzinfo
) -> Iterator[Line]:
    yield (Word(TITLE, Ink.BOLD), _readiness(page, width))
    yield (Word(cut(f"  {_tick(page, now, zone)}", width)),)
    yield (Word(cut(f"  {_money(page)}", width)),)
    for section in (
        sheet(_SITE_COLUMNS, [*_sites(page, zone)], width=width),
        sheet(_NOTE_COLUMNS, [*_notes(page)], width=width),
        _faults(page, width),
        sheet(_ACTION_COLUMNS, [*_receipts(page), *_held(page)], width=width),
    ):
        if section:
            yield ()
            yield from section


def _readiness(page: Mapping[str, object], width: int) -> Word:
    words = []
    if page.get("ready") is False:
        words.append(f"not ready: {clean(str(page.get('because') or UNKNOWN))}")
    if page.get("paused") is True:
        words.append("paused: plans are made, nothing is done")
    if page.get("leader") is False:
        words.append(f"standby: {clean(str(page.get('holder') or 'another replica'))} leads")
    if words:
        return Word(cut(", ".join(words), width - len(TITLE)), Ink.ALARM)
    who = clean(str(page.get("identity") or ""))
    leads = f"ready, leader {who}".rstrip()
    return Word(cut(leads if page.get("leader") is True else "ready", width - len(TITLE)), Ink.ADD)


def _tick(page: Mapping[str, object], now: float | None, zone: tzinfo) -> str:
    at = _number(page.get("now"))
    if at is None:
        return "no tick yet"
    number = _number(page.get("tick"))
    words = f"tick {UNKNOWN if number is None else count(number)} at {clock(at, zone)}"
    age = _number(page.get("age_s"))
    if age is None and now is not None:
        age = now - at
    took = sum(filter(None, map(_number, _table(page.get("seconds")).values())))
    ago = f", {duration(age)} ago" if age is not None else ""
    return f"{words}{ago}{f', took {took:.1f} s' if took else ''}"


def _money(page: Mapping[str, object]) -> str:
    rate = _number(page.get("usd_per_hour"))
    if rate is not None:
        return f"{money(rate)} USD/h"
    pools = [_table(pool) for pool in _rows(_table(page.get("plan")).get("pools"))]
    sums = [_bill(pools, when) for when in ("before", "after")]
    if not pools or None in sums:
        return f"USD/h {UNKNOWN}"
    before, after = (money(amount or 0.0) for amount in sums)
    return f"{after} USD/h" if before == after else f"{before} {ARROW} {after} USD/h"


def _bill(pools: Sequence[Mapping[str, object]], when: str) -> float | None:
    total = 0.0
    for pool in pools:
        nodes, price = _number(pool.get(when)), _number(pool.get("usd_per_node_hour"))
        if nodes is None or price is None:
            return None
        total += nodes * price
    return total


def _sites(page: Mapping[str, object], zone: tzinfo) -> Iterator[Row]:
    for name, value in _table(page.get("sites")).items():
        site = _table(value)
        nodes, last = _number(site.get("nodes")), _number(site.get("last_seen"))
        held = UNKNOWN if nodes is None else count(nodes)
        if site.get("seen") is True:
            yield Row((f"    {name}", held, "seen"))
            continue
        since = "never seen" if last is None else f"not seen since {clock(last, zone)}"
        why = str(site.get("why") or UNKNOWN)
        yield Row((f"  ! {name}", held, f"{since}, frozen: {why}"), Ink.ALARM)


def _notes(page: Mapping[str, object]) -> Iterator[Row]:
    """What keeps orders from coming true, by site."""
    sites = _table(page.get("sites"))
    for name, value in sites.items():
        for note in map(_table, _rows(_table(value).get("notes"))):
            words = [str(note.get(key) or UNKNOWN) for key in ("subject", "reason", "message")]
            yield Row((f"  ! {words[0]}", name, words[1], words[2]), Ink.ALARM)
    for name, why in _table(page.get("untended")).items():
        yield Row((f"  ! {name}", name, "not tended", str(why)), Ink.ALARM)


def _faults(page: Mapping[str, object], width: int) -> list[Line]:
    """Why the newest documents were refused, and what else is wrong."""
    faults = _rows(page.get("faults"))
    if not faults:
        return []
    lines: list[Line] = [(Word("Faults", Ink.ALARM),)]
    for fault in faults:
        for place, text in enumerate(wrap(clean(str(fault)), width - 4)):
            lines.append((Word("  ! " if place == 0 else "    ", Ink.ALARM), Word(text)))
    return lines


def _receipts(page: Mapping[str, object]) -> Iterator[Row]:
    for value in _rows(page.get("receipts")):
        receipt = _table(value)
        outcome = str(receipt.get("outcome") or UNKNOWN)
        ink = Ink.PLAIN if outcome == "accepted" else Ink.ALARM
        mark = " " if outcome == "accepted" else "!"
        what, pool = _action(receipt.get("action"))
        yield Row((f"  {mark} {what}", pool, outcome, str(receipt.get("detail") or "")), ink)


def _held(page: Mapping[str, object]) -> Iterator[Row]:
    for value in _rows(page.get("held")):
        held = _table(value)
        what, pool = _action(held.get("action"))
        yield Row((f"    {what}", pool, "held back", str(held.get("why") or "")), Ink.DIM)


def _action(value: object) -> tuple[str, str]:
    action = _table(value)
    words = [str(action[key]) for key in ("kind", "workload") if action.get(key)]
    return " ".join(words) or UNKNOWN, str(action.get("pool") or "")


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None
