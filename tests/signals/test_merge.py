"""Merge: of several sources that know the same, the newer is believed and the rest is noted."""

from scheduler.domain.names import Instant
from scheduler.domain.readings import Series, Signal
from scheduler.signals import merge


def a_series(
    value: float,
    at: float,
    *,
    subject: str = "search",
    signal: Signal = Signal.LOAD,
    pool: str = "",
) -> Series:
    return Series(signal=signal, subject=subject, pool=pool, times=(Instant(at),), values=(value,))


def test_what_only_one_source_knows_is_passed_on() -> None:
    one, two = a_series(1.0, 0.0), a_series(2.0, 0.0, subject="ads")
    assert merge({"a": [one], "b": [two]}).series == (two, one)
    assert merge({}).series == ()


def test_the_newer_of_two_answers_counts_whichever_comes_first() -> None:
    old, new = a_series(1.0, 0.0), a_series(1.0, 60.0)
    assert merge({"a": [old], "b": [new]}).series == (new,)
    assert merge({"a": [new], "b": [old]}).series == (new,)


def test_at_equal_age_the_first_source_counts() -> None:
    first, second = a_series(1.0, 0.0), a_series(1.01, 0.0)
    merged = merge({"a": [first], "b": [second]})
    assert merged.series == (first,)
    assert merged.notes == ()


def test_a_contradiction_is_noted_with_both_values() -> None:
    merged = merge({"prometheus": [a_series(200.0, 0.0)], "recorded": [a_series(340.0, 30.0)]})
    assert merged.notes == (
        "load_rps of search: recorded says 340, prometheus says 200; "
        "recorded is 30 s newer and is used",
    )
    same = merge({"a": [a_series(2.0, 0.0, pool="east")], "b": [a_series(1.0, 0.0, pool="east")]})
    assert same.notes == (
        "load_rps of search on east: a says 2, b says 1; a is listed first and is used",
    )


def test_what_was_read_long_before_may_differ_unless_it_is_a_price() -> None:
    assert merge({"a": [a_series(1.0, 0.0)], "b": [a_series(2.0, 600.0)]}).notes == ()
    price = Signal.PRICE
    old, new = a_series(1.0, 0.0, signal=price), a_series(2.0, 600.0, signal=price)
    assert len(merge({"a": [old], "b": [new]}).notes) == 1


def test_an_empty_series_loses_against_any_reading() -> None:
    empty = Series(signal=Signal.LOAD, subject="search", times=(), values=())
    full = a_series(1.0, 0.0)
    for answers in ({"a": [empty], "b": [full]}, {"a": [full], "b": [empty]}):
        assert merge(answers).series == (full,)
        assert merge(answers).notes == ()
