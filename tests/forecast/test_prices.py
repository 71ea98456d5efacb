"""Prices: a reading counts if it can be believed, else the list price does."""

import math

import pytest

from scheduler.domain.readings import Series, Signal
from scheduler.forecast import current_price

from .worlds import POOL, a_fleet, a_pool, a_world, readings


def price(*series: Series, listed: float = 2.0) -> tuple[float, str]:
    pool = a_pool(usd_per_node_hour=listed)
    return current_price(a_world(a_fleet(pool), *series), pool)


def reading(value: float, age_s: float = 0.0) -> Series:
    return readings(Signal.PRICE, [value], of=POOL, age_s=age_s)


def test_without_a_reading_the_list_price_counts() -> None:
    assert price() == (2.0, "list price: no price reading")


def test_a_reading_takes_the_place_of_the_list_price() -> None:
    assert price(reading(0.61, age_s=1800.0)) == (0.61, "price reading, 30 min old")


def test_a_price_stays_in_force_for_days_but_not_for_ever() -> None:
    assert price(reading(0.61, age_s=6 * 86400.0))[0] == 0.61
    assert price(reading(0.61, age_s=8 * 86400.0)) == (
        2.0,
        "list price: the newest price reading is 192.0 h old",
    )


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (math.nan, "no number"),
        (math.inf, "no number"),
        (0.0, "not above zero"),
        (-1.0, "not above zero"),
        (20.01, "more than 10 times the list price of 2 USD/h"),
    ],
)
def test_a_price_that_cannot_be_true_is_refused_with_its_reason(broken: float, word: str) -> None:
    usd, why = price(reading(broken))
    assert usd == 2.0
    assert word in why


def test_where_the_list_price_is_nothing_any_price_above_it_counts() -> None:
    assert price(reading(3.0), listed=0.0)[0] == 3.0
