"""Fillings: what whole nodes of a pool can hold where pods of several shapes share them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from scheduler.model.affine import Floats, Ints

MOST = 64
"""Up to this many fillings of a pool's node are all listed; else they start as one a shape."""
HAIR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packing:
    """A pool whose nodes hold pods of shapes that do not add up by shares alone."""

    pool: int
    options: Ints
    """Options on the pool, ..."""
    shape: Ints
    """... and the shape of each one's pods."""
    takes: Floats
    """(shapes, resources): what one pod takes, of the resources that can run out first."""
    room: Floats
    """(resources,): what one empty node has of them."""
    fillings: Ints
    """(fillings, shapes): pods that one node holds at once."""
    complete: bool
    """No filling is missing that is not part of a listed one."""


def packings_of(options: Ints, pool: Ints, takes: Floats, room: Floats) -> tuple[Packing, ...]:
    """The packings among options (rows, their pools and takes); `room` is (pools, resources)."""
    if not len(pool):
        return ()
    order = np.argsort(pool, kind="stable")
    pools, start = np.unique(pool[order], return_index=True)
    found = (
        packing_of(int(at), options[rows], takes[rows], room[at])
        for at, rows in zip(pools, np.split(order, start[1:]), strict=True)
    )
    return tuple(packing for packing in found if packing is not None)


def packing_of(pool: int, options: Ints, takes: Floats, room: Floats) -> Packing | None:
    """How pods of these options share nodes, or nothing where shares of a node say it all.

    They do where one resource runs out first for every pod, each pod takes an exact fraction 1/k
    of it, and every k divides the next larger one: such pods always pack.
    """
    known = _read(takes.tobytes(), room.tobytes(), takes.shape)
    return None if known is None else replace(known, pool=pool, options=options)


