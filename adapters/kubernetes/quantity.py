"""Quantities: the amounts that Kubernetes writes as text."""

import re
from functools import lru_cache
from math import ceil

from adapters.kubernetes.shapes import Labels

_TEXT = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?", re.ASCII
)
_SCALE = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    **{letter: 1000.0 ** (power + 1) for power, letter in enumerate("kMGTPE")},
    **{f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGTPE")},
}
_HAIR = 1e-6
"""Forgives the rounding of fractions, so that 0.3 is written as 300m and not as 301m."""


@lru_cache(maxsize=4096)
def amount(text: str) -> float:
    """The number that a quantity stands for: 500m, 1.5Gi, 12e3, 8. Raises ValueError on others."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no Kubernetes quantity")
    number, suffix, exponent = found.groups()
    if exponent:
        return float(f"{number}e{exponent}")
    return float(number) * _SCALE.get(suffix or "", 1.0)


def amount_of(amounts: Labels, name: str, unreadable: float) -> float:
    """The amount of that name: 0 if it is not there, `unreadable` if its text is no quantity.

    Whoever asks says which way is safe: an offer that cannot be read is nothing, a request that
    cannot be read is without end.
    """
    text = amounts.get(name)
    if text is None:
        return 0.0
    try:
        return amount(text)
    except ValueError:
        return unreadable


def as_quantity(x: float) -> str:
    """As text, to the thousandth and never less: 8, 500m."""
    thousandths = ceil(x * 1000.0 - _HAIR)
    whole, rest = divmod(thousandths, 1000)
    return f"{thousandths}m" if rest else str(whole)
