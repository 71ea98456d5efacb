"""The Policy protocol: what a policy may say to the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import NOTHING, Affine, Block, Bools, Floats
from scheduler.model.board import Board


@dataclass(frozen=True, slots=True)
class Hard:
    """Always true of every plan."""


@dataclass(frozen=True, slots=True)
class Priced:
    """May be broken, for `usd_per_hour` a unit."""

    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Mend:
    """Hard while it holds today. Broken today: never worse, and `usd_per_hour` a unit to mend."""

    usd_per_hour: float


Strictness = Hard | Priced | Mend
HARD = Hard()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """Rows with limits: lower <= value <= upper (infinite where one side is open)."""

    name: str
    value: Affine
    lower: Floats
    upper: Floats
    strictness: Strictness
    words: Callable[[int], str]
    """The rule of one row, in words."""


def at_most(
    name: str,
    value: Affine,
    limit: Floats,
    *,
    words: Callable[[int], str],
    strictness: Strictness = HARD,
) -> Rules:
    """Rows value <= limit."""
    open_end = np.full(value.rows, -np.inf)
    return Rules(
        name=name, value=value, lower=open_end, upper=limit, strictness=strictness, words=words
    )


def at_least(
    name: str,
    value: Affine,
    limit: Floats,
    *,
    words: Callable[[int], str],
    strictness: Strictness = HARD,
) -> Rules:
    """Rows value >= limit."""
    open_end = np.full(value.rows, np.inf)
    return Rules(
        name=name, value=value, lower=limit, upper=open_end, strictness=strictness, words=words
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """The part of a policy's costs that is paid once, for the way from what runs to the plan."""

    usd_per_hour: Affine
    """One row: the price in USD, divided by the hours."""
    horizon_hours: float
    """The change is expected to last this long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contribution:
    """A policy's part of the model: its costs (one row, USD per hour), rules and own unknowns."""

    usd_per_hour: Affine = NOTHING
    rules: tuple[Rules, ...] = ()
    blocks: tuple[Block, ...] = ()
    change: Change | None = None
    """The part of `usd_per_hour` that prices changes, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forbidden:
    """Options that may not be taken, whatever they cost: they never enter the model."""

    mask: Bools
    """One flag an option of the board."""
    words: Callable[[int], str]
    """Why option `i` is forbidden."""


class Policy(Protocol):
    """A pure function of the board. It asks no cluster, reads no clock, keeps no memory."""

    @property
    def name(self) -> PolicyName:
        """Unique among the policies in force; also its line on the bill."""
        ...

    def contribute(self, board: Board) -> Contribution:
        """Costs and rules over the unknowns of the board."""
        ...


@runtime_checkable
class Forbidding(Protocol):
    """A policy that takes options off the board before the model exists."""

    @property
    def name(self) -> PolicyName:
        """The policy's name."""
        ...

    def forbid(self, board: Board) -> Forbidden:
        """Which options are out, and why."""
        ...
