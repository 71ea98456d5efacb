"""Quantities are read as the API server means them."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kubernetes.quantity import amount, amount_of, as_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8.0),
        ("500m", 0.5),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1Ti", 2.0**40),
        ("1.5Gi", 1.5 * 2**30),
        ("1500M", 1.5e9),
        ("100k", 1e5),
        ("2Ei", 2.0**61),
        ("3E", 3e18),
        ("12e3", 12e3),
        ("12E-3", 0.012),
        ("250n", 2.5e-7),
        ("7u", 7e-6),
        ("-1", -1.0),
        ("+4", 4.0),
    ],
)
def test_every_way_of_writing_an_amount_is_read(text: str, number: float) -> None:
    assert amount(text) == pytest.approx(number)


@pytest.mark.parametrize(
    "text", ["", "eight", "1 Gi", "1K", "1gi", "1e", "--1", "nan", "1Gi ", "٣"]
)
def test_what_is_no_amount_is_an_error_and_never_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        amount(text)


def test_who_reads_says_what_an_unreadable_amount_stands_for() -> None:
    told = {"cpu": "many", "memory": "1Ki"}
    assert amount_of(told, "cpu", unreadable=inf) == inf
    assert amount_of(told, "memory", unreadable=inf) == 1024.0
    assert amount_of(told, "pods", unreadable=inf) == 0.0


@pytest.mark.parametrize(
    ("number", "text"), [(8.0, "8"), (0.5, "500m"), (0.0, "0"), (2.0**40, str(2**40))]
)
def test_an_amount_is_written_plainly(number: float, text: str) -> None:
    assert as_quantity(number) == text


def test_sums_of_fractions_are_written_as_meant() -> None:
    assert as_quantity(0.1 + 0.2) == "300m"


@given(st.floats(0.0, 1e9))
def test_what_is_written_is_never_less_than_asked_nor_a_thousandth_more(number: float) -> None:
    assert -1e-6 <= amount(as_quantity(number)) - number <= 0.001 + 1e-6
