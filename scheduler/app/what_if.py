"""What if: a dry run's world with something supposed, and its plan beside today's."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from policies.budget import Budget
from scheduler.app.standing import BRAIN, policies_of
from scheduler.app.what_if_language import Known, read_what_if
from scheduler.config import Declared
from scheduler.domain.difference import NextBest, PlanDifference
from scheduler.model.policy import Policy
from scheduler.planning.next_best import next_best_plan
from scheduler.planning.suppositions import BudgetCap, Supposition
from scheduler.planning.what_if import Question, Supposed, suppose
from scheduler.planning.what_if import what_if as ask
from scheduler.planning.what_if_words import Worlds, supposed_words
from scheduler.runtime.world import Considered


def suppositions_of(texts: Sequence[str], declared: Declared) -> tuple[Supposition, ...]:
    """What is supposed of these documents. Raises WhatIfError with every fault."""
    has_budget = _cap(policies_of(declared)) is not None
    return read_what_if(texts, Known(fleet=declared.fleet, has_budget=has_budget))


def what_if(
    found: Considered, declared: Declared, suppositions: Sequence[Supposition]
) -> PlanDifference:
    """The plan of the supposed world beside the one that was found. Raises NoPlanError.

    The world is the one that was observed for today's plan: nothing is looked at again, and
    nothing is touched.
    """
    policies = policies_of(declared)
    changed = policies_with(policies, suppositions)
    today = Supposed(snapshot=found.snapshot, demand=found.demand)
    then = suppose(
        found.snapshot,
        suppositions,
        lambda snapshot: BRAIN.expect(snapshot, declared.loop.forecast),
    )
    worlds = Worlds(today=today, then=then, cap_today=_cap(policies), cap_then=_cap(changed))
    return ask(
        found.plan,
        Question(world=today, policies=policies),
        Question(world=then, policies=changed),
        declared.loop.solver,
        supposed_words(worlds, suppositions),
        perf_counter,
    )


def next_best(found: Considered, declared: Declared) -> NextBest | None:
    """The next-best plan of the same world; nothing if the plan has no alternative."""
    policies, settings = policies_of(declared), declared.loop.solver
    return next_best_plan(
        found.plan, found.snapshot, found.demand, policies, settings, perf_counter
    )


def policies_with(
    policies: Sequence[Policy], suppositions: Sequence[Supposition]
) -> tuple[Policy, ...]:
    """The policies with the supposed budget: changed, added where there is none, or taken out."""
    for supposition in suppositions:
        if isinstance(supposition, BudgetCap):
            policies = _with_budget(policies, supposition)
    return tuple(policies)


def _with_budget(policies: Sequence[Policy], supposed: BudgetCap) -> tuple[Policy, ...]:
    others = tuple(policy for policy in policies if not isinstance(policy, Budget))
    budgets = [policy for policy in policies if isinstance(policy, Budget)]
    if supposed.usd_per_hour is None:
        return others
    present = budgets[0] if budgets else Budget(usd_per_hour=0.0)
    cap = supposed.usd_per_hour.of(present.usd_per_hour)
    return (*others, replace(present, usd_per_hour=cap))


def _cap(policies: Sequence[Policy]) -> float | None:
    return next((item.usd_per_hour for item in policies if isinstance(item, Budget)), None)
