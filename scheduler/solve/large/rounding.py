"""Rounding up: each need by one offer in whole units, then as many nodes as these take."""

from __future__ import annotations

import numpy as np

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.solve.answer import is_feasible, rounded
from scheduler.solve.large.shape import HAIR, Large, Shape
from scheduler.solve.large.sifting import Sifted


def rounded_up(large: Large, choice: Ints, sifted: Sifted) -> Floats | None:
    """A whole solution, if this way leads to one. What finds no room is met by what takes none."""
    problem, shape = large.problem, large.shape
    amount = np.minimum(shape.need / shape.factor[choice], shape.most[choice])
    whole = problem.integer[shape.offers[choice]]
    amount = np.where(whole, np.ceil(amount - HAIR), amount)
    room = _room(large)
    spare = _spare(shape)
    out = _without_room(shape, choice, amount, room) & (spare >= 0)
    choice, amount = choice.copy(), amount.copy()
    choice[out] = spare[out]
    amount[out] = (shape.need / shape.factor[choice])[out]
    x = np.zeros(problem.columns)
    x[shape.offers[choice]] = amount
    x[shape.free] = _free(large, sifted, shape.links[choice].T @ amount)
    x = rounded(problem, x)
    return x if is_feasible(problem, x) else None


def _room(large: Large) -> Floats:
    """The most that each tie can hold; infinite where it is not a capacity."""
    capacity, problem = large.capacity, large.problem
    room = np.full(len(large.shape.ties), np.inf)
    most = problem.upper[large.shape.free[capacity.nodes]]
    room[capacity.tie] = capacity.limit + capacity.size * most
    return room


def _spare(shape: Shape) -> Ints:
    """Of each need the last offer that takes of no tie (what is missing is one); -1 for none."""
    spare = np.full(len(shape.need), -1)
    alone = (np.diff(shape.links.indptr) == 0).nonzero()[0]
    able = shape.most[alone] * shape.factor[alone] >= shape.need[shape.owner[alone]] * (1.0 - HAIR)
    spare[shape.owner[alone[able]]] = alone[able]
    return spare


def _without_room(shape: Shape, choice: Ints, amount: Floats, room: Floats) -> Bools:
    """Needs that come too late at a tie: the largest come first."""
    links = shape.links[choice].tocoo()
    who, tie = links.coords
    takes = links.data * amount[who]
    order = np.lexsort((who, -takes, tie))
    total = np.cumsum(takes[order])
    first = np.searchsorted(tie[order], tie[order])
    before = np.concatenate([[0.0], total])[first]
    late = total - before > room[tie[order]] * (1.0 + HAIR)
    out = np.zeros(len(choice), dtype=bool)
    out[who[order][late]] = True
    return out


def _free(large: Large, sifted: Sifted, taken: Floats) -> Floats:
    """The relaxation's free unknowns, but as many nodes as hold what is taken."""
    capacity, problem, free = large.capacity, large.problem, sifted.optimum.free.copy()
    nodes = capacity.nodes[capacity.sole]
    tie = capacity.tie[capacity.sole]
    asked = (taken[tie] - capacity.limit[capacity.sole]) / capacity.size[capacity.sole]
    whole = problem.integer[large.shape.free[nodes]]
    least = problem.lower[large.shape.free[nodes]]
    free[nodes] = np.maximum(least, np.where(whole, np.ceil(asked - HAIR), asked))
    return free
