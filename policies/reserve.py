"""Reserve: what is left after a node or a cluster is lost."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import Priority
from scheduler.model.affine import Block, Ints
from scheduler.model.board import NODES, Board
from scheduler.model.policy import Contribution, Priced, Rules, at_least, at_most

ORDER = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Services of at least `from_priority` keep running through the loss of a node or a cluster.

    Node: the free GPUs of every cluster that serves them hold the largest node in use there, so
    that its work can be started again at once. Cluster: the replicas elsewhere carry
    `share_without_cluster` of the load.
    """

    name: ClassVar[PolicyName] = PolicyName("reserve")
    node: bool = True
    share_without_cluster: float = 0.0
    from_priority: Priority = Priority.CRITICAL
    usd_per_gpu_hour: float = 10.0
    """What a GPU that lacks for the loss of a node is worth: spare room dearer than this waits."""
    usd_per_late_share: float = 200.0
    """USD per hour for a whole load that the loss of a cluster would leave unserved."""

    def contribute(self, board: Board) -> Contribution:
        """Priced rows: a reserve that cannot be had never stops the plan."""
        kept = self._kept(board)
        rules: list[Rules] = []
        blocks: tuple[Block, ...] = ()
        if self.node and len(kept):
            spare, blocks = self._spare(board, kept)
            rules += spare
        if self.share_without_cluster > 0.0 and len(kept):
            rules.append(self._survive(board, kept))
        return Contribution(rules=tuple(rules), blocks=blocks)

    def _kept(self, board: Board) -> Ints:
        """Services that the reserve is for."""
        least = ORDER.index(self.from_priority)
        rows = [
            row
            for row, item in enumerate(board.workloads.items[: board.workloads.services])
            if ORDER.index(item.priority) >= least
        ]
        return np.array(rows, dtype=np.int64)

    def _spare(self, board: Board, kept: Ints) -> tuple[list[Rules], tuple[Block, ...]]:
        """Free GPUs of a cluster >= GPUs of each node type in use: one switch a pool."""
        options, pools = board.options, board.pools
        able = np.unique(options.pool[np.isin(options.workload, kept)])
        names = [pools.names[i] for i in able]
        use = Block(
            name="in use",
            lower=np.zeros(len(able)),
            upper=np.ones(len(able)),
            integer=True,
            label=lambda i: names[i],
        )
        used = (board.units * options.gpus_per_unit).sum_by(options.pool, len(pools.names))
        free = (board.nodes * pools.gpus - used).sum_by(
            pools.cluster, len(board.catalogue.clusters)
        )
        most = np.maximum(board.blocks[NODES].upper[able], 1.0)
        switched = at_most(
            "in use",
            board.nodes.take(able) - use.value * most,
            np.zeros(len(able)),
            words=lambda row: f"{names[row]} is in use",
        )
        room = at_least(
            "node",
            free.take(pools.cluster[able]) - use.value * pools.gpus[able],
            np.zeros(len(able)),
            strictness=Priced(self.usd_per_gpu_hour),
            words=lambda row: f"the loss of one {names[row]} node finds free GPUs in its cluster",
        )
        return [switched, room], (use,)

    def _survive(self, board: Board, kept: Ints) -> Rules:
        """Capacity outside each cluster >= share x load, as a share of the load."""
        n, services = board.traffic_options, board.workloads.services
        clusters = board.catalogue.clusters
        options, wanted = board.options, board.workload_state.wanted
        able = board.units.take(np.arange(n)) * options.capacity_rps[:n]
        rows = [(s, c) for s in kept for c in range(len(clusters)) if wanted[s] > 0.0]
        total = able.sum_by(options.workload[:n], services)
        inside = able.sum_by(
            options.workload[:n] * len(clusters) + options.cluster[:n], services * len(clusters)
        )
        who = np.array([s for s, _ in rows], dtype=np.int64)
        lost = np.array([s * len(clusters) + c for s, c in rows], dtype=np.int64)
        outside = (total.take(who) - inside.take(lost)) * (1.0 / wanted[who])
        return at_least(
            "cluster",
            outside,
            np.full(len(rows), self.share_without_cluster),
            strictness=Priced(self.usd_per_late_share),
            words=lambda row: (
                f"{board.workloads.names[rows[row][0]]} keeps "
                f"{self.share_without_cluster:.0%} without {clusters[rows[row][1]].name}"
            ),
        )
