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
        """Node prices, plus rate x (lost work + restart) for every unit that may be interrupted."""
        nodes = board.nodes @ board.pool_state.usd_per_node_hour
        loss = interruptions(board) * _lost_hours(board) * _worth(board)
        return Contribution(usd_per_hour=nodes + board.units @ (loss * self.spot_risk))


def interruptions(board: Board) -> Floats:
    """Expected interruptions of one unit in one hour, by option.

    A whole gang stops with any of its nodes. A worker brings its share of its gang's nodes, so
    that all workers together stop their gang as often as any of its nodes goes.
    """
    options, work = board.options, board.workloads
    workers = np.where(work.whole_gang, 1, work.gang)[options.workload]
    nodes = np.maximum(1.0 / workers, options.nodes_per_unit)
    rate: Floats = board.pools.interruptions_per_hour[options.pool] * nodes
    return rate


def _lost_hours(board: Board) -> Floats:
    """A gang loses half a checkpoint interval and its restart; a replica its start-up time."""
    lost_s = np.array([_lost_s(item) for item in board.workloads.items])
    hours: Floats = lost_s[board.options.workload] / 3600.0
    return hours


def _lost_s(item: InferenceService | TrainingJob) -> float:
    if isinstance(item, TrainingJob):
        return item.checkpoint_s / 2.0 + item.restart_s
    return item.start_s


def _worth(board: Board) -> Floats:
    """USD per lost hour of one unit: a gang's waiting; a replica's part of the load, late."""
    options, items = board.options, board.workloads.items
    price = np.array(
        [
            item.wait_usd_per_hour if isinstance(item, TrainingJob) else item.late_usd_per_hour
            for item in items
        ]
    )
    wanted = board.workload_state.wanted[options.workload]
    part = np.minimum(1.0, options.capacity_rps / np.maximum(wanted, 1e-9))
    is_service = options.workload < board.workloads.services
    worth: Floats = price[options.workload] * np.where(is_service, part * (wanted > 0.0), 1.0)
    return worth
