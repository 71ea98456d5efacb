"""Amounts with their units, as text into floats: durations, quantities, prices, sizes, rates."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

_NUMBER = r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,12})?"
_PLAIN = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"

DURATION = rf"(?=[0-9])(?:{_PLAIN}d)?(?:{_PLAIN}h)?(?:{_PLAIN}m(?!s))?(?:{_PLAIN}s)?(?:{_PLAIN}ms)?"
QUANTITY = rf"{_NUMBER}(?:[eE][-+]?[0-9]{{1,2}}|[numkMGTPE]|[KMGTPE]i)?"
DATA_SIZE = rf"{_NUMBER} ?(?:B|kB|KB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)"
RATE = rf"{_NUMBER} ?/(?:s|min|h)"
BANDWIDTH = rf"{_NUMBER} ?(?:kbit|Mbit|Gbit|Tbit)/s"
QUANTILE = r"p[0-9]{1,2}(?:\.[0-9]{1,3})?"
GPU_WORK = rf"{_NUMBER} ?GPUh"
MONEY = rf"{_NUMBER} ?[A-Z]{{3}}(?:/GB)?"
MONEY_PER_HOUR = rf"{_NUMBER} ?[A-Z]{{3}}/h"
TIME_OF_DAY = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"

_PART = re.compile(rf"({_PLAIN})(d|h|ms|m|s)")
_SPLIT = re.compile(rf"({_NUMBER}) ?(.*)")
_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_DECIMAL |= {"T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}
_BYTES = {f"{letter}B": factor for letter, factor in _DECIMAL.items() if letter in "kMGTP"}
_BYTES |= {f"{letter}B": factor for letter, factor in _BINARY.items()} | {"B": 1.0, "KB": 1e3}
_PER_SECOND = {"/s": 1.0, "/min": 1.0 / 60.0, "/h": 1.0 / 3_600.0}
_GBIT = {"kbit/s": 1e-6, "Mbit/s": 1e-3, "Gbit/s": 1.0, "Tbit/s": 1e3}


def duration_s(value: object) -> float:
    """`250ms`, `90s`, `1h30m` in seconds."""
    text = _text(value, DURATION, "a duration with its unit, such as 250ms, 90s or 1h30m")
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return round(total, 9)


def cores(value: object) -> float:
    """A Kubernetes quantity of CPU in cores: `500m` is 0.5, `128` is 128."""
    return _quantity(value, "a number of cores, such as 8 or 500m")


def gib(value: object) -> float:
    """A Kubernetes quantity of memory in GiB: `32Gi` is 32, a plain number is bytes."""
    return _quantity(value, "an amount of memory, such as 512Mi, 32Gi or 1Ti") / _BINARY["Gi"]


def gigabytes(value: object) -> float:
    """`2TB`, `18kB`, `1GiB` in GB (10^9 bytes)."""
    text = _text(value, DATA_SIZE, "a size in bytes, such as 18kB, 6GB or 2TB")
    number, unit = _split(text)
    return number * _BYTES[unit] / 1e9


def kilobytes(value: object) -> float:
    """The same in kB (10^3 bytes)."""
    return gigabytes(value) * 1e6


def per_second(value: object) -> float:
    """`900/s`, `30/min` per second."""
    number, unit = _split(_text(value, RATE, "a rate, such as 900/s or 30/min"))
    return number * _PER_SECOND[unit]


def gbit_per_s(value: object) -> float:
    """`5Gbit/s`, `200Mbit/s` in Gbit/s."""
    number, unit = _split(_text(value, BANDWIDTH, "a bandwidth in bits, such as 5Gbit/s"))
    return number * _GBIT[unit]


def quantile(value: object) -> float:
    """`p95` is 0.95."""
    return round(float(_text(value, QUANTILE, "a quantile, such as p95 or p99.9")[1:]) / 100.0, 8)


def gpu_hours(value: object) -> float:
    """`48 GPUh` is 48 reference GPU-hours."""
    return _split(_text(value, GPU_WORK, "an amount of GPU work, such as 48 GPUh"))[0]


def usd(value: object, rates: Mapping[str, float]) -> float:
    """`0.09 USD` or, at its rate, `0.64 CNY` in USD."""
    return _money(_text(value, MONEY, "a price with its currency, such as 0.09 USD"), rates)


def usd_per_hour(value: object, rates: Mapping[str, float]) -> float:
    """`6.40 USD/h` or, at its rate, `46 CNY/h` in USD per hour."""
    text = _text(value, MONEY_PER_HOUR, "a price per hour with its currency, such as 6.40 USD/h")
    return _money(text, rates)


def instant(value: object) -> float:
    """`2026-11-11T09:00:00Z` in seconds since 1970. The zone must be there."""
    words = "an instant with its zone, such as 2026-11-11T09:00:00Z"
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.timestamp()
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"must be {words}")


def minute_of_day(value: object) -> int:
    """`22:30` is 1350 minutes after midnight; `24:00` is the end of the day."""
    text = _text(value, TIME_OF_DAY, "a time of day, such as 22:30")
    return int(text[:2]) * 60 + int(text[3:])


def time_zone(value: object) -> str:
    """The name of a time zone that this machine knows."""
    try:
        return ZoneInfo(value).key if isinstance(value, str) and value else _refuse_zone()
    except (LookupError, OSError, ValueError):
        return _refuse_zone()


def _refuse_zone() -> str:
    raise ValueError("must be a time zone, such as Asia/Shanghai or UTC")


def _text(value: object, pattern: str, words: str) -> str:
    if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII):
        return value
    raise ValueError(f"must be {words}")


def _split(text: str) -> tuple[float, str]:
    found = _SPLIT.fullmatch(text)
    assert found is not None
    return float(found[1]), found[2]


def _quantity(value: object, words: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    number, unit = _split(_text(value, QUANTITY, words))
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei":
        return number * float(f"1{unit}")
    return number * (_DECIMAL | _BINARY)[unit]


def _money(text: str, rates: Mapping[str, float]) -> float:
    number, unit = _split(text)
    currency = unit[:3]
    if currency in rates:
        return number * rates[currency]
    raise ValueError(
        f"no rate is known for {currency}: state what one {currency} is in USD under "
        "spec.currencies of the Policy document"
    )
