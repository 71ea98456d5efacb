"""Columns share a width: figures keep theirs, names lose their middle, reasons wrap."""

from scheduler.render.paper import paint
from scheduler.render.sheet import Column, Fit, Row, sheet

COLUMNS = (
    Column("Pools", Fit.NAME),
    Column("nodes", Fit.FIGURE),
    Column("zone", Fit.LABEL),
    Column("why", Fit.REASON),
)


def page(*rows: Row, width: int = 60, reason_lines: int | None = None) -> list[str]:
    lines = sheet(COLUMNS, rows, width=width, reason_lines=reason_lines)
    return paint(lines, colour=False).split("\n")


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    assert page(Row(("a", "1", "", ""))) == ["Pools  nodes", "a          1"]


def test_a_sheet_without_rows_is_empty() -> None:
    assert sheet(COLUMNS, (), width=60) == []


def test_a_long_reason_wraps_below_itself() -> None:
    lines = page(Row(("a", "1", "b", "the private cluster is full and nothing else is allowed")))
    assert lines[1].index("the private") == lines[2].index("else is allowed")


def test_a_reason_can_be_cut_to_so_many_lines() -> None:
    lines = page(Row(("a", "1", "b", "word " * 40)), reason_lines=2)
    assert len(lines) == 3
    assert lines[2].endswith("…")


def test_a_long_name_gives_way_before_a_figure() -> None:
    (_, line) = page(Row(("pool-" + "x" * 90, "123456789", "", "")), width=40)
    assert line.endswith("123456789")
    assert "…" in line


def test_a_reason_without_room_beside_the_figures_stands_below() -> None:
    assert page(Row(("pool-a", "9" * 30, "a", "private is full")), width=50) == [
        f"Pools   {'nodes':>30}  zone",
        f"pool-a  {'9' * 30}  a",
        "      private is full",
    ]
