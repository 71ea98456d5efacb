"""Spot risk: hedges against the loss of many spot nodes at once."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from policies.cost import interruptions
from policies.services import Pairs, in_gpus, inside, loaded, of_all, outlast, pairs, zones
from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import TrainingJob
from scheduler.model.affine import Affine, Floats, Ints
from scheduler.model.board import Board
from scheduler.model.policy import (
    HARD,
    Contribution,
    Mend,
    Priced,
    Rules,
    Strictness,
    at_most,
)


class Caps(StrEnum):
    """How strictly a cap is kept: the words of the model's rules."""

    PRICED = "priced"
    MEND = "mend"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRisk:
    """Spot nodes of one zone go together: not too much of a service is on them.

    Services without a spot option, and gangs that can wait, are not concerned.
    """

    name: ClassVar[PolicyName] = PolicyName("spot-risk")
    share: float = 0.5
    """Of a service's capacity, at most this much is on spot nodes."""
    share_per_zone: float = 1.0
    """At most this much is on the spot nodes of any one zone."""
    survive: float = 0.0
    """Share of the load that is carried without the spot nodes of any one zone."""
    caps: Caps = Caps.PRICED
    """Strictness of both shares, and of keeping gangs that cannot wait off spot nodes."""
    usd_per_gpu_hour: float = 10.0
    """For a GPU's capacity beyond a share, or lacking after a loss: dearer room is not rented."""
    usd_per_missed_deadline: float = 500.0
    """What the interruption of a gang costs that can no longer wait for its deadline."""

    def __post_init__(self) -> None:
        for name in ("share", "share_per_zone", "survive"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1")

    def contribute(self, board: Board) -> Contribution:
        """Few rows: one a service, one a service and spot zone, one a gang that cannot wait."""
        options, n = board.options, board.traffic_options
        is_spot = board.pools.is_spot[options.pool[:n]] & loaded(board)[options.workload[:n]]
        zone_of, zone_words = zones(board)
        everywhere = pairs(board, np.zeros(n, dtype=np.int64), is_spot)
        by_zone = pairs(board, zone_of[options.pool[:n]], is_spot)
        gangs = _urgent_gangs(board)
        rules: list[Rules] = []
        if self.share < 1.0:
            rules.append(self._cap(board, "share", everywhere, self.share, lambda _: ""))
        if self.share_per_zone < self.share:
            words = _in_zone(by_zone, zone_words)
            rules.append(self._cap(board, "share of zone", by_zone, self.share_per_zone, words))
        if self.survive > 0.0:
            rules.append(self._survive(board, by_zone, zone_words))
        if self.caps is not Caps.PRICED:
            rules.append(self._waits_no_more(board, gangs))
        return Contribution(usd_per_hour=self._missed(board, gangs), rules=tuple(rules))

    def _cap(
        self, board: Board, name: str, found: Pairs, most: float, where: Callable[[int], str]
    ) -> Rules:
        """What is on spot <= share x (all capacity + the load that nothing carries)."""
        lacking = board.missing.take(found.service) * in_gpus(board)[found.service]
        needed = of_all(board, found.service) + lacking
        names = board.workloads.names
        return self._kept(
            board,
            name,
            inside(board, found) - needed * most,
            self.usd_per_gpu_hour,
            lambda row: (
                f"at most {most:.0%} of {names[int(found.service[row])]} is on spot{where(row)}"
            ),
        )

    def _survive(self, board: Board, found: Pairs, zone_words: tuple[str, ...]) -> Rules:
        names, where = board.workloads.names, _in_zone(found, zone_words)
        return outlast(
            board,
            "survive",
            found,
            self.survive,
            self.usd_per_gpu_hour,
            lambda row: (
                f"{names[int(found.service[row])]} keeps {self.survive:.0%} "
                f"without spot{where(row)}"
            ),
        )

    def _waits_no_more(self, board: Board, gangs: Ints) -> Rules:
        """Units on spot of each gang <= 0. The interruption itself is priced apart."""
        owners = np.unique(board.options.workload[gangs])
        row = np.searchsorted(owners, board.options.workload[gangs])
        value = board.units.take(gangs).sum_by(row, len(owners))
        names = board.workloads.names
        return self._kept(
            board,
            "gangs on spot",
            value,
            0.0,
            lambda row: f"{names[int(owners[row])]} can wait no longer: it stays off spot",
        )

    def _missed(self, board: Board, gangs: Ints) -> Affine:
        """Interruptions per hour x a missed deadline, for gangs that cannot wait."""
        each = interruptions(board)[gangs] * self.usd_per_missed_deadline
        return board.units.take(gangs) @ each

    def _kept(
        self, board: Board, name: str, value: Affine, usd: float, words: Callable[[int], str]
    ) -> Rules:
        """value <= 0; what is at a site that is not seen is no choice of the plan."""
        stuck: Floats = np.maximum(0.0, value.at(_stuck(board)))
        return at_most(name, value, stuck, strictness=self._strictness(usd), words=words)

    def _strictness(self, usd: float) -> Strictness:
        match self.caps:
            case Caps.PRICED:
                return Priced(usd)
            case Caps.MEND:
                return Mend(usd)
            case Caps.HARD:
                return HARD


def _urgent_gangs(board: Board) -> Ints:
    """Options on spot of gangs whose deadline cannot wait."""
    due = np.array(
        [
            isinstance(item, TrainingJob) and item.deadline is not None
            for item in board.workloads.items
        ],
        dtype=bool,
    )
    options = board.options
    on_spot = board.pools.is_spot[options.pool]
    return np.nonzero((due & board.workload_state.urgent)[options.workload] & on_spot)[0]


def _stuck(board: Board) -> dict[str, Floats]:
    """The least that there is of every block of the board."""
    return {name: block.lower for name, block in board.blocks.items()}


def _in_zone(found: Pairs, zone_words: tuple[str, ...]) -> Callable[[int], str]:
    return lambda row: f" in {zone_words[int(found.place[row])]}"
