"""Budget: the fleet costs no more than so much an hour."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.board import NODES, Board
from scheduler.model.catalogue import CONTRACTS
from scheduler.model.policy import Contribution, Mend, at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A cap in USD per hour on rented nodes. Over it today: never more, and mended with urgency."""

    usd_per_hour: float
    name: ClassVar[PolicyName] = PolicyName("budget")
    owned_too: bool = False
    """Count the nodes of owned pools as well."""

    def contribute(self, board: Board) -> Contribution:
        """Price of all counted nodes <= cap."""
        owned = np.array([contract == "owned" for contract in CONTRACTS])[board.pools.contract]
        counted = np.where(owned & (not self.owned_too), 0.0, board.pool_state.usd_per_node_hour)
        words = "owned and rented" if self.owned_too else "rented"
        # What pools hold by their minimum, or at an unseen site, is no choice of the plan.
        forced = float(board.blocks[NODES].lower @ counted)
        cap = at_most(
            "cap",
            board.nodes @ counted,
            np.array([max(self.usd_per_hour, forced)]),
            strictness=Mend(usd_per_hour=100.0),
            words=lambda _: f"{words} nodes cost at most {self.usd_per_hour:g} USD/h",
        )
        return Contribution(rules=(cap,))
