"""Alternatives: the same decision with something forced or forbidden, and what that adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Floats
from scheduler.model.board import NODES, UNITS
from scheduler.model.problem import Problem
from scheduler.planning.decision import Decision
from scheduler.planning.whole_pods import needed_nodes
from scheduler.solve.answer import Solution, cost, is_feasible, urgency
from scheduler.solve.chain import NoPlanError, solve
from scheduler.solve.enrich import enrich
from scheduler.solve.patience import Clock, Patience, begin, no_clock

HAIR = 0.005
"""USD per hour below which two plans cost the same."""
URGENT = 1e-6
FINER = 0.1
"""The gap, and the inverse of the nodes, of an alternative that is looked for harder."""
ROUNDS = 4
"""So often are nodes added where the pods of an alternative do not pack on whole ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an alternative is held to: tighter bounds, by position of the unknown."""

    at_least: Mapping[int, float] = field(default_factory=dict)
    at_most: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alternative:
    """Another decision of the same world, and what it adds to the bill of all policies."""

    decision: Decision
    limits: Limits
    extra_usd_per_hour: float
    """Its cost less the plan's, both re-computed by our own check; never below zero."""
    least_usd_per_hour: float
    """No plan within these limits adds less: its bound less the plan's cost; not below zero."""
    leaves_urgent: bool
    """It leaves more urgent work undone than the plan: no money makes up for that."""


def alternatives(
    decision: Decision,
    asked: Sequence[Limits],
    settings: SolverSettings,
    clock: Clock = no_clock,
) -> list[Alternative | None]:
    """The cheapest plan found within each of the limits; nothing where there is none.

    All of them together take no longer than the settings allow one plan. What is found for one is
    a candidate for all others: none is told dearer than a plan known.
    """
    patience = begin(replace(settings, keep_within=-1.0), clock)
    problems = [_limited(decision.problem, limits) for limits in asked]
    found = [None if p is None else _solved(decision, p, patience) for p in problems]
    known = [solution.x for solution in found if solution is not None]
    return [
        None
        if problem is None or solution is None
        else _judged(decision, limits, problem, _best_known(decision, problem, solution, known))
        for limits, problem, solution in zip(asked, problems, found, strict=True)
    ]


def refined(
    decision: Decision, other: Alternative, settings: SolverSettings, clock: Clock = no_clock
) -> Alternative:
    """The same alternative looked for harder: what is told of one plan may take that time."""
    finer = replace(settings, gap=settings.gap * FINER, node_limit=int(settings.node_limit / FINER))
    (again,) = alternatives(decision, [other.limits], finer, clock)
    if again is None or again.leaves_urgent != other.leaves_urgent:
        return other
    best = min((other, again), key=lambda one: one.extra_usd_per_hour)
    least = max(other.least_usd_per_hour, again.least_usd_per_hour)
    return replace(best, least_usd_per_hour=min(least, best.extra_usd_per_hour))


def unit_at(decision: Decision, option: int) -> int:
    """Where the units of an option stand."""
    return int(decision.problem.span(UNITS).start) + option


def nodes_at(decision: Decision, pool: int) -> int:
    """Where the nodes of a pool stand."""
    return int(decision.problem.span(NODES).start) + pool


def _limited(problem: Problem, limits: Limits) -> Problem | None:
    low, high = problem.lower.copy(), problem.upper.copy()
    for at, value in limits.at_least.items():
        low[at] = max(low[at], value)
    for at, value in limits.at_most.items():
        high[at] = min(high[at], value)
    return None if np.any(low > high) else replace(problem, lower=low, upper=high)


def _solved(decision: Decision, problem: Problem, patience: Patience) -> Solution | None:
    """A solution whose pods pack on its nodes, with a bound of the question as it was asked.

    Where not all fillings of nodes are listed, others than the plan's may pay here: the bound is
    then that over all fillings.
    """
    all_fillings = enrich(problem, decision.board, patience.left.time_limit_s)
    limit = np.inf if all_fillings is None else all_fillings.bound
    bound: float | None = None
    for _ in range(ROUNDS):
        try:
            solution = solve(problem, decision.board, patience.left, patience.clock)
        except NoPlanError:
            return None
        bound = min(limit, solution.bound) if bound is None else bound
        needed = needed_nodes(decision.board, solution.x[problem.span(UNITS)])
        short = needed > solution.x[problem.span(NODES)] + 1e-9
        short &= ~decision.board.pool_state.frozen
        if not short.any():
            return replace(solution, bound=min(bound, solution.objective))
        most = decision.board.blocks[NODES].upper
        low = problem.lower.copy()
        low[problem.span(NODES)] = np.where(
            short, np.minimum(needed, most), low[problem.span(NODES)]
        )
        problem = replace(problem, lower=low)
    return None


def _best_known(
    decision: Decision, problem: Problem, solution: Solution, known: Sequence[Floats]
) -> Solution:
    """The solution, or a cheaper one that was found within other limits and keeps to these."""
    best, urgent = solution, urgency(decision.problem, solution.x)
    for x in known:
        cheaper = cost(problem, x) < best.objective - 1e-9
        if cheaper and urgency(problem, x) <= urgent + URGENT and is_feasible(problem, x):
            best = replace(best, x=x, objective=cost(problem, x))
    return replace(best, bound=min(solution.bound, best.objective))


def _judged(
    decision: Decision, limits: Limits, problem: Problem, solution: Solution
) -> Alternative:
    plan = decision.solution
    undone = urgency(problem, solution.x) - urgency(problem, plan.x)
    return Alternative(
        decision=replace(decision, problem=problem, solution=solution),
        limits=limits,
        extra_usd_per_hour=max(0.0, solution.objective - plan.objective),
        least_usd_per_hour=max(0.0, solution.bound - plan.objective),
        leaves_urgent=undone > URGENT,
    )
