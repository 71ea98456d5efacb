"""Prices: what ties are worth, which offer of each need is cheapest then, and what that proves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.problem import Problem
from scheduler.solve.large.cuts import Cuts
from scheduler.solve.large.shape import Large, Shape

ROUNDS = 4
NOISE = 1e-7
"""Prices are known to this share of the costs; less is what a solver left over."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Duals of ties and cuts, and what follows from them."""

    tie: Floats
    cut: Floats
    cost: Floats
    """Of one unit of each offer with what it takes of ties and cuts."""
    ratio: Floats
    """The same by unit of the need."""
    worth: Floats
    """Of one unit of each need: the dual of its row."""
    free: Floats
    """Reduced cost of each free unknown."""
    bound: float
    """No solution costs less: true for any duals of the right sign."""


def priced(large: Large, cuts: Cuts, tie: Floats, cut: Floats) -> Prices:
    """Prices everything by one sparse product.

    The worth of a need is the largest that leaves no offer with a negative reduced cost: then
    the bound is the Lagrangian one, `sum worth * need + sum tie * limit + sum of negative rests`.
    """
    problem, shape = large.problem, large.shape
    tie, cut = _of_right_sign(problem, shape, tie), np.minimum(cut, 0.0)
    for _ in range(ROUNDS):
        free = problem.cost[shape.free] - shape.free_links @ tie
        np.subtract.at(free, cuts.free, cuts.free_factor * cut[cuts.free_of])
        off = _off(problem, shape, free)
        if not len(off):
            break
        tie = _shrunk(shape, tie, free, off)
    tie, free = _break_even(large, tie, free)
    cost = shape.price - shape.links @ tie
    np.subtract.at(cost, cuts.offer, cuts.factor * cut[cuts.of])
    ratio = cost / shape.factor
    worth = np.maximum(_least(ratio, shape), 0.0)
    limits = _of_limits(problem, shape, tie) + float(cut @ cuts.limit)
    return Prices(
        tie=tie,
        cut=cut,
        cost=cost,
        ratio=ratio,
        worth=worth,
        free=free,
        bound=problem.constant + limits + _of_columns(problem, shape, cost, worth, free),
    )


def _off(problem: Problem, shape: Shape, free: Floats) -> Ints:
    """Free unknowns without a limit on the side where a hair of a price would pull them."""
    lower, upper = problem.lower[shape.free], problem.upper[shape.free]
    pulled = ((free < 0.0) & np.isposinf(upper)) | ((free > 0.0) & np.isneginf(lower))
    noise = np.abs(free) <= NOISE * (1.0 + np.abs(problem.cost[shape.free]))
    off: Ints = (pulled & noise).nonzero()[0]
    return off


def _shrunk(shape: Shape, tie: Floats, free: Floats, off: Ints) -> Floats:
    """Ties a hair cheaper or less dear, where that takes the pull from these unknowns."""
    part = csr_array(shape.free_links[off])
    at = np.repeat(np.arange(len(off)), np.diff(part.indptr))
    pushed = part.data * tie[part.indices] * -np.sign(free[off])[at]
    pushes = pushed > 0.0
    total = np.bincount(at[pushes], pushed[pushes], minlength=len(off))
    lack = np.abs(free[off]) * (1.0 + NOISE)
    share = np.clip(1.0 - lack / np.maximum(total, 1e-300), 0.0, 1.0) * (1.0 - 1e-14)
    factor = np.ones(len(tie))
    np.minimum.at(factor, part.indices[pushes], share[at[pushes]])
    return tie * factor


def _break_even(large: Large, tie: Floats, free: Floats) -> tuple[Floats, Floats]:
    """Idle nodes raise the price of their room until they would pay: no bound falls by that."""
    capacity, problem = large.capacity, large.problem
    nodes = capacity.nodes
    idle = (
        capacity.sole
        & (capacity.limit == 0.0)
        & (free[nodes] > 0.0)
        & (problem.lower[large.shape.free[nodes]] == 0.0)
    )
    tie, free = tie.copy(), free.copy()
    tie[capacity.tie[idle]] -= free[nodes[idle]] / capacity.size[idle]
    free[nodes[idle]] = 0.0
    return tie, free


def first_best(ratio: Floats, shape: Shape) -> Ints:
    """The cheapest offer of each need, of equal ones the first."""
    least = _least(ratio, shape)
    found = (ratio == least[shape.owner]).nonzero()[0]
    owner = shape.owner[found]
    new = np.ones(len(found), dtype=bool)
    new[1:] = owner[1:] != owner[:-1]
    best: Ints = found[new]
    return best


def _least(ratio: Floats, shape: Shape) -> Floats:
    if not len(ratio):
        return np.zeros(0)
    least: Floats = np.minimum.reduceat(ratio, shape.start[:-1])
    return least


def _of_right_sign(problem: Problem, shape: Shape, tie: Floats) -> Floats:
    """A dual above 0 holds a lower limit, one below 0 an upper limit: there must be one."""
    lower, upper = problem.row_lower[shape.ties], problem.row_upper[shape.ties]
    wrong: Bools = ((tie > 0.0) & np.isneginf(lower)) | ((tie < 0.0) & np.isposinf(upper))
    return np.where(wrong, 0.0, tie)


def _of_limits(problem: Problem, shape: Shape, tie: Floats) -> float:
    """What the limits of ties add."""
    limit = np.where(tie > 0.0, problem.row_lower[shape.ties], problem.row_upper[shape.ties])
    held = tie != 0.0
    return float(tie[held] @ limit[held])


def _of_columns(problem: Problem, shape: Shape, cost: Floats, worth: Floats, free: Floats) -> float:
    """The least that needs, offers and free unknowns add."""
    below = (cost < 0.0).nonzero()[0]
    least = float(worth @ shape.need) + float(_times(cost[below], shape.most[below]).sum())
    lower, upper = problem.lower[shape.free], problem.upper[shape.free]
    return least + float(np.where(free < 0.0, _times(free, upper), _times(free, lower)).sum())


def _times(price: Floats, amount: Floats) -> Floats:
    """The product, where 0 times infinity is 0."""
    with np.errstate(invalid="ignore"):
        return np.where(price == 0.0, 0.0, price * amount)
