"""Figures in words: money, rates, shares, latencies, times of day. Never more digits than help."""

from datetime import UTC, datetime, tzinfo
from math import isfinite

UNKNOWN = "unknown"
ARROW = "->"


def usd(amount: float) -> str:
    """`36.90`, `1,234.50`, `12.3M`; small amounts keep two digits that count."""
    if not isfinite(amount):
        return UNKNOWN
    size = abs(amount)
    if size >= 1e6:
        return _huge(amount)
    if 0.0 < size < 0.0995:
        return f"{amount:.4f}" if size >= 0.00005 else "0.00"
    return _unsigned_zero(f"{amount:,.2f}")


def money(amount: float) -> str:
    """Sums of money: two digits behind the point, so that a column of them reads straight."""
    return "0.00" if abs(amount) < 0.005 else f"{amount:.2f}" if abs(amount) < 0.1 else usd(amount)


def usd_change(amount: float) -> str:
    """A sum with its sign: `+5.70`."""
    text = money(amount)
    return text if text.startswith("-") or text in {UNKNOWN, "0.00"} else f"+{text}"


def count(number: float) -> str:
    """`1,840`, `0.25`, `12.3M`."""
    if not isfinite(number):
        return UNKNOWN
    size = abs(number)
    if size >= 1e6:
        return _huge(number)
    if size >= 100.0 or float(number).is_integer():
        return _unsigned_zero(f"{number:,.0f}")
    return _unsigned_zero(_trim(f"{number:.2f}" if size < 10.0 else f"{number:.1f}"))


def percent(share: float) -> str:
    """`62 %`, `33.3 %`, `<0.1 %`."""
    return f"{percent_figure(share)} %" if isfinite(share) else UNKNOWN


def percent_figure(share: float) -> str:
    """A share in per cent without the sign, at most one digit behind the point."""
    if not isfinite(share):
        return UNKNOWN
    hundredth = share * 100.0
    if 0.0 < abs(hundredth) < 0.05:
        return "<0.1"
    return _unsigned_zero(_trim(f"{hundredth:,.1f}")) if abs(hundredth) < 1e6 else _huge(hundredth)


def latency(seconds: float) -> str:
    """`41 ms`, `1.2 s`, `0.4 ms`, `15 min`."""
    if not isfinite(seconds):
        return UNKNOWN
    if seconds >= 600.0:
        return duration(seconds)
    if seconds >= 0.9995:
        return f"{_trim(f'{seconds:.1f}')} s" if seconds < 100.0 else f"{seconds:.0f} s"
    millis = seconds * 1000.0
    return f"{millis:.0f} ms" if millis >= 10.0 else f"{_trim(f'{millis:.1f}')} ms"


def duration(seconds: float) -> str:
    """`12 s`, `5 min`, `2 h 5 min`, `3 d`."""
    if not isfinite(seconds):
        return UNKNOWN
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{count(hours // 24)} d"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def quantile(share: float) -> str:
    """`p95`, `p99.9`."""
    return f"p{_trim(f'{share * 100.0:.2f}')}"


def clock(instant: float, zone: tzinfo = UTC) -> str:
    """The time of day, `18:40`."""
    try:
        return f"{datetime.fromtimestamp(instant, zone):%H:%M}"
    except (OverflowError, ValueError, OSError):
        return "--:--"


def step(before: float, after: float) -> str:
    """`2 -> 5`, or `2` where nothing changes."""
    old, new = count(before), count(after)
    return new if before == after else f"{old} {ARROW} {new}"


def plural(number: float, noun: str) -> str:
    """`1 pool`, `7 pools`."""
    return f"{count(number)} {noun_for(number, noun)}"


def noun_for(number: float, noun: str) -> str:
    """The noun as it stands behind the number."""
    return noun if number == 1 else many(noun)


def many(noun: str) -> str:
    """The plural of a noun of this product."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def _huge(number: float) -> str:
    """Millions and more, in three or four digits."""
    size = abs(number)
    for unit, suffix in ((1e6, "M"), (1e9, "G"), (1e12, "T")):
        if size < unit * 999.95:
            return f"{_trim(f'{number / unit:.1f}')}{suffix}"
    return f"{number:.1e}".replace("e+", "e")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unsigned_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
