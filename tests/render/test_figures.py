"""Figures are short, exact enough, and never more precise than they are true."""

from math import inf, nan

import pytest

from scheduler.render import figures


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (36.9, "36.90"),
        (1234.5, "1,234.50"),
        (0.0312, "0.0312"),
        (1.23456e7, "12.3M"),
        (9.9999e8, "1G"),
        (4e14, "400T"),
        (1e30, "1.0e30"),
        (-4.2, "-4.20"),
        (nan, "unknown"),
        (inf, "unknown"),
    ],
)
def test_prices(amount: float, words: str) -> None:
    assert figures.usd(amount) == words


@pytest.mark.parametrize(("amount", "words"), [(5.7, "+5.70"), (-5.7, "-5.70"), (0.001, "0.00")])
def test_changes_of_the_bill_carry_their_sign(amount: float, words: str) -> None:
    assert figures.usd_change(amount) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1840, "1,840"),
        (0.25, "0.25"),
        (12.34, "12.3"),
        (2.50, "2.5"),
        (5e6, "5M"),
        (nan, "unknown"),
    ],
)
def test_counts(number: float, words: str) -> None:
    assert figures.count(number) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "100 %"), (1 / 3, "33.3 %"), (0.0, "0 %"), (0.0001, "<0.1 %"), (inf, "unknown")],
)
def test_shares(share: float, words: str) -> None:
    assert figures.percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.041, "41 ms"), (0.0004, "0.4 ms"), (1.23, "1.2 s"), (0.9996, "1 s"), (900, "15 min")],
)
def test_latencies(seconds: float, words: str) -> None:
    assert figures.latency(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12, "12 s"), (300, "5 min"), (7500, "2 h 5 min"), (7200, "2 h"), (1e6, "11 d")],
)
def test_durations(seconds: float, words: str) -> None:
    assert figures.duration(seconds) == words


def test_times_of_day_and_what_is_none() -> None:
    assert figures.clock(18 * 3600 + 40 * 60) == "18:40"
    assert figures.clock(1e300) == "--:--"


def test_quantiles() -> None:
    assert [figures.quantile(q) for q in (0.5, 0.95, 0.999)] == ["p50", "p95", "p99.9"]


def test_plurals() -> None:
    assert [figures.plural(n, "pool") for n in (0, 1, 7)] == ["0 pools", "1 pool", "7 pools"]
    assert figures.many("policy") == "policies"
