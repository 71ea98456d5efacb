"""Cost: what the nodes cost, and what an interruption of a spot node is expected to cost."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import InferenceService, TrainingJob
from scheduler.model.affine import Floats
from scheduler.model.board import Board
from scheduler.model.policy import Contribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Prices every node hour in USD, and on spot pools the work that interruptions lose."""

    name: ClassVar[PolicyName] = PolicyName("cost")
    spot_risk: float = 1.0
    """Factor on the expected loss by interruptions; 0 takes the spot price as it is."""

    def contribute(self, board: Board) -> Contribution:
        """Node prices, plus rate x loss for every unit on an interruptible pool."""
        nodes = board.nodes @ board.pool_state.usd_per_node_hour
        risk = board.units @ (_expected_loss(board) * self.spot_risk)
        return Contribution(usd_per_hour=nodes + risk)


def _expected_loss(board: Board) -> Floats:
    """USD per hour and unit: interruptions per hour of its nodes x what one of them loses."""
    options = board.options
    lost = np.array([_loss_usd(item) for item in board.workloads.items])
    rate = board.pools.interruptions_per_hour[options.pool]
    nodes = np.maximum(1.0, options.nodes_per_unit)
    loss: Floats = rate * nodes * lost[options.workload]
    return loss


def _loss_usd(item: InferenceService | TrainingJob) -> float:
    """A job loses half a checkpoint interval and its restart; a replica its start-up time."""
    if isinstance(item, TrainingJob):
        return item.wait_usd_per_hour * (item.checkpoint_s / 2 + item.restart_s) / 3600.0
    return item.late_usd_per_hour / max(item.max_replicas, 1) * item.start_s / 3600.0
