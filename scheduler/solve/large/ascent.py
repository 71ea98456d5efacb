"""Ascent: prices of ties that are nearly right, before any linear program is solved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.model.problem import Problem
from scheduler.solve.large.prices import first_best
from scheduler.solve.large.shape import Large, Shape

SAMPLE = 60_000
"""Offers in the sample that the first prices are drawn from, about."""
WARM, COOL, COLD = 0.2, 0.03, 0.004
"""Shares of a price by which two offers of a need may differ and still share it."""
SAMPLED_STEPS, STEPS = 50, 12
GOLDEN = 0.6180339887498949
NEAR = 0.3
"""Offers at most this share dearer than the cheapest take part in the last steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Room:
    """Upper limits of ties: the most that free unknowns can make of them, and at what price."""

    tie: Ints
    most: Floats
    least_price: Floats
    """Where free unknowns pay for themselves: less is never right while they can grow."""


def first_prices(large: Large) -> tuple[Floats, Ints]:
    """Duals of the ties, all at most 0, and an offer for each need: by a sample, then by all."""
    problem, shape = large.problem, large.shape
    room = _room(problem, shape)
    tie = np.zeros(len(shape.ties))
    tie[room.tie] = -room.least_price
    if not len(room.tie) or not len(shape.need):
        return tie, first_best(shape.price / shape.factor, shape)
    sample, near, widths, steps = _sample(shape, tie), None, (WARM, COLD), SAMPLED_STEPS
    if sample is not None:
        tie = _ascended(sample, room, tie, (WARM, COOL), SAMPLED_STEPS)
        widths, steps = (COOL, COLD), STEPS
        near = _near(shape, tie)
    small = shape if near is None else shape.only(near)
    tie = _ascended(small, room, tie, widths, steps)
    choice = _drawn(small, _shared(small, tie, COLD))
    return tie, choice if near is None else near[choice]


def _drawn(shape: Shape, amount: Floats) -> Ints:
    """One offer for each need, so that all together use each tie about as the amounts do.

    Offers stand side by side, each as wide as its share of its need; a need takes the one at a
    point between 0 and 1 that differs from need to need as evenly as can be (the golden ratio's
    multiples).
    """
    width = amount * shape.factor / np.maximum(shape.need, 1e-300)[shape.owner]
    edge = np.cumsum(width)
    before = np.concatenate([[0.0], edge])[shape.start[:-1]]
    whole = np.concatenate([[0.0], edge])[shape.start[1:]] - before
    point = (np.arange(len(shape.need)) * GOLDEN) % 1.0
    found = np.searchsorted(edge, before + point * whole, side="right")
    drawn: Ints = np.clip(found, shape.start[:-1], shape.start[1:] - 1)
    return drawn


def _room(problem: Problem, shape: Shape) -> Room:
    """Ties with an upper limit that offers only use up."""
    count = len(shape.ties)
    links = shape.free_links.tocoo()
    who, tie = links.coords
    gives = links.data < 0.0
    most = problem.row_upper[shape.ties] - np.bincount(
        tie, links.data * np.where(gives, _finite(problem.upper[shape.free])[who], 0.0), count
    )
    alone = gives & (np.bincount(who, minlength=len(shape.free)) == 1)[who]
    price = np.full(count, np.inf)
    worth = problem.cost[shape.free[who[alone]]] / -links.data[alone]
    np.minimum.at(price, tie[alone], np.maximum(worth, 0.0))
    price = np.where(np.isfinite(price), price, 0.0)
    uses = np.bincount(shape.links.indices, minlength=count) > 0
    wrong = np.bincount(shape.links.indices[shape.links.data < 0.0], minlength=count) > 0
    good = (np.isfinite(most) & (most > 0.0) & uses & ~wrong).nonzero()[0]
    floor = 0.01 * float(np.max(price[good], initial=0.0)) + 1e-6
    return Room(tie=good, most=most[good], least_price=np.maximum(price[good], floor))


def _finite(limit: Floats) -> Floats:
    return np.where(np.isfinite(limit), limit, 1e9)


def _sample(shape: Shape, tie: Floats) -> Shape | None:
    """Needs drawn evenly over what they would cost, each with the same bill; nothing if few."""
    if len(shape.offers) <= 2 * SAMPLE:
        return None
    ratio = (shape.price - shape.links @ tie) / shape.factor
    worth = np.minimum.reduceat(ratio, shape.start[:-1])
    bill = np.maximum(worth * shape.need, 0.0)
    total, count = float(bill.sum()), int(SAMPLE * len(shape.need) / len(shape.offers)) + 1
    if total <= 0.0:
        return None
    points = (np.arange(count) + 0.5) * (total / count)
    drawn, times = np.unique(np.searchsorted(np.cumsum(bill), points), return_counts=True)
    return shape.part(drawn, times * (total / count) / worth[drawn])


def _near(shape: Shape, tie: Floats) -> Ints:
    """Without the offers that are far dearer than the cheapest of their need."""
    ratio = (shape.price - shape.links @ tie) / shape.factor
    least = np.minimum.reduceat(ratio, shape.start[:-1])
    near: Ints = (ratio <= (least * (1.0 + NEAR))[shape.owner]).nonzero()[0]
    return near


def _ascended(
    shape: Shape, room: Room, tie: Floats, widths: tuple[float, float], steps: int
) -> Floats:
    """The prices after some steps of Sinkhorn's scaling, annealed.

    Each need is shared among its offers by price; each tie that is used beyond its room becomes
    dearer by that share; from step to step less is shared.
    """
    taken = shape.links.T
    price = -tie[room.tie]
    for step in range(steps):
        width = widths[0] * (widths[1] / widths[0]) ** (step / (steps - 1))
        tie = tie.copy()
        tie[room.tie] = -price
        used = (taken @ _shared(shape, tie, width))[room.tie]
        excess = np.log(np.maximum(used / room.most, 1e-3))
        price = np.maximum(room.least_price, price * np.exp(width * np.clip(excess, -2.0, 2.0)))
    tie[room.tie] = -price
    return tie


def _shared(shape: Shape, tie: Floats, width: float) -> Floats:
    """Amounts of all offers where those of a need share it by price."""
    ratio = (shape.price - shape.links @ tie) / shape.factor
    least = np.minimum.reduceat(ratio, shape.start[:-1])
    scale = np.abs(least) + 1e-12
    share = np.exp(((least / scale)[shape.owner] - ratio * (1.0 / scale)[shape.owner]) / width)
    by_need = shape.need / np.add.reduceat(share, shape.start[:-1])
    amount: Floats = share * by_need[shape.owner] / shape.factor
    return amount
