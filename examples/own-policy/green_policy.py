"""A policy from outside the tree: a price for the carbon of the electricity behind each node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.board import Board
from scheduler.model.policy import Contribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Green:
    """Charges `usd_per_kg` for the carbon dioxide of every node hour, by the region's grid."""

    name: ClassVar[PolicyName] = PolicyName("green")
    usd_per_kg: float = 0.1
    kw_per_gpu: float = 0.4
    kg_per_kwh: Mapping[str, float] = field(default_factory=dict)
    """By region; a region that is not named counts as `kg_elsewhere`."""
    kg_elsewhere: float = 0.5

    def contribute(self, board: Board) -> Contribution:
        """USD per hour, linear in the nodes of each pool."""
        clusters = board.catalogue.clusters
        grid = np.array([self.kg_per_kwh.get(c.region, self.kg_elsewhere) for c in clusters])
        kg_per_node_hour = board.pools.gpus * self.kw_per_gpu * grid[board.pools.cluster]
        return Contribution(usd_per_hour=board.nodes @ (kg_per_node_hour * self.usd_per_kg))
