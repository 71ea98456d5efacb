"""Whole pods on whole nodes: how many nodes first-fit decreasing needs for a pool's pods."""

import numpy as np

from scheduler.model.affine import Floats
from scheduler.model.board import Board

SPARE = 1e-9
_Nodes = tuple[Floats, int]
"""What each of some equal nodes has left, and how many there are."""


def needed_nodes(board: Board, units: Floats) -> Floats:
    """Nodes by pool that hold all pods of a plan; all resources counted."""
    options = board.options
    used = np.nonzero(units > 0.5)[0]
    nodes = np.zeros(len(board.pools.names))
    for pool in np.unique(options.pool[used]):
        rows = used[options.pool[used] == pool]
        take = board.workloads.take[options.workload[rows]]
        count = np.round(units[rows] * options.pods_per_unit[rows])
        shapes, shape = np.unique(take, axis=0, return_inverse=True)
        pods = np.bincount(shape.ravel(), count, minlength=len(shapes)).astype(int)
        nodes[pool] = first_fit(board.pools.room[pool], shapes, pods)
    return nodes


def first_fit(room: Floats, take: Floats, count: np.ndarray) -> float:
    """Largest share of a node first; each node is filled before the next is opened.

    Equal nodes that follow one another are one entry: thousands of nodes are a few dozen entries.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.max(np.where(take > 0.0, take / room, 0.0), axis=1)
    nodes: list[_Nodes] = []
    for row in np.argsort(-share, kind="stable"):
        left, filled = int(count[row]), []
        for entry in nodes:
            part, left = _filled(entry, take[row], left)
            filled += part
        if left and _fits(room, take[row]) == 0:
            return np.inf
        fresh = (room, -(-left // _fits(room, take[row]))) if left else (room, 0)
        nodes = filled + _filled(fresh, take[row], left)[0]
    return float(sum(many for _, many in nodes))


def _filled(entry: _Nodes, take: Floats, left: int) -> tuple[list[_Nodes], int]:
    """Equal nodes after as many of `left` pods as they hold, one node after the other."""
    free, many = entry
    each = _fits(free, take) if left and many else 0
    if not each:
        return ([entry] if many else []), left
    full, rest = min(many, left // each), left - min(many, left // each) * each
    last = min(rest, each) if full < many else 0
    parts = [(free - each * take, full), (free - last * take, 1 if last else 0)]
    parts.append((free, many - full - (1 if last else 0)))
    return [part for part in parts if part[1]], rest - last


def _fits(free: Floats, take: Floats) -> int:
    wanted = take > 0.0
    return int(np.floor(np.min(free[wanted] / take[wanted]) + SPARE)) if wanted.any() else 1 << 30
