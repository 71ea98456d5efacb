"""What if, over documents: the observed world, the budget among the policies, nothing touched."""

import asyncio
from pathlib import Path

import pytest

from adapters.decorators import Recording
from policies.budget import Budget
from policies.cost import Cost
from scheduler.app.dry import FixedClock, dry_run, instant_of
from scheduler.app.standing import own_sites
from scheduler.app.tables import load_documents
from scheduler.app.what_if import policies_with, suppositions_of, what_if
from scheduler.app.what_if_language import WhatIfError
from scheduler.config import Declared
from scheduler.planning.suppositions import Amount, BudgetCap, Relation

RECORDED = Path(__file__).resolve().parents[2] / "examples" / "recorded-signals"


def declared_at(folder: Path) -> Declared:
    declared = load_documents([folder]).declared
    assert declared is not None
    return declared


def cap(amount: float | None, relation: Relation = Relation.IS) -> BudgetCap:
    return BudgetCap(None if amount is None else Amount(relation, amount))


def test_a_budget_is_added_where_there_is_none() -> None:
    assert policies_with((Cost(),), [cap(500.0)]) == (Cost(), Budget(usd_per_hour=500.0))


def test_a_budget_in_force_is_changed_and_keeps_what_it_counts() -> None:
    present = Budget(usd_per_hour=100.0, owned_too=True)
    changed = policies_with((present, Cost()), [cap(1.5, Relation.TIMES)])
    assert changed == (Cost(), Budget(usd_per_hour=150.0, owned_too=True))


def test_a_budget_can_be_supposed_away() -> None:
    assert policies_with((Budget(usd_per_hour=1.0), Cost()), [cap(None)]) == (Cost(),)


def test_the_difference_is_to_the_plan_of_the_dry_run_and_no_site_gets_an_order() -> None:
    declared = declared_at(RECORDED)
    at = instant_of(declared)
    sites = [Recording(site) for site in own_sites(declared, FixedClock(at))]
    found = asyncio.run(dry_run(declared, at, adapters=sites))
    asked = [len(site.calls) for site in sites]
    supposed = suppositions_of(["clusters.cloud.lost=true", "budget=1"], declared)
    told = what_if(found, declared, supposed)
    assert told.today.usd_per_hour == found.plan.proof.objective
    assert told.missing
    assert [len(site.calls) for site in sites] == asked, "nothing is looked at again"
    assert all(site.orders == () for site in sites)


def test_the_same_question_has_the_same_answer() -> None:
    declared = declared_at(RECORDED)
    found = asyncio.run(dry_run(declared, instant_of(declared)))
    supposed = suppositions_of(["services.*.load=2x"], declared)
    assert what_if(found, declared, supposed) == what_if(found, declared, supposed)


def test_names_are_those_of_the_documents() -> None:
    with pytest.raises(WhatIfError, match="did you mean cloud-t4"):
        suppositions_of(["pools.cloud-t5.price=2x"], declared_at(RECORDED))
