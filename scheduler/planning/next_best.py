"""The next-best plan as a whole: what it does without, and what it costs more."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from scheduler.domain.demand import Demand
from scheduler.domain.difference import NextBest
from scheduler.domain.plan import Plan
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import UNITS
from scheduler.model.policy import Policy
from scheduler.planning.alternatives import (
    Alternative,
    Limits,
    alternatives,
    refined,
    unit_at,
)
from scheduler.planning.decision import Decision, settle
from scheduler.planning.difference import difference
from scheduler.planning.write import write
from scheduler.solve.adoption import running_candidate
from scheduler.solve.answer import cost, urgency
from scheduler.solve.patience import Clock, no_clock

TRIED = 3
"""So many of the options that take the most money are taken away, one at a time."""


def next_best_plan(
    plan: Plan,
    snapshot: Snapshot,
    demand: Demand,
    policies: Sequence[Policy],
    settings: SolverSettings,
    clock: Clock = no_clock,
) -> NextBest | None:
    """The cheapest plan found without one of the dearest options in use, or without any change.

    `plan` is what is decided of the same world under the same settings. Nothing comes back where
    there is no other plan.
    """
    decision = settle(snapshot, demand, policies, settings, clock)
    found = [*_without_options(decision, settings, clock), *_as_it_runs(decision, settings)]
    if not found:
        return None
    words, best = min(
        found,
        key=lambda item: (item[1].leaves_urgent, item[1].extra_usd_per_hour, item[0]),
    )
    if best.limits.at_most:
        best = refined(decision, best, settings, clock)
    then = write(best.decision)
    return NextBest(
        words=words + (", and leaves urgent work undone" if best.leaves_urgent else ""),
        extra_usd_per_hour=round(best.extra_usd_per_hour, 6),
        least_extra_usd_per_hour=round(best.least_usd_per_hour, 6),
        difference=difference(plan, then, (words,), None),
    )


def _without_options(
    decision: Decision, settings: SolverSettings, clock: Clock
) -> Iterator[tuple[str, Alternative]]:
    board, options = decision.board, decision.board.options
    tried = _dearest(decision)
    limits = [Limits(at_most={unit_at(decision, option): 0.0}) for option in tried]
    found = alternatives(decision, limits, settings, clock)
    for option, other in zip(tried, found, strict=True):
        if other is not None:
            name = board.workloads.names[int(options.workload[option])]
            yield f"without {name} on {board.pools.names[int(options.pool[option])]}", other


def _dearest(decision: Decision) -> list[int]:
    """Options in use that can go, those first whose nodes cost the most."""
    board, options = decision.board, decision.board.options
    may_go = board.blocks[UNITS].lower < 0.5
    used = np.nonzero((decision.units > 0.5) & may_go)[0]
    price = board.pool_state.usd_per_node_hour[options.pool[used]]
    usd = decision.units[used] * options.nodes_per_unit[used] * price
    order = np.lexsort((used, -usd))
    return [int(option) for option in used[order][:TRIED]]


def _as_it_runs(decision: Decision, settings: SolverSettings) -> Iterator[tuple[str, Alternative]]:
    """Today's nodes and pods, if the plan is another and no rule forbids them."""
    problem, plan = decision.problem, decision.solution
    x = None if plan.kept else running_candidate(problem, decision.board, settings)
    whole = slice(0, problem.span(UNITS).stop)
    if x is None or np.array_equal(x[whole], plan.x[whole]):
        return
    usd = cost(problem, x)
    extra = max(0.0, usd - plan.objective)
    yield (
        "without any change of nodes and pods",
        Alternative(
            decision=replace(decision, solution=replace(plan, x=x, objective=usd, bound=usd)),
            limits=Limits(),
            extra_usd_per_hour=extra,
            least_usd_per_hour=extra,
            leaves_urgent=urgency(problem, x) > urgency(problem, plan.x) + 1e-6,
        ),
    )
