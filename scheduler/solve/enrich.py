"""Enrichment: fillings that the relaxation's shadow prices ask for, where not all are listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.affine import Floats
from scheduler.model.board import NODES, Board
from scheduler.model.fillings import Packing
from scheduler.model.physics import UNMET
from scheduler.model.problem import Problem
from scheduler.solve.highs import Relaxed, relax
from scheduler.solve.packing.pricing import Pricer

BETTER = 1e-6
"""Share of a node's rent by which a new filling must be worth more."""
EFFORT = (40_000, 400_000)
"""Partial fillings looked at at a time: more where the first ones neither find nor prove."""
EACH = 8
"""Fillings added to a pool in one round at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enriched:
    """The packings with what was found worth adding, and what no filling at all can beat."""

    packings: tuple[Packing, ...]
    grown: bool
    """At least one filling is new."""
    bound: float
    """USD per hour: no plan costs less, whatever fillings it uses; -inf where it is not known."""


def enrich(problem: Problem, board: Board, time_limit_s: float) -> Enriched | None:
    """One round of column generation; nothing where every maximal filling is listed already.

    A filling is worth adding when its places are worth more than the rent of its node. No plan
    costs less than the relaxation less, for every node there may be, what its best filling is
    worth above its rent: the Lagrangian bound.
    """
    if all(packing.complete for packing in board.packings):
        return None
    relaxed = relax(problem, time_limit_s)
    if relaxed is None:
        return Enriched(packings=board.packings, grown=False, bound=-np.inf)
    worths, rents = _worths(problem, relaxed, board.packings), _rents(problem, relaxed, board)
    most = board.blocks[NODES].upper
    packings, lost = [], 0.0
    for packing, worth in zip(board.packings, worths, strict=True):
        found, over = _priced(packing, worth, float(rents[packing.pool]))
        packings.append(found)
        lost += over * float(most[packing.pool]) if over else 0.0
    grown = any(new is not old for new, old in zip(packings, board.packings, strict=True))
    return Enriched(packings=tuple(packings), grown=grown, bound=relaxed.bound - lost)


def _worths(problem: Problem, relaxed: Relaxed, packings: Sequence[Packing]) -> Sequence[Floats]:
    """USD per hour of one more place for each shape of each packing."""
    shapes = np.cumsum([len(packing.takes) for packing in packings])[:-1]
    return np.split(np.maximum(0.0, -_duals(problem, relaxed, "fill")), shapes)


def _rents(problem: Problem, relaxed: Relaxed, board: Board) -> Floats:
    """USD per hour of one node more in use, by pool."""
    rents = np.zeros(len(board.pools.names))
    rents[~board.pool_state.frozen] = np.maximum(0.0, -_duals(problem, relaxed, "room"))
    return rents


def _duals(problem: Problem, relaxed: Relaxed, name: str) -> Floats:
    for family in problem.families:
        if family.policy == UNMET and family.name == name:
            return relaxed.row_duals[family.start : family.stop]
    return np.zeros(0)


def _priced(packing: Packing, worth: Floats, rent: float) -> tuple[Packing, float]:
    """The packing with its best filling, and USD per hour that a node can be worth above rent."""
    if packing.complete or not worth.any():
        return packing, 0.0
    pricer = Pricer(packing.room[None, :], packing.takes, np.full((1, len(worth)), 1 << 20))
    floor = np.full(1, rent * (1.0 + BETTER) + BETTER)
    for states in EFFORT:
        found = pricer.best(worth[None, :], floor, states, each=EACH)
        if len(found.box) or found.upper[0] <= floor[0]:
            break
    over = max(0.0, float(found.upper[0]) - rent)
    new = [pods for pods in found.pods if not np.any(np.all(packing.fillings >= pods, axis=1))]
    if not new:
        return packing, over
    return replace(packing, fillings=np.vstack([packing.fillings, *new])), over