@lru_cache(maxsize=1024)
def _read(takes: bytes, room: bytes, size: tuple[int, int]) -> Packing | None:
    """Of pods with these takes on nodes with this room, as bytes: each tick asks the same again."""
    limits, each = _scarce(np.frombuffer(takes).reshape(size), np.frombuffer(room))
    shapes, shape = np.unique(each, axis=0, return_inverse=True)
    if len(shapes) < 2 or _adds_up(shapes / limits):
        return None
    order = np.argsort(-np.max(shapes / limits, axis=1), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    shapes = shapes[order]
    listed = maximal_fillings(limits, shapes, MOST)
    return Packing(
        pool=0,
        options=np.arange(size[0]),
        shape=rank[shape.ravel()],
        takes=shapes,
        room=limits,
        fillings=one_a_shape(limits, shapes) if listed is None else listed,
        complete=listed is not None,
    )


def _scarce(takes: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Room and takes of the resources that no other one runs out before."""
    used = np.nonzero((takes > 0.0).any(axis=0))[0]
    share = takes[:, used] / room[used]
    kept: list[int] = []
    for column in range(len(used)):
        others = [i for i in range(len(used)) if i != column]
        covered = any(
            bool(np.all(share[:, column] <= share[:, i] + HAIR))
            and (i < column or bool(np.any(share[:, column] < share[:, i] - HAIR)))
            for i in others
        )
        if not covered:
            kept.append(int(used[column]))
    return room[kept], takes[:, kept]


def _adds_up(share: Floats) -> bool:
    if share.shape[1] != 1:
        return False
    each = 1.0 / np.unique(share[:, 0])[::-1]
    whole = np.round(each)
    if np.any(np.abs(each - whole) > 1e-6 * whole):
        return False
    return bool(np.all(whole[1:] % whole[:-1] == 0.0))


def maximal_fillings(room: Floats, takes: Floats, limit: int) -> Ints | None:
    """All fillings of one empty node to which no pod can be added; nothing if beyond `limit`.

    Nothing as well where there are more shapes than that.
    """
    if len(takes) > limit:
        return None
    found: list[tuple[int, ...]] = []
    for tried, filling in enumerate(_fillings(room, takes, ())):
        left = room - np.asarray(filling) @ takes
        if not np.any(np.all(takes <= left + HAIR, axis=1)):
            found.append(filling)
        if len(found) > limit or tried > 50 * limit:
            return None
    return np.array(found, dtype=np.int64).reshape(-1, len(takes))


def _fillings(room: Floats, takes: Floats, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    at = len(chosen)
    if at == len(takes):
        yield chosen
        return
    most = fits(room, takes[at])
    last = at == len(takes) - 1
    for count in range(most, most - 1 if last else -1, -1):
        yield from _fillings(room - count * takes[at], takes, (*chosen, count))


def one_a_shape(room: Floats, takes: Floats) -> Ints:
    """As many of one shape as there can be, filled up with the others in their order."""
    counts = np.zeros((len(takes), len(takes)), dtype=np.int64)
    left = np.tile(room, (len(takes), 1))
    for shape, take in enumerate(takes):
        counts[shape, shape] = fits(room, take)
        left[shape] -= counts[shape, shape] * take
    for shape, take in enumerate(takes):
        wanted, others = take > 0.0, np.arange(len(takes)) != shape
        most = np.floor(np.min((left[:, wanted] + HAIR) / take[wanted], axis=1) + HAIR)
        counts[others, shape] = np.maximum(0.0, most)[others]
        left -= np.where(others, counts[:, shape], 0)[:, None] * take
    return np.unique(counts, axis=0)


def fits(left: Floats, take: Floats) -> int:
    """How many pods of one shape the room left holds."""
    wanted = take > 0.0
    return max(0, int(np.floor(np.min((left[wanted] + HAIR) / take[wanted]) + HAIR)))


def nodes_by_filling(packing: Packing, pods: Floats) -> Floats:
    """Nodes of each filling that hold so many pods of each shape, packed by first fit.

    The largest shape first; a node's content counts as the first filling that covers it.
    """
    nodes = np.zeros(len(packing.fillings))
    for content, count in _first_fit(packing, np.round(pods).astype(np.int64)):
        covers = np.all(packing.fillings >= content, axis=1)
        if covers.any():
            nodes[int(np.argmax(covers))] += count
        else:
            nodes += _cover(packing, content) * count
    return nodes


def _first_fit(packing: Packing, pods: Ints) -> list[tuple[Ints, int]]:
    """Contents of nodes, each with how many nodes have it."""
    nothing = np.zeros(len(pods), dtype=np.int64)
    groups: list[tuple[Floats, Ints, int]] = []
    for shape, take in enumerate(packing.takes):
        left = int(pods[shape])
        one = np.eye(len(pods), dtype=np.int64)[shape]
        opened = -(-left // fits(packing.room, take))
        filled = []
        for room, content, count in (*groups, (packing.room, nothing, opened)):
            for each, nodes in _poured(left, fits(room, take), count):
                filled.append((room - each * take, content + each * one, nodes))
                left -= each * nodes
        groups = filled
    return [(content, count) for _, content, count in groups if content.any()]


def _poured(pods: int, each: int, nodes: int) -> Iterator[tuple[int, int]]:
    """(pods on one node, nodes): equal nodes filled one after the other, `each` at most."""
    full = min(nodes, pods // each) if each else 0
    rest = pods - full * each if each and full < nodes else 0
    for share in ((each, full), (rest, min(rest, 1)), (0, nodes - full - min(rest, 1))):
        if share[1]:
            yield share


def _cover(packing: Packing, content: Ints) -> Floats:
    """Listed fillings that hold a content together, each time the one that holds the most."""
    nodes, left = np.zeros(len(packing.fillings)), content.astype(float)
    size = np.max(packing.takes / packing.room, axis=1)
    while left.any():
        best = int(np.argmax(np.minimum(packing.fillings, left) @ size))
        nodes[best] += 1.0
        left = np.maximum(0.0, left - packing.fillings[best])
    return nodes
