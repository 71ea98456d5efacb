"""Colours of the picture, told apart by colour-blind eyes too: hue, lightness and hatching."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from scheduler.domain.places import Contract, Exposure
from scheduler.render.day import PoolTrace

SERVICES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5C00", "#56B4E9", "#000000", "#E69F00")
"""Okabe and Ito's palette, its yellow darkened to be seen on white."""
DASHES = ((0, ()), (0, (5, 2)), (0, (1, 1.5)))
"""Drawn through, dashed, dotted."""
PRIVATE = ("#33475B", "#5B7C99", "#8FA9BF", "#B9C6D2")
EDGE = ("#3F6F5F", "#7FAF9B", "#B5D3C6")
RENTED = ("#A63603", "#D94801", "#F16913", "#FD8D3C")
SPOT = ("#FDBE85", "#FDD9A0", "#FEE8C8", "#F7C6A5")
OURS = "#0B3C5D"
BASELINES = ("#D55E00", "#7A7A7A", "#CC79A7", "#009E73")


@dataclass(frozen=True, slots=True)
class Fill:
    """How the area of one pool is filled."""

    colour: str
    hatch: str


def fills(pools: Sequence[PoolTrace]) -> list[Fill]:
    """Private in blue greys, edge in greens, rented in warm colours, spot light and hatched."""
    wheels = {name: cycle(colours) for name, colours in _FAMILIES.items()}
    return [Fill(next(wheels[_family(pool)]), _hatch(pool)) for pool in pools]


def stacked(pools: Sequence[PoolTrace]) -> list[PoolTrace]:
    """What is always there lies below: private, edge, rented, and spot on top."""
    contracts = list(Contract)
    return sorted(
        pools,
        key=lambda pool: (_ORDER.index(_family(pool)), contracts.index(pool.contract), pool.name),
    )


_FAMILIES = {"private": PRIVATE, "edge": EDGE, "rented": RENTED, "spot": SPOT}
_ORDER = list(_FAMILIES)


def _family(pool: PoolTrace) -> str:
    if pool.contract is Contract.SPOT:
        return "spot"
    if pool.exposure is Exposure.PUBLIC:
        return "rented"
    return pool.exposure.value


def _hatch(pool: PoolTrace) -> str:
    return "///" if pool.contract is Contract.SPOT else ""
