"""Binding rules: what holds the plan back, in words, with its shadow price."""

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.plan import BindingLine
from scheduler.model.affine import Floats
from scheduler.model.board import NODES, UNITS
from scheduler.planning.decision import Decision
from scheduler.planning.figures import plural

MOST = 8
PLAIN = frozenset({"room", "load", "objective", "gangs", "gang", "in use"})
"""Rules that always bind somewhere: they say what work costs, not what holds it back."""


def binding_lines(decision: Decision, most: int = MOST) -> tuple[BindingLine, ...]:
    """The dearest few: a unit of relief saves this much (USD per hour), by the relaxation."""
    lines = [*_pool_limits(decision), *_rules(decision)]
    lines.sort(key=lambda line: (-line.usd_per_hour, line.words))
    return tuple(lines[:most])


def _pool_limits(decision: Decision) -> list[BindingLine]:
    """Pools at their maximum, where one node more would save money."""
    board = decision.board
    upper = board.blocks[NODES].upper
    saved = _worth_of_a_node(decision)
    full = np.nonzero((decision.nodes >= upper - 1e-6) & (saved > 0.005))[0]
    return [
        BindingLine(
            policy=PolicyName("limits"),
            words=f"{board.pools.names[i]} has all of its {plural(upper[i], 'node')}: "
            "one more would save",
            usd_per_hour=round(float(saved[i]), 6),
        )
        for i in full
        if not board.pool_state.frozen[i]
    ]


def _worth_of_a_node(decision: Decision) -> Floats:
    """What one more node would save, by pool: of its own limit, and of the units that it bounds.

    Where a pool is full the relaxation may charge its limit to the units that it has room for.
    """
    board, problem, options = decision.board, decision.problem, decision.board.options
    prices = decision.solution.reduced_costs
    room = np.floor(board.pools.max_nodes[options.pool] / options.nodes_per_unit + 1e-9)
    by_room = board.blocks[UNITS].upper == room
    units = np.where(by_room, np.minimum(0.0, prices[problem.span(UNITS)]), 0.0)
    through = np.bincount(
        options.pool, units / options.nodes_per_unit, minlength=len(board.pools.names)
    )
    worth: Floats = -(prices[problem.span(NODES)] + through)
    return worth


def _rules(decision: Decision) -> list[BindingLine]:
    lines = []
    duals = decision.solution.row_duals
    for family in decision.problem.families:
        if family.name in PLAIN or family.name.endswith(("routed", "nodes", "units", "jobs")):
            continue
        if family.name.startswith("crowding"):
            continue
        for row in range(family.start, family.stop):
            if abs(duals[row]) > 0.005:
                lines.append(
                    BindingLine(
                        policy=family.policy,
                        words=family.words(row - family.start),
                        usd_per_hour=round(abs(float(duals[row])), 6),
                    )
                )
    return lines
