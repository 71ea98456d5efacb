"""Binding rules: what holds the plan back, in words, with its shadow price."""

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.domain.plan import BindingLine
from scheduler.model.board import NODES
from scheduler.model.physics import UNMET
from scheduler.planning.decision import Decision
from scheduler.planning.figures import plural
from scheduler.planning.worth import worth_of_a_node

MOST = 8
PLAIN = frozenset({"room", "fill", "load", "objective", "gangs", "gang", "in use", "free GPUs"})
"""Rules that always bind somewhere: they say what work costs, not what holds it back."""
RELIEFS = {
    ("budget", "cap"): "one USD/h more",
    ("reserve", "node"): "one free GPU more",
    (UNMET, "min replicas"): "one replica fewer",
    (UNMET, "max replicas"): "one replica more",
    (UNMET, "hold"): "one pod fewer",
}
"""What one unit of relief is, by policy and rule. Policies from outside say it in their words."""


def binding_lines(decision: Decision, most: int = MOST) -> tuple[BindingLine, ...]:
    """The dearest few: a unit of relief saves this much (USD per hour), by the relaxation."""
    lines = [*_pool_limits(decision), *_rules(decision)]
    lines.sort(key=lambda line: (-line.usd_per_hour, line.words))
    return tuple(lines[:most])


def _pool_limits(decision: Decision) -> list[BindingLine]:
    """Pools at their maximum, where one node more would save money."""
    board = decision.board
    upper = board.blocks[NODES].upper
    saved = worth_of_a_node(decision)
    full = np.nonzero((decision.nodes >= upper - 1e-6) & (saved > 0.005))[0]
    return [
        BindingLine(
            policy=PolicyName("limits"),
            words=f"{board.pools.names[i]} has all of its {plural(upper[i], 'node')}",
            usd_per_hour=round(float(saved[i]), 6),
            relief="one node more",
        )
        for i in full
        if not board.pool_state.frozen[i]
    ]


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
                        relief=RELIEFS.get((family.policy, family.name), ""),
                    )
                )
    return lines
