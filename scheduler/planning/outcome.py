"""A decision as tables by workload and pool: pods, shares, latency, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scheduler.model.affine import Floats
from scheduler.model.board import FLOW, Board, pods_now
from scheduler.model.capacity import SAFETY, latency_s
from scheduler.planning.decision import Decision

DIGITS = 9
"""Numbers in a plan are rounded here: what is beyond is solver noise."""


def tidy(value: float) -> float:
    """Rounded, and never a negative zero."""
    return round(float(value), DIGITS) + 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A decision read back as tables."""

    decision: Decision

    @property
    def board(self) -> Board:
        """The board it was taken on."""
        return self.decision.board

    @cached_property
    def pods(self) -> Floats:
        """(workloads, pools): pods after; at a site that is not seen those that were there."""
        options = self.board.options
        pods = np.zeros(self.board.catalogue.fit.shape)
        pods[options.workload, options.pool] = np.round(self.decision.units * options.pods_per_unit)
        frozen = self.board.pool_state.frozen
        pods[:, frozen] = pods_now(self.board.catalogue, self.board.snapshot)[:, frozen]
        return pods

    @cached_property
    def capacity_rps(self) -> Floats:
        """(workloads, pools): load per replica within the objective."""
        options = self.board.options
        table = np.zeros(self.board.catalogue.fit.shape)
        table[options.workload, options.pool] = options.capacity_rps
        return table

    @cached_property
    def shares(self) -> Floats:
        """(workloads, pools): share of the traffic after.

        The cheapest bytes are served first, each price up to its capacity; equal prices share by
        capacity. For given replicas no other split costs less.
        """
        n, options = self.board.traffic_options, self.board.options
        shares = np.zeros(self.board.catalogue.fit.shape)
        able = self._able(n)
        prices = self._byte_prices(n)
        for row in range(self.board.workloads.services):
            rows = np.nonzero((options.workload[:n] == row) & (able > 0.0))[0]
            if len(rows):
                wanted = float(self.board.workload_state.wanted[row])
                split = _poured(able[rows], prices[rows], wanted)
                shares[row, options.pool[rows]] = np.round(split, 6)
        return shares

    def _able(self, n: int) -> Floats:
        """Requests per second by traffic option that its replicas carry, with a margin."""
        options, units = self.board.options, self.decision.units[:n]
        each = np.where(options.capacity_rps > 0.0, options.capacity_rps, options.stable_rps)[:n]
        able: Floats = each * np.round(units) * SAFETY
        return able

    def _byte_prices(self, n: int) -> Floats:
        """What one request per second costs on each traffic option, beside its replica."""
        prices = np.zeros(n)
        problem = self.decision.problem
        prices[self.board.routed] = problem.cost[problem.span(FLOW)]
        return np.round(prices, DIGITS)

    @cached_property
    def before(self) -> Mapping[tuple[str, str], tuple[int, float]]:
        """Pods ordered and share of the traffic now, by workload and pool."""
        return {
            (placed.workload, placed.pool): (placed.wanted, placed.share)
            for report in self.board.snapshot.sites.values()
            for placed in report.placements
        }

    @cached_property
    def pods_before(self) -> Mapping[str, int]:
        """Pods ordered now, by workload."""
        total: dict[str, int] = {}
        for (workload, _), (pods, _share) in self.before.items():
            total[workload] = total.get(workload, 0) + pods
        return total

    def predicted_s(self, row: int) -> float | None:
        """Latency quantile of a service on the worst option in use; None with no replica."""
        options = self.board.options
        rows = np.nonzero((options.workload == row) & (self.decision.units > 0.5))[0]
        if not len(rows):
            return None
        share = self.shares[row, options.pool[rows]]
        each = share * self.board.workload_state.wanted[row] / self.decision.units[rows]
        curve = (options.base_s[rows], options.queue_s[rows], options.limit_rps[rows])
        return tidy(float(np.max(latency_s(*curve, each) + options.rtt_s[rows])))


def _poured(able: Floats, prices: Floats, wanted: float) -> Floats:
    """Shares that fill the cheapest options first; the rest of an overload goes by capacity."""
    poured, left = np.zeros(len(able)), wanted
    for price in np.unique(prices):
        tier = prices == price
        room = float(able[tier].sum())
        poured[tier] = able[tier] * min(1.0, left / room)
        left = max(0.0, left - room)
    total = float(poured.sum())
    return poured / total if total > 0.0 else able / able.sum()
