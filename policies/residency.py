"""Residency: data stays in the clusters that may hold its class."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import DataClass, PolicyName
from scheduler.domain.workloads import Workload
from scheduler.model.board import Board
from scheduler.model.policy import Contribution, Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Residency:
    """Forbids every place that may not hold the workload's class or that of its datasets.

    Forbidden options never enter the model, so that no wrong price can choose them.
    """

    name: ClassVar[PolicyName] = PolicyName("residency")
    also_private: tuple[str, ...] = ()
    """Workloads that stay in private clusters whatever their class says."""

    def forbid(self, board: Board) -> Forbidden:
        """Options whose cluster does not hold all classes that the workload touches."""
        classes = [_classes(board.catalogue.fleet, item) for item in board.workloads.items]
        clusters = board.catalogue.clusters
        allowed = np.array(
            [
                [
                    wanted <= cluster.holds and self._private_enough(item, cluster.exposure)
                    for cluster in clusters
                ]
                for item, wanted in zip(board.workloads.items, classes, strict=True)
            ],
            dtype=bool,
        ).reshape(len(classes), len(clusters))
        out = ~allowed[board.options.workload, board.options.cluster]
        return Forbidden(mask=out, words=lambda i: _why(board, classes, i))

    def contribute(self, board: Board) -> Contribution:
        """Nothing is left to price."""
        del board
        return Contribution()

    def _private_enough(self, item: Workload, exposure: str) -> bool:
        return exposure == "private" or item.name not in self.also_private


def _classes(fleet: Fleet, item: Workload) -> frozenset[DataClass]:
    read = {fleet.datasets[name].data_class for name in item.datasets if name in fleet.datasets}
    return frozenset({item.data_class, *read})


def _why(board: Board, classes: list[frozenset[DataClass]], option: int) -> str:
    cluster = board.catalogue.clusters[int(board.options.cluster[option])]
    lacking = sorted(classes[int(board.options.workload[option])] - cluster.holds)
    if not lacking:
        return f"the policy keeps it in private clusters and {cluster.name} is {cluster.exposure}"
    return f"{' and '.join(lacking)} data may not be in {cluster.name}"
