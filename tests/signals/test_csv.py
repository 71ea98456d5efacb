"""Recorded signals: what a file answers, and every fault it can have."""

import asyncio
import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.domain.names import Instant
from scheduler.domain.readings import Series, Signal
from scheduler.signals import CsvSource, SourceBroken, SourceUnreachable
from scheduler.signals.recording import load_recording

HEADER = "time,signal,subject,pool,value\n"


def a_file(folder: Path, text: str, name: str = "load.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, now: float, window_s: float) -> tuple[Series, ...]:
    return asyncio.run(CsvSource(path, "recorded").read(Instant(now), window_s))


def faults_of(path: Path) -> list[str]:
    with pytest.raises(SourceBroken) as caught:
        CsvSource(path, "recorded").bounds()
    return [fault.removeprefix(f"{path}:") for fault in caught.value.faults]


def minutes(*values: float, signal: str = "load_rps", subject: str = "search") -> str:
    return "".join(f"{60 * i},{signal},{subject},,{v}\n" for i, v in enumerate(values))


def test_the_window_is_open_at_its_start_and_closed_at_now(tmp_path: Path) -> None:
    (series,) = read(a_file(tmp_path, HEADER + minutes(1, 2, 3, 4, 5)), now=180.0, window_s=120.0)
    assert (series.times, series.values) == ((120.0, 180.0), (3.0, 4.0))
    assert (series.signal, series.subject, series.pool) == (Signal.LOAD, "search", "")


def test_the_future_is_not_read(tmp_path: Path) -> None:
    assert read(a_file(tmp_path, HEADER + minutes(1, 2)), now=-1.0, window_s=900.0) == ()


def test_a_series_that_ended_answers_with_its_last_reading(tmp_path: Path) -> None:
    (series,) = read(a_file(tmp_path, HEADER + minutes(1, 2)), now=9000.0, window_s=900.0)
    assert (series.times, series.values) == ((60.0,), (2.0,))


def test_a_price_stays_in_force_until_the_next(tmp_path: Path) -> None:
    rows = "0,price_usd_per_node_hour,p4d,,9\n600,price_usd_per_node_hour,p4d,,7\n"
    path = a_file(tmp_path, HEADER + rows)
    (series,) = read(path, now=700.0, window_s=300.0)
    assert (series.times, series.values) == ((0.0, 600.0), (9.0, 7.0))
    (later,) = read(path, now=90_000.0, window_s=300.0)
    assert (later.times, later.values) == ((600.0,), (7.0,))


def test_rows_may_come_in_any_order_and_with_any_kind_of_time(tmp_path: Path) -> None:
    rows = (
        "value,subject,time,signal\n"
        "3,search,1970-01-01T00:02:00Z,load_rps\n"
        "1,search,0,load_rps\n"
        "\n"
        '2,"search",1970-01-01T08:01:00+08:00,load_rps\n'
    )
    (series,) = read(a_file(tmp_path, rows), now=120.0, window_s=900.0)
    assert (series.times, series.values) == ((0.0, 60.0, 120.0), (1.0, 2.0, 3.0))


def test_series_are_told_apart_by_signal_subject_and_pool(tmp_path: Path) -> None:
    rows = "0,latency_s,b,east,1\n0,latency_s,b,,2\n0,latency_s,a,,3\n0,queue_requests,a,,4\n"
    answer = read(a_file(tmp_path, HEADER + rows), now=0.0, window_s=60.0)
    assert [(s.signal, s.subject, s.pool, s.values) for s in answer] == [
        (Signal.LATENCY, "a", "", (3.0,)),
        (Signal.LATENCY, "b", "", (2.0,)),
        (Signal.LATENCY, "b", "east", (1.0,)),
        (Signal.QUEUE, "a", "", (4.0,)),
    ]


def test_a_packed_file_and_a_byte_order_mark_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "load.csv.gz"
    path.write_bytes(gzip.compress(("\ufeff" + HEADER + minutes(1, 2)).encode()))
    source = CsvSource(path, "recorded")
    assert source.name == "recorded"
    assert source.bounds() == (0.0, 60.0)


async def test_the_file_is_read_once(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEADER + minutes(1, 2))
    source = CsvSource(path, "recorded")
    before = await source.read(Instant(60.0), 900.0)
    path.unlink()
    assert await source.read(Instant(60.0), 900.0) == before


async def test_a_file_that_was_mended_is_read_at_the_next_look(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEADER + "0,load_rps,search,,nan\n")
    source = CsvSource(path, "recorded")
    with pytest.raises(SourceBroken):
        await source.read(Instant(60.0), 900.0)
    a_file(tmp_path, HEADER + minutes(1, 2))
    assert len(await source.read(Instant(60.0), 900.0)) == 1


def test_every_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    rows = (
        "0,load_rps,search,,nan\n"
        "60,load_rps,search,,-3\n"
        "120,load_rps,search,,many\n"
        "180,load_rpm,search,,3\n"
        "2026-11-11T08:00:00,load_rps,search,,3\n"
        "yesterday,load_rps,search,,3\n"
        "1794355200000,load_rps,search,,3\n"
        "240,load_rps,,,3\n"
        "300,load_rps,search\n"
        "360,price_usd_per_node_hour,p4d,east,3\n"
        "420,load_rps,search,,inf\n"
        "-5,load_rps,search,,1\n"
    )
    assert faults_of(a_file(tmp_path, HEADER + rows)) == [
        "2: value 'nan' is not finite: leave out what is unknown",
        "3: value '-3' is negative",
        "4: value 'many' is not a number: leave out what is unknown",
        "5: unknown signal 'load_rpm', did you mean load_rps?",
        "6: time '2026-11-11T08:00:00' has no zone: end it with Z or +08:00",
        "7: time 'yesterday' is not readable: write 2026-11-11T08:30:00Z or seconds since 1970",
        "8: time '1794355200000' is not in seconds since 1970: milliseconds perhaps?",
        "9: the subject is empty: name a workload, or a pool for a price",
        "10: 3 cells where the header has 5",
        "11: a price belongs to the pool in `subject`: leave `pool` empty",
        "12: value 'inf' is not finite: leave out what is unknown",
        "13: time '-5' lies before 1970",
    ]


def test_a_signal_like_no_other_gets_the_list_of_known_ones(tmp_path: Path) -> None:
    (fault,) = faults_of(a_file(tmp_path, HEADER + "0,xyz,search,,1\n"))
    assert "known are load_rps, latency_s, queue_requests, price_usd_per_node_hour" in fault


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        ("", ["1: the first line lacks the column time, signal, subject, value"]),
        ("time,signal,subject\n", ["1: the first line lacks the column value"]),
        (
            "time,signal,subject,value,pol\n",
            ["1: unknown column 'pol', did you mean pool?"],
        ),
        ("time,time,signal,subject,value\n", ["1: column 'time' is there twice"]),
        (
            HEADER,
            ["1: there are no readings below the header; record some or drop the source"],
        ),
    ],
)
def test_a_header_that_does_not_fit_is_told(tmp_path: Path, header: str, faults: list[str]) -> None:
    assert faults_of(a_file(tmp_path, header)) == faults


