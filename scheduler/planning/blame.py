"""Blame: why one option of a workload is not (further) used, and what would have to change."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.model.board import NODES, UNITS
from scheduler.model.catalogue import FIT_WORDS, Fit
from scheduler.planning.decision import Decision
from scheduler.planning.figures import plural, usd


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence, what would change it, and how strongly it binds (lower comes first)."""

    words: str
    remedy: str
    rank: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Blame:
    """Reasons for every option that the plan does not use."""

    decision: Decision

    @cached_property
    def _excluded(self) -> tuple[Ints, Ints]:
        """(workloads, pools): who took the option off last, and which option it was; -1: nobody."""
        shape = self.decision.whole_board.catalogue.fit.shape
        who, which = np.full(shape, -1, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
        for number, forbids in enumerate(self.decision.forbids):
            out = np.nonzero(forbids.forbidden.mask)[0]
            options = forbids.board.options
            key = (options.workload[out], options.pool[out])
            who[key], which[key] = number, out
        return who, which

    @cached_property
    def _used(self) -> Floats:
        """Nodes by pool that the planned units take."""
        decision, options = self.decision, self.decision.board.options
        taken = options.nodes_per_unit * decision.units
        count = len(decision.board.pools.names)
        used: Floats = np.bincount(options.pool, taken, minlength=count).astype(float)
        return used

    def options_of(self, workload: int) -> Ints:
        """Options on the board of one workload."""
        return np.nonzero(self.decision.board.options.workload == workload)[0].astype(np.int64)

    def excluded(self, workload: int, pool: int) -> Reason | None:
        """Why the pool is no option at all, if so."""
        board = self.decision.whole_board
        fit = Fit(int(board.catalogue.fit[workload, pool]))
        if fit is not Fit.FITS:
            return Reason(FIT_WORDS[fit], "change the workload's or the pool's declaration", 5)
        who, which = self._excluded
        if who[workload, pool] < 0:
            return None
        forbids = self.decision.forbids[int(who[workload, pool])]
        words = f"{forbids.forbidden.words(int(which[workload, pool]))} ({forbids.policy})"
        return Reason(words, "a policy or the data's class would have to change", 4)

    def unused(self, option: int) -> Reason:
        """Why an option of the board gets no (more) pods: frozen, sold out, full or too dear."""
        decision, board = self.decision, self.decision.board
        pool = int(board.options.pool[option])
        name = board.pools.names[pool]
        state = board.pool_state
        if state.frozen[pool]:
            return Reason(f"{name}'s site is not seen", "the site has to answer again", 1)
        if self.is_full(pool, option):
            if state.sold_out[pool]:
                return Reason(f"{name} is sold out", "capacity has to come back there", 2)
            most = board.blocks[NODES].upper[pool]
            return Reason(
                f"{name} is full at its {plural(most, 'node')}", f"raise nodes.max of {name}", 2
            )
        at = decision.problem.span(UNITS).start + option
        extra = max(0.0, float(decision.solution.reduced_costs[at]))
        node = float(state.usd_per_node_hour[pool]) * float(board.options.nodes_per_unit[option])
        words = f"{name} costs {usd(node)} a unit"
        if extra > 0.005:
            words += f", {usd(extra)} too much"
        return Reason(words, f"{name} would have to cost less, or waiting more", 3)

    def is_full(self, pool: int, option: int) -> bool:
        """No room for one more unit, even with all nodes that the pool may have."""
        board = self.decision.board
        most = float(board.blocks[NODES].upper[pool])
        one_more = float(self._used[pool]) + float(board.options.nodes_per_unit[option])
        return one_more > most + 1e-6

    def dominant(self, workload: int) -> Reason:
        """The reason that holds back the most, over all pools."""
        rows = self.options_of(workload)
        if len(rows):
            found = [self.unused(int(row)) for row in rows]
        else:
            pools = range(len(self.decision.board.pools.names))
            found = [r for pool in pools if (r := self.excluded(workload, pool)) is not None]
        if not found:
            return Reason("no pool is declared", "declare a NodePool", 9)
        return _merged(found)


def _merged(found: list[Reason]) -> Reason:
    """The commonest kind of reason; sentences of that kind joined."""
    ranks = [reason.rank for reason in found]
    rank = max(set(ranks), key=lambda r: (ranks.count(r), -r))
    same = sorted({reason.words for reason in found if reason.rank == rank})
    remedies = sorted({reason.remedy for reason in found if reason.rank == rank})
    more = f" (and {len(same) - 2} more)" if len(same) > 2 else ""
    return Reason("; ".join(same[:2]) + more, remedies[0], rank)
