"""The end of the day: ours against the others, never a cheaper bill without its price."""

import json
from dataclasses import replace

import pytest

from scheduler.render.paper import Output, cells
from scheduler.render.summary import Row, render_summary

from .golden import check_golden

OURS = Row(
    name="Tidegate",
    usd=1214.3,
    attainment=0.99871,
    gpu_hours=2310.4,
    moves=212,
    deadlines=3,
    deadlines_met=3,
)
BASELINES = (
    replace(OURS, name="everything private at peak size", usd=1920.0, attainment=0.99994, moves=0),
    replace(OURS, name="peak size rented on demand", usd=3601.2, moves=0),
    replace(
        OURS, name="reactive autoscaler at 60 %", usd=1180.0, attainment=0.961, deadlines_met=1
    ),
)


def summary(
    ours: Row = OURS, baselines: tuple[Row, ...] = BASELINES, output: Output = Output.TABLE
) -> str:
    return render_summary(ours, baselines, output=output, width=100, colour=False)


@pytest.mark.parametrize("output", [Output.TABLE, Output.JSON])
def test_the_summary_is_the_golden_one(output: Output) -> None:
    check_golden(f"summary-{output.value}.txt", summary(output=output))


def test_json_states_each_bill_against_ours() -> None:
    document = json.loads(summary(output=Output.JSON))
    shares = [row["usd_against_ours"] for row in document["baselines"]]
    assert shares == pytest.approx([0.5812, 1.9656, -0.0282], abs=1e-4)


def test_nearly_all_is_not_shown_as_all() -> None:
    assert "99.99 %" in summary(replace(OURS, attainment=0.99999))
    assert "100.00 %" in summary(replace(OURS, attainment=1.0))


def test_a_free_day_has_no_percentages() -> None:
    page = summary(replace(OURS, usd=0.0), (replace(OURS, name="b", usd=0.0),))
    assert "unknown" in page


def test_a_day_without_requests_has_no_attainment() -> None:
    assert "unknown" in summary(replace(OURS, attainment=None), ())


def test_a_day_without_deadlines_has_no_such_column() -> None:
    assert "deadlines" not in summary(replace(OURS, deadlines=0, deadlines_met=0), ())


def test_long_names_and_huge_bills_fit() -> None:
    page = summary(replace(OURS, name="x" * 200, usd=1e18, moves=10**12), BASELINES)
    assert max(cells(line) for line in page.splitlines()) <= 100
