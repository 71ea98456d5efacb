"""Stability: moving has a price, so that nothing moves for less."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import InferenceService, TrainingJob
from scheduler.model.affine import Affine, Block, Bools, Floats
from scheduler.model.board import Board
from scheduler.model.policy import Change, Contribution, Rules, at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Prices starting and stopping nodes and work, spread over the hours a change should last.

    Started: the boot and start-up time at the price of the node. Stopped: a job loses what its
    last checkpoint does not hold, and its restart. What runs neither starts nor stops for free.
    """

    name: ClassVar[PolicyName] = PolicyName("stability")
    horizon_hours: float = 1.0
    """A change is expected to last this long."""
    move_price: float = 1.0
    """Factor on all of it."""
    usd_per_pod: float = 0.25
    """What starting or stopping one pod costs beside the time of its node: cold caches, risk."""

    def contribute(self, board: Board) -> Contribution:
        """Started units and nodes are priced; stopped units too."""
        factor = self.move_price / self.horizon_hours
        state, options = board.pool_state, board.options
        nodes = _changes("nodes", board.nodes, state.nodes_now, _boot_usd(board) * factor)
        units = _changes(
            "units", board.units, options.units_now, _start_usd(board, self.usd_per_pod) * factor
        )
        stops = _stops(board, _stop_usd(board, self.usd_per_pod) * factor)
        parts = (nodes, units, stops)
        cost = Affine(np.zeros(1))
        for part in parts:
            cost += part.usd_per_hour
        return Contribution(
            usd_per_hour=cost,
            rules=tuple(rule for part in parts for rule in part.rules),
            blocks=tuple(block for part in parts for block in part.blocks),
            change=Change(usd_per_hour=cost, horizon_hours=self.horizon_hours),
        )


def _changes(word: str, value: Affine, now: Floats, usd: Floats) -> Contribution:
    """usd x (value - now)+ : linear where now = 0, one unknown where something runs."""
    idle = now <= 0.0
    cost = value.take(idle) @ usd[idle]
    running = np.nonzero(~idle)[0]
    block, rule = _excess(f"started {word}", value.take(running), now[running], 1.0)
    return Contribution(
        usd_per_hour=cost + block.value @ usd[running], rules=(rule,), blocks=(block,)
    )


def _stops(board: Board, usd: Floats) -> Contribution:
    running = np.nonzero((board.options.units_now > 0.0) & (usd > 0.0))[0]
    now = board.options.units_now[running]
    block, rule = _excess("stopped units", board.units.take(running), now, -1.0)
    return Contribution(usd_per_hour=block.value @ usd[running], rules=(rule,), blocks=(block,))


def _excess(word: str, value: Affine, now: Floats, sign: float) -> tuple[Block, Rules]:
    """An unknown >= sign x (value - now)."""
    block = Block(name=word, lower=np.zeros(value.rows), upper=np.full(value.rows, np.inf))
    rule = at_least(
        word,
        block.value - value * sign,
        -sign * now,
        words=lambda row: f"{word} {row} are paid for",
    )
    return block, rule


def _boot_usd(board: Board) -> Floats:
    """A node is paid for while it boots."""
    usd: Floats = board.pool_state.usd_per_node_hour * board.pools.boot_s / 3600.0
    return usd


def _start_usd(board: Board, usd_per_pod: float) -> Floats:
    """A unit occupies its share of a node while it starts or restarts."""
    options, state = board.options, board.pool_state
    start = np.array(
        [
            item.start_s if isinstance(item, InferenceService) else item.restart_s
            for item in board.workloads.items
        ]
    )
    node = state.usd_per_node_hour[options.pool] * options.nodes_per_unit
    usd: Floats = node * start[options.workload] / 3600.0 + usd_per_pod * options.pods_per_unit
    return usd


def _stop_usd(board: Board, usd_per_pod: float) -> Floats:
    """A wanted job that stops loses half a checkpoint interval and its restart, at its worth."""
    options = board.options
    lost = np.array([_loss_hours(item) * _worth(item) for item in board.workloads.items])
    per_unit = lost / np.where(board.workloads.whole_gang, 1, board.workloads.gang)
    stop = per_unit[options.workload] + usd_per_pod * options.pods_per_unit
    wanted: Bools = board.workload_state.wanted > 0.0
    usd: Floats = np.where(wanted[options.workload], stop, 0.0)
    return usd


def _loss_hours(item: InferenceService | TrainingJob) -> float:
    if isinstance(item, TrainingJob):
        return (item.checkpoint_s / 2 + item.restart_s) / 3600.0
    return 0.0


def _worth(item: InferenceService | TrainingJob) -> float:
    return item.wait_usd_per_hour if isinstance(item, TrainingJob) else 0.0
