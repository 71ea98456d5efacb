"""Numbers and names in sentences, written one way everywhere."""


def rate(rps: float) -> str:
    """Requests per second."""
    return f"{rps:,.0f} requests/s" if rps >= 10.0 else f"{rps:.1f} requests/s"


def usd(amount: float) -> str:
    """USD per hour."""
    return f"{amount:,.2f} USD/h"


def milliseconds(seconds: float) -> str:
    """Latency."""
    return f"{seconds * 1e3:,.0f} ms"


def listed(names: list[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def plural(count: float, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count:,.0f} {noun}" if round(count) == 1 else f"{count:,.0f} {noun}s"