def test_two_values_for_one_moment_are_a_fault_but_a_repeated_row_is_not(tmp_path: Path) -> None:
    rows = minutes(1, 2)
    assert CsvSource(a_file(tmp_path, HEADER + rows + rows), "twice").bounds() == (0.0, 60.0)
    fault = "4: a second value for this time: 9 here, 1 in line 2; keep one"
    assert faults_of(a_file(tmp_path, HEADER + rows + minutes(9))) == [fault]


def test_a_thousand_faults_are_counted_but_not_all_printed(tmp_path: Path) -> None:
    rows = "".join(f"{i},load_rps,search,,nan\n" for i in range(1000))
    with pytest.raises(SourceBroken) as caught:
        CsvSource(a_file(tmp_path, HEADER + rows), "bad").bounds()
    assert len(caught.value.faults) == 1000
    assert str(caught.value).endswith("and 800 more faults")


def test_text_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(HEADER.encode() + b"0,load_rps,s\xe9arch,,1\n")
    assert faults_of(path) == ["2: byte 0xe9 is not UTF-8; save the file as UTF-8"]


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"time" * 999)[:-9]])
def test_a_packed_file_that_is_broken_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "load.csv.gz"
    path.write_bytes(data)
    (fault,) = faults_of(path)
    assert "not a whole gzip file" in fault


def test_a_packed_bomb_is_stopped_at_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 3 * 2**20))
    with pytest.raises(SourceBroken, match="more than 1 MiB of text; split the file"):
        load_recording(path, max_bytes=2**20)


def test_a_cell_without_end_is_told(tmp_path: Path) -> None:
    text = HEADER + "0,load_rps,search,,1\n" + '60,load_rps,"' + "x" * 200_000 + ",,1\n"
    (fault,) = faults_of(a_file(tmp_path, text))
    assert "not readable as CSV: field larger than field limit" in fault


@pytest.mark.parametrize("missing", ["gone.csv", "gone.csv.gz", "."])
def test_a_file_that_cannot_be_opened_is_unreachable(tmp_path: Path, missing: str) -> None:
    with pytest.raises(SourceUnreachable, match="give the path of a readable CSV file"):
        read(tmp_path / missing, now=0.0, window_s=1.0)


CELL = st.text(max_size=12) | st.sampled_from(["load_rps", "search", "0", "1e3", "0001-01-01T00Z"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=6), max_size=5))
def test_whatever_a_file_holds_it_is_read_or_told_line_by_line(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([["time", "signal", "subject", "pool", "value"], *rows])
    faults, bounds = outcome(path)
    assert all(fault.startswith(f"{path}:") for fault in faults)
    assert bool(faults) == (bounds is None)
    assert bounds is None or 0.0 <= bounds[0] <= bounds[1]


def outcome(path: Path) -> tuple[tuple[str, ...], tuple[Instant, Instant] | None]:
    try:
        return (), CsvSource(path, "any").bounds()
    except SourceBroken as broken:
        return broken.faults, None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(st.integers(0, 10_000), min_size=1, max_size=30, unique=True),
    now=st.integers(0, 12_000),
    window=st.integers(1, 5_000),
)
def test_the_window_holds_just_the_readings_inside_it(
    tmp_path: Path, times: list[int], now: int, window: int
) -> None:
    path = a_file(tmp_path, HEADER + "".join(f"{t},load_rps,search,,{t}\n" for t in times))
    inside = sorted(t for t in times if now - window < t <= now)
    before = sorted(t for t in times if t <= now - window)
    wanted = inside or before[-1:]
    answer = read(path, float(now), float(window))
    assert [float(t) for series in answer for t in series.times] == wanted
