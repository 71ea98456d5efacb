"""Amounts mean the same whatever unit they are written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.config import units

USD_ONLY = {"USD": 1.0}


@pytest.mark.parametrize(
    ("parse", "text", "amount"),
    [
        (units.duration_s, "250ms", 0.25),
        (units.duration_s, "9ms", 0.009),
        (units.duration_s, "90s", 90),
        (units.duration_s, "5m", 300),
        (units.duration_s, "1h30m", 5400),
        (units.duration_s, "1.5h", 5400),
        (units.duration_s, "2d", 172_800),
        (units.duration_s, "1m500ms", 60.5),
        (units.cores, "500m", 0.5),
        (units.cores, 128, 128),
        (units.cores, "2k", 2000),
        (units.gib, "1Ti", 1024),
        (units.gib, "512Mi", 0.5),
        (units.gib, "1e9", 1e9 / 2**30),
        (units.gib, "40G", 40e9 / 2**30),
        (units.gigabytes, "2TB", 2000),
        (units.gigabytes, "1 GiB", 2**30 / 1e9),
        (units.kilobytes, "18kB", 18),
        (units.per_second, "900/s", 900),
        (units.per_second, "30/min", 0.5),
        (units.gbit_per_s, "5Gbit/s", 5),
        (units.gbit_per_s, "200 Mbit/s", 0.2),
        (units.quantile, "p95", 0.95),
        (units.quantile, "p99.9", 0.999),
        (units.gpu_hours, "48 GPUh", 48),
        (units.minute_of_day, "22:30", 1350),
        (units.minute_of_day, "24:00", 1440),
        (units.instant, "1970-01-02T00:00:00Z", 86_400),
        (units.instant, "1970-01-01T08:00:00+08:00", 0),
        (units.time_zone, "Asia/Shanghai", "Asia/Shanghai"),
    ],
)
def test_an_amount_is_read_in_its_unit(parse, text, amount):
    expected = amount if isinstance(amount, str) else pytest.approx(amount)
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (units.duration_s, "5"),
        (units.duration_s, 5),
        (units.duration_s, ""),
        (units.duration_s, "5m1h"),
        (units.duration_s, "-5m"),
        (units.duration_s, "\u0665m"),
        (units.duration_s, "5m\n"),
        (units.cores, "8 cores"),
        (units.cores, True),
        (units.cores, "nan"),
        (units.gib, "32GB"),
        (units.gigabytes, "6Gb"),
        (units.gigabytes, 6),
        (units.per_second, "900"),
        (units.per_second, "inf/s"),
        (units.gbit_per_s, "5GB/s"),
        (units.quantile, "95"),
        (units.quantile, "p100"),
        (units.gpu_hours, "48"),
        (units.minute_of_day, 1350),
        (units.minute_of_day, "25:00"),
        (units.minute_of_day, "9:00"),
        (units.instant, "2026-11-11T09:00:00"),
        (units.instant, "2026-13-11T09:00:00Z"),
        (units.time_zone, "Asia/Shangrila"),
        (units.time_zone, "../../etc/passwd"),
        (units.time_zone, "Asia"),
        (units.time_zone, "\x00"),
    ],
)
def test_an_amount_without_its_unit_is_refused(parse, text):
    with pytest.raises(ValueError):
        parse(text)


def test_other_currencies_are_converted_at_a_stated_rate_or_refused():
    assert units.usd_per_hour("46 CNY/h", {"USD": 1.0, "CNY": 0.14}) == pytest.approx(6.44)
    with pytest.raises(ValueError, match="no rate is known for CNY"):
        units.usd_per_hour("46 CNY/h", USD_ONLY)


@pytest.mark.parametrize("text", ["6.40", 6.4, "6.40 USD", "USD 6.40/h", "nan USD/h", "6,40 USD/h"])
def test_a_price_names_its_currency_and_hour(text):
    with pytest.raises(ValueError, match=r"6\.40 USD/h"):
        units.usd_per_hour(text, USD_ONLY)


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_longer_duration_is_longer(number, unit):
    assert units.duration_s(f"{number + 1}{unit}") > units.duration_s(f"{number}{unit}") >= 0
