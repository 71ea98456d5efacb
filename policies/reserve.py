"""Reserve: room for the work of a node that is lost."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from policies.services import of_priority
from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import Priority
from scheduler.model.affine import Block, Ints
from scheduler.model.board import NODES, Board
from scheduler.model.policy import Contribution, Priced, at_least, at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Services of at least `from_priority` keep running through the loss of a node.

    The free GPUs of every cluster that serves them hold the largest node in use there, so that
    its work can be started again at once.
    """

    name: ClassVar[PolicyName] = PolicyName("reserve")
    from_priority: Priority = Priority.CRITICAL
    usd_per_gpu_hour: float = 10.0
    """What a GPU that lacks is worth: spare room dearer than this waits."""

    def contribute(self, board: Board) -> Contribution:
        """Priced rows: a reserve that cannot be had never stops the plan."""
        kept = np.nonzero(of_priority(board, self.from_priority))[0]
        return self._spare(board, kept) if len(kept) else Contribution()

    def _spare(self, board: Board, kept: Ints) -> Contribution:
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
        clusters = board.catalogue.clusters
        used = (board.units * options.gpus_per_unit).sum_by(options.pool, len(pools.names))
        up = (board.nodes * pools.gpus - used).sum_by(pools.cluster, len(clusters))
        as_fixed = up.at({name: block.lower for name, block in board.blocks.items()})
        frozen = np.isin(np.arange(len(clusters)), pools.cluster[board.pool_state.frozen])
        free = Block(
            name="free GPUs",
            # A site that is not seen may hold more than fits: it stays as it is.
            lower=np.where(frozen, np.minimum(0.0, as_fixed), 0.0),
            upper=np.full(len(clusters), np.inf),
            label=lambda i: clusters[i].name,
        )
        # An unknown of its own, so that not every pool's row holds all options of its cluster.
        there = at_most(
            "free GPUs",
            free.value - up,
            np.zeros(len(clusters)),
            words=lambda row: f"{clusters[row].name} has no more free GPUs than nodes leave",
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
            free.value.take(pools.cluster[able]) - use.value * pools.gpus[able],
            np.zeros(len(able)),
            strictness=Priced(self.usd_per_gpu_hour),
            words=lambda row: f"the loss of one {names[row]} node finds free GPUs in its cluster",
        )
        return Contribution(rules=(there, switched, room), blocks=(use, free))
