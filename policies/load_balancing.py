"""Load balancing: a convex price of crowding, so that work goes where there is room."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Affine, Block, Floats, Ints
from scheduler.model.board import Board
from scheduler.model.policy import Contribution, Rules, at_most

TANGENTS = np.array([0.6, 0.8, 1.0])
"""Loads at which the convex price is touched by a line from below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancing:
    """Crowding of GPUs, by pool and by cluster: free up to a comfortable load, then ever dearer.

    With load u = GPUs used / GPUs up, one GPU-hour of capacity is charged
    usd_per_gpu_hour x max(0, (u - comfortable) / (1 - comfortable))^2. For G GPUs up this is the
    perspective G phi(U/G) of a convex phi: jointly convex, so its tangents are linear rows.
    """

    name: ClassVar[PolicyName] = PolicyName("load-balancing")
    usd_per_gpu_hour: float = 0.5
    """Price of a full GPU's crowding."""
    comfortable: float = 0.5
    """Load below which nobody is crowded."""
    cluster_weight: float = 1.0
    """Weight of crowding over whole clusters, beside that of single pools."""

    def contribute(self, board: Board) -> Contribution:
        """One crowding unknown a pool and a cluster, held up by tangents."""
        gpus = board.pools.gpus
        used = (board.units * board.options.gpus_per_unit).sum_by(
            board.options.pool, len(board.pools.names)
        )
        up = board.nodes * gpus
        places = (
            ("pool", board.pools.names, np.arange(len(board.pools.names)), 1.0),
            (
                "cluster",
                tuple(cluster.name for cluster in board.catalogue.clusters),
                board.pools.cluster,
                self.cluster_weight,
            ),
        )
        cost, rules, blocks = Affine(np.zeros(1)), [], []
        for word, names, group, weight in places:
            block, rows = self._crowding(word, names, used, up, group)
            cost += block.value @ np.full(block.size, self.usd_per_gpu_hour * weight)
            rules.append(rows)
            blocks.append(block)
        return Contribution(usd_per_hour=cost, rules=tuple(rules), blocks=tuple(blocks))

    def _crowding(
        self, word: str, names: tuple[str, ...], used: Affine, up: Affine, group: Ints
    ) -> tuple[Block, Rules]:
        block = Block(
            name=f"crowding of {word}",
            lower=np.zeros(len(names)),
            upper=np.full(len(names), np.inf),
            label=lambda i: names[i],
        )
        value, rows = self._tangents(used.sum_by(group, len(names)), up.sum_by(group, len(names)))
        all_blocks = np.tile(np.arange(len(names)), len(TANGENTS))
        rule = at_most(
            f"crowding of {word}",
            value - block.value.take(all_blocks),
            np.zeros(rows),
            words=lambda row: f"{word} {names[row % len(names)]} is crowded",
        )
        return block, rule

    def _tangents(self, used: Affine, up: Affine) -> tuple[Affine, int]:
        """phi'(u) U + (phi(u) - u phi'(u)) G for every tangent point u, stacked."""
        slope, level = self._slope(TANGENTS), self._price(TANGENTS)
        rows = np.tile(np.arange(used.rows), len(TANGENTS))
        steep = np.repeat(slope, used.rows)
        offset = np.repeat(level - TANGENTS * slope, used.rows)
        return used.take(rows) * steep + up.take(rows) * offset, len(rows)

    def _price(self, load: Floats) -> Floats:
        return np.square(np.maximum(0.0, (load - self.comfortable) / (1.0 - self.comfortable)))

    def _slope(self, load: Floats) -> Floats:
        slope: Floats = (
            2.0 * np.maximum(0.0, load - self.comfortable) / (1.0 - self.comfortable) ** 2
        )
        return slope
