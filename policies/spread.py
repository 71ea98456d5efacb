"""Spread: what is left of a service when a pool, a zone or a cluster is lost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from policies.services import Pairs, loaded, of_priority, outlast, pairs, zones
from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import Priority
from scheduler.model.affine import Ints
from scheduler.model.board import Board
from scheduler.model.policy import Contribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Without any one place of a kind, the replicas elsewhere carry a share of the load."""

    name: ClassVar[PolicyName] = PolicyName("spread")
    without_cluster: float = 0.3
    """Share of the load that the loss of any one cluster leaves carried; 0 asks for nothing."""
    without_zone: float = 0.0
    without_pool: float = 0.0
    from_priority: Priority = Priority.CRITICAL
    """Services below it are not spread."""
    usd_per_gpu_hour: float = 10.0
    """What a GPU that would lack after the loss is worth: dearer room is not rented for it."""

    def __post_init__(self) -> None:
        for name in ("without_cluster", "without_zone", "without_pool"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1: it is a share of the load")

    def contribute(self, board: Board) -> Contribution:
        """One row a service and place: what is elsewhere >= share x load."""
        asked = of_priority(board, self.from_priority) & loaded(board)
        options, n = board.options, board.traffic_options
        rules, told = [], set[tuple[int, int]]()
        for kind, share, place_of, words in self._kinds(board):
            found = pairs(board, place_of[options.pool[:n]], asked[options.workload[:n]])
            # A cluster with one zone is lost with it: the larger share says it all.
            new = np.array([one not in told for one in found.sets()], dtype=bool)
            told.update(found.sets())
            found = found.only(new)
            words_of = _words(board, found, share, words)
            rules.append(outlast(board, kind, found, share, self.usd_per_gpu_hour, words_of))
        return Contribution(rules=tuple(rules))

    def _kinds(self, board: Board) -> Iterator[tuple[str, float, Ints, tuple[str, ...]]]:
        """Kind, share, place of every pool, and the places in words: the largest share first."""
        zone_of, zone_words = zones(board)
        clusters = tuple(str(cluster.name) for cluster in board.catalogue.clusters)
        every_pool = np.arange(len(board.pools.names))
        kinds = (
            ("cluster", self.without_cluster, board.pools.cluster, clusters),
            ("zone", self.without_zone, zone_of, zone_words),
            ("pool", self.without_pool, every_pool, board.pools.names),
        )
        asked = (kind for kind in kinds if kind[1] > 0.0)
        return iter(sorted(asked, key=lambda kind: -kind[1]))


def _words(
    board: Board, found: Pairs, share: float, places: tuple[str, ...]
) -> Callable[[int], str]:
    names = board.workloads.names
    return lambda row: (
        f"{names[int(found.service[row])]} keeps {share:.0%} "
        f"without {places[int(found.place[row])]}"
    )
