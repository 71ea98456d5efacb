"""Boxes: a batch of knapsacks with the same items, and greedy fillings of them."""

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.values import HAIR

UNBOUNDED = 1 << 40
"""Items that take nothing fit this many times."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes:
    """B boxes that the same K kinds of items may fill."""

    room: Floats
    """(B, R) with the hair that sums of fractions need already added."""
    takes: Floats
    """(K, R) of one item."""
    most: Ints
    """(B, K) items of each kind; 0 where the kind is not allowed."""


def boxes(room: Floats, takes: Floats, most: Ints) -> Boxes:
    """Items that do not fit alone are not allowed; no box wants more than fit alone."""
    wide = np.asarray(room, dtype=np.float64) * (1.0 + HAIR)
    needs = np.asarray(takes, dtype=np.float64)
    fits = np.stack([fitting(wide, take) for take in needs], axis=1) if len(needs) else most
    return Boxes(room=wide, takes=needs, most=np.minimum(most, fits).astype(np.int64))


def fitting(left: Floats, take: Floats) -> Ints:
    """(N,) how many of an item fit in each room left (N, R)."""
    needed = take > 0
    if not needed.any():
        return np.full(len(left), UNBOUNDED, dtype=np.int64)
    times = (left[:, needed] / take[needed]).min(axis=1)
    # Room for less than one item may be a hair below nothing.
    fit: Ints = np.floor(np.clip(times, 0, UNBOUNDED)).astype(np.int64)
    return fit


def greedy(batch: Boxes, worth: Floats) -> Ints:
    """(B, K) each box filled by its items of most worth for the share of the box they take."""
    count, kinds = worth.shape
    order = _by_density(batch, worth)
    left = batch.room.copy()
    pods = np.zeros((count, kinds), dtype=np.int64)
    each = np.arange(count)
    for place in range(kinds):
        kind = order[:, place]
        take = batch.takes[kind]
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.where(take > 0, left / take, UNBOUNDED).min(axis=1)
        fit = np.floor(np.clip(times, 0, UNBOUNDED)).astype(np.int64)
        fit = np.where(worth[each, kind] > 0, np.minimum(fit, batch.most[each, kind]), 0)
        pods[each, kind] = fit
        left -= fit[:, None] * take
    return pods


def topped_up(batch: Boxes, box: Ints, pods: Ints) -> Ints:
    """Maximal fillings: what still fits is added, kinds in their order; `box` (F,), `pods` (F, K).

    A class that a filling covers for nothing can only help.
    """
    filled = pods.copy()
    left = batch.room[box] - filled @ batch.takes
    for kind, take in enumerate(batch.takes):
        more = np.minimum(fitting(left, take), batch.most[box, kind] - filled[:, kind])
        filled[:, kind] += more
        left -= more[:, None] * take
    return filled


def maximal(batch: Boxes, box: Ints, pods: Ints) -> Ints:
    """(F,) rows of the fillings to which no allowed item can be added."""
    left = batch.room[box] - pods @ batch.takes
    full = np.ones(len(pods), dtype=np.bool_)
    for kind, take in enumerate(batch.takes):
        full &= (left < take).any(axis=1) | (pods[:, kind] >= batch.most[box, kind])
    return np.flatnonzero(full)


def _by_density(batch: Boxes, worth: Floats) -> Ints:
    room = np.maximum(batch.room, 1e-300)
    share = (batch.takes[None, :, :] / room[:, None, :]).max(axis=2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = np.where(worth > 0, worth / np.maximum(share, 1e-300), 0.0)
    return np.argsort(-density, axis=1, kind="stable")
