"""Whole pods on whole nodes: how many nodes first-fit decreasing needs for a pool's pods."""

import numpy as np

from scheduler.model.affine import Floats
from scheduler.model.board import Board

SPARE = 1e-9


def needed_nodes(board: Board, units: Floats) -> Floats:
    """Nodes by pool that hold all pods of a plan; all resources counted."""
    options = board.options
    used = np.nonzero(units > 0.5)[0]
    nodes = np.zeros(len(board.pools.names))
    for pool in np.unique(options.pool[used]):
        rows = used[options.pool[used] == pool]
        take = board.workloads.take[options.workload[rows]]
        count = np.round(units[rows] * options.pods_per_unit[rows]).astype(int)
        nodes[pool] = _first_fit(board.pools.room[pool], take, count)
    return nodes


def _first_fit(room: Floats, take: Floats, count: np.ndarray) -> float:
    """Largest share of a node first; each node is filled before the next is opened."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.max(np.where(take > 0.0, take / room, 0.0), axis=1)
    free: list[Floats] = []
    for row in np.argsort(-share, kind="stable"):
        left = int(count[row])
        for at, node in enumerate(free):
            fits = min(left, _fits(node, take[row]))
            free[at] = node - fits * take[row]
            left -= fits
        while left > 0:
            fits = min(left, _fits(room, take[row]))
            if fits == 0:
                return np.inf
            free.append(room - fits * take[row])
            left -= fits
    return float(len(free))


def _fits(free: Floats, take: Floats) -> int:
    wanted = take > 0.0
    return int(np.floor(np.min(free[wanted] / take[wanted]) + SPARE)) if wanted.any() else 1 << 30
