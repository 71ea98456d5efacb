"""Response time: enough capacity, within each service's objective, for the load that is coming."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.workloads import InferenceService
from scheduler.model.affine import Affine
from scheduler.model.board import Board
from scheduler.model.capacity import SAFETY
from scheduler.model.physics import carry
from scheduler.model.policy import Contribution, Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTime:
    """Load per replica stays within what the latency curve carries at the objective.

    Load rises or replicas slow down: more replicas are needed; it falls: fewer are.
    """

    name: ClassVar[PolicyName] = PolicyName("response-time")
    safety: float = SAFETY
    """Share of the computed capacity to plan with."""
    late_price: float = 1.0
    """Factor on every service's price of late requests."""

    def forbid(self, board: Board) -> Forbidden:
        """Options that miss the objective even when idle."""
        options, n = board.options, board.traffic_options
        never = np.zeros(options.count, dtype=bool)
        never[:n] = options.capacity_rps[:n] <= 0.0
        return Forbidden(mask=never, words=lambda i: _too_slow(board, i))

    def contribute(self, board: Board) -> Contribution:
        """The load is carried by replicas that stay within the objective."""
        able = board.options.capacity_rps * self.safety
        words = "answers within its objective"
        return Contribution(
            usd_per_hour=self._late(board), rules=carry(board, able, "objective", words)
        )

    def _late(self, board: Board) -> Affine:
        """What lateness costs beyond (or below) the worth that the board gives it."""
        state, services = board.workload_state, board.workloads.services
        price = np.where(np.arange(len(state.wanted)) < services, state.missing_usd_per_hour, 0.0)
        return board.missing @ (price * (self.late_price - 1.0))


def _too_slow(board: Board, option: int) -> str:
    options = board.options
    item = board.workloads.items[int(options.workload[option])]
    assert isinstance(item, InferenceService)
    best = options.base_s[option] + options.queue_s[option] + options.rtt_s[option]
    network = (
        f", {options.rtt_s[option] * 1e3:.0f} ms of it network" if options.rtt_s[option] else ""
    )
    quantile = f"p{item.objective.quantile * 100:g}"
    return (
        f"best reachable {quantile} is {best * 1e3:.0f} ms{network}, "
        f"the objective {item.objective.seconds * 1e3:.0f} ms"
    )
