"""Rounding: workload after workload made whole, the linear program answering for the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats, Ints
from scheduler.model.board import NODES, Board
from scheduler.model.problem import Problem
from scheduler.solve.near.cover import HAIR, Place, cheapest, covers, factors, lack
from scheduler.solve.near.live import Live, Part, whole
from scheduler.solve.near.small import Small, without_fixed

BATCHES = 6
"""Prices are found anew after each sixth of the workloads."""
ROUNDS = 60
TRIES = 3
"""A workload that finds no place so often is left to the search at the end."""


class Rounding:
    """One descent: limits grow tighter until every unit is whole."""

    def __init__(self, near: Small, board: Board, problem: Problem, time_limit_s: float) -> None:
        self._near, self._board = near, board
        self._live = Live(near.part, time_limit_s)
        self._lower, self._upper = near.part.lower.copy(), near.part.upper.copy()
        self._matrix = near.part.matrix.tocsc()
        self._covers = covers(near, len(board.workloads.names))
        self._room = problem.upper[problem.span(NODES)] - board.taken
        self._tries = np.zeros(len(board.workloads.names), dtype=np.int64)
        self._done = np.zeros(len(board.workloads.names), dtype=bool)
        self._size = np.where(near.option >= 0, board.options.nodes_per_unit[near.option], 0.0)
        self._pool = np.where(near.option >= 0, board.options.pool[near.option], -1)
        self._unit = near.owner >= 0
        units = np.nonzero(self._unit)[0]
        self._columns = units[np.argsort(near.owner[units], kind="stable")]
        self._start = np.searchsorted(
            near.owner[self._columns], np.arange(len(board.workloads.names) + 1)
        )
        self.job = self._jobs()
        self._stale = False

    def run(self, settings: SolverSettings) -> Floats | None:
        """Whole numbers for the small problem, or nothing."""
        if not self._live.solve() or not self._gangs():
            return None
        split = self._split()
        size = max(8, -(-len(split) // BATCHES))
        for _ in range(ROUNDS):
            if not len(split):
                break
            self._fix(self._chosen(split[:size]))
            self._settle()
            split = self._split()
        return self._rest(settings)

    def _jobs(self) -> Ints:
        """The job of each whole unknown that stands for one: units, and what is tied to them."""
        near, services = self._near, self._board.workloads.services
        job = np.where(near.owner >= services, near.owner, -1)
        matrix = near.part.matrix
        other = np.nonzero(near.part.integer & ~self._unit & ~near.is_node)[0]
        for column in other.tolist():
            rows = self._matrix.indices[slice(*self._matrix.indptr[column : column + 2])]
            spans = [matrix.indices[matrix.indptr[r] : matrix.indptr[r + 1]] for r in rows]
            owners = np.unique(near.owner[np.concatenate([*spans, [column]]).astype(np.int64)])
            owners = owners[owners >= 0]
            if len(owners) == 1 and owners[0] >= services:
                job[column] = owners[0]
        return job

    def _fraction(self, x: Floats) -> Floats:
        part = x - np.floor(x + HAIR)
        return np.where(self._near.part.integer & (part > HAIR), part, 0.0)

    def _gangs(self) -> bool:
        """Jobs first: of each the most likely place, until none is split."""
        for _ in range(ROUNDS):
            self._settle()
            x = self._live.x
            fraction = np.where(self.job >= 0, self._fraction(x), 0.0)
            split = np.nonzero(fraction)[0]
            if not len(split):
                # They stay: services are made whole around them.
                columns = np.nonzero(self.job >= 0)[0]
                return self._limit(columns, np.round(x[columns]), np.round(x[columns]))
            order = split[np.lexsort((split, -fraction[split], self.job[split]))]
            first = np.ones(len(order), dtype=bool)
            first[1:] = self.job[order][1:] != self.job[order][:-1]
            if not self._raise(order[first], x):
                return False
        return False

    def _raise(self, columns: Ints, x: Floats) -> bool:
        """Rounds them up: all at once, else one after the other, and down what cannot be."""
        up = np.ceil(x[columns] - HAIR)
        if self._limit(columns, up, self._upper[columns]):
            return True
        for column, most in zip(columns.tolist(), up.tolist(), strict=True):
            one = np.array([column])
            if not self._limit(one, np.array([most]), self._upper[one]) and not self._limit(
                one, self._lower[one], np.array([most - 1.0])
            ):
                return False
        return True

    def _limit(self, columns: Ints, lower: Floats, upper: Floats) -> bool:
        """New limits, if a solution is left; the old ones again if not."""
        self._live.limit(columns, lower, upper)
        if self._live.solve():
            self._lower[columns], self._upper[columns] = lower, upper
            self._stale = False
            return True
        self._live.limit(columns, self._lower[columns], self._upper[columns])
        self._stale = True
        return False

    def _settle(self) -> None:
        """The optimum again, where the last limits tried were taken back."""
        if self._stale:
            self._live.solve()
            self._stale = False

    def _split(self) -> Ints:
        """Services that are not whole: the urgent, then who has few places, then the large."""
        fraction, owner = self._fraction(self._live.x), self._near.owner
        split = np.unique(owner[(fraction > 0.0) & self._unit])
        split = split[~self._done[split] & (self._tries[split] < TRIES)]
        split = split[split < self._board.workloads.services]
        size = np.zeros(len(self._done))
        np.maximum.at(size, owner[self._unit], self._size[self._unit])
        urgent = self._board.workload_state.urgent
        places = np.bincount(owner[self._unit], minlength=len(self._done))
        order = np.lexsort((split, -size[split], places[split], ~urgent[split], self._tries[split]))
        return split[order].astype(np.int64)

    def _chosen(self, batch: Ints) -> list[tuple[int, Ints, Floats]]:
        """The cheapest whole units of services at today's prices; their room is taken."""
        part, x, duals = self._near.part, self._live.x, self._live.duals
        price = part.cost - self._matrix.T @ duals
        chosen = []
        for workload in batch.tolist():
            columns = self._columns[self._start[workload] : self._start[workload + 1]]
            place = self._place(workload, columns, x, price, duals)
            units = cheapest(place, x[columns])
            if lack(place, units) > HAIR and self._tries[workload] + 1 < TRIES:
                # Once others have found their places, the optimum may have another one for it.
                self._tries[workload] += 1
                continue
            np.subtract.at(self._room, self._pool[columns], units * self._size[columns])
            chosen.append((workload, columns, units))
        return chosen

    def _place(
        self, workload: int, columns: Ints, x: Floats, price: Floats, duals: Floats
    ) -> Place:
        covered = self._covers
        rows = covered.rows[covered.start[workload] : covered.start[workload + 1]]
        carries = np.array([factors(self._near.part.matrix, int(row), columns) for row in rows])
        carries = carries.reshape(len(rows), len(columns))
        room = self._room[self._pool[columns]] / np.maximum(self._size[columns], 1e-12)
        return Place(
            columns=columns,
            carries=carries,
            least=carries @ x[columns],
            price=price[columns] + carries.T @ duals[rows],
            most=np.minimum(self._upper[columns], np.maximum(room, self._lower[columns])),
        )

    def _fix(self, batch: list[tuple[int, Ints, Floats]]) -> None:
        """All of a batch; where that leaves no solution, each half of it by itself."""
        if not batch:
            return
        columns = np.concatenate([columns for _, columns, _ in batch])
        units = np.concatenate([units for _, _, units in batch])
        if self._limit(columns, units, units):
            workloads = [workload for workload, _, _ in batch]
            self._done[workloads] = True
        elif len(batch) == 1:
            self._tries[batch[0][0]] += 1
            np.add.at(self._room, self._pool[columns], units * self._size[columns])
        else:
            self._fix(batch[: len(batch) // 2])
            self._fix(batch[len(batch) // 2 :])

    def _rest(self, settings: SolverSettings) -> Floats | None:
        """What is whole stays; nodes and the few others by search."""
        x, part = self._live.x, self._near.part
        # Where somebody found no place, those that were not asked yet may move a little.
        stuck = bool(self._unit[self._fraction(x) > 0.0].any())
        give = np.where(self._done[self._near.owner] | (self.job >= 0), 0.0, float(stuck))
        fixed = self._unit & (self._fraction(x) == 0.0)
        near = np.round(x)
        lower = np.where(fixed, np.maximum(near - give, part.lower), self._lower)
        upper = np.where(fixed, np.minimum(near + give, part.upper), self._upper)
        return searched(replace(part, lower=lower, upper=upper), settings)


def searched(part: Part, settings: SolverSettings) -> Floats | None:
    """All columns of a part of which some are fixed, the others by branch and bound."""
    rest, columns = without_fixed(part)
    found = whole(rest, settings.gap, settings.node_limit, settings.time_limit_s).x
    if found is None:
        return None
    x = part.lower.copy()
    x[columns] = found
    return x
