"""A policy from outside the tree: costs, rules and unknowns of its own, under its own name."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from policies.cost import Cost
from policies.response_time import ResponseTime
from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block
from scheduler.model.board import Board
from scheduler.model.policy import (
    Contribution,
    Forbidden,
    Mend,
    Policy,
    Priced,
    Rules,
    Strictness,
    at_least,
)
from tests.model.worlds import a_demand, a_fleet, a_pool, a_service, a_snapshot, bill_of, nodes_of
from tests.policies.asking import plan
from tests.solve.questions import ask

FLEET = a_fleet(a_pool("dc-a"), a_pool("dc-b", usd_per_node_hour=1.2), a_service())
PAIR: tuple[Policy, ...] = (Cost(), ResponseTime())


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Every pool in use pays a flat licence: an unknown of its own a pool."""

    usd_per_pool_hour: float
    name: ClassVar[PolicyName] = PolicyName("acme-licence")

    def contribute(self, board: Board) -> Contribution:
        pools = len(board.pools.names)
        paid = Block(
            name="licence",
            lower=np.zeros(pools),
            upper=np.ones(pools),
            integer=True,
            label=lambda i: board.pools.names[i],
        )
        rule = at_least(
            "licensed",
            paid.value * board.pools.max_nodes - board.nodes,
            np.zeros(pools),
            words=lambda row: f"{board.pools.names[row]} has a licence",
        )
        return Contribution(
            usd_per_hour=paid.value @ np.full(pools, self.usd_per_pool_hour),
            rules=(rule,),
            blocks=(paid,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOn:
    """Takes a pool off the board."""

    pool: str
    name: ClassVar[PolicyName] = PolicyName("not-on")

    def forbid(self, board: Board) -> Forbidden:
        out = board.options.pool == board.pools.names.index(self.pool)
        return Forbidden(mask=out, words=lambda _: f"{self.pool} is closed")

    def contribute(self, board: Board) -> Contribution:
        return Contribution()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactly:
    """So many nodes in all, neither more nor less, as strictly as one likes."""

    nodes: float
    strictness: Strictness
    name: ClassVar[PolicyName] = PolicyName("exactly")

    def contribute(self, board: Board) -> Contribution:
        pools = len(board.pools.names)
        rule = Rules(
            name="nodes",
            value=board.nodes.sum_by(np.zeros(pools, dtype=np.int64), 1),
            lower=np.array([self.nodes]),
            upper=np.array([self.nodes]),
            strictness=self.strictness,
            words=lambda _: f"{self.nodes:g} nodes in all",
        )
        return Contribution(rules=(rule,))


def test_its_costs_stand_on_the_bill_under_its_own_name() -> None:
    found = plan(FLEET, {"search": 100.0}, *PAIR, Licence(usd_per_pool_hour=0.5))
    assert bill_of(found)["acme-licence"] == pytest.approx(0.5)
    assert found.proof.objective == pytest.approx(1.5)


def test_its_unknowns_have_names_for_people() -> None:
    demand = a_demand(FLEET, {"search": 100.0})
    problem, _ = ask(a_snapshot(FLEET), demand, (*PAIR, Licence(usd_per_pool_hour=0.5)))
    span = problem.span("licence")
    labels = [problem.column_label(i) for i in range(span.start, span.stop)]
    assert labels == ["licence[dc-a]", "licence[dc-b]"]
    owners = {family.policy for family in problem.families if family.name == "licensed"}
    assert owners == {"acme-licence"}


def test_its_price_changes_the_decision() -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=1),
        a_pool("dc-b", usd_per_node_hour=1.2),
        a_service(),
    )
    rps = {"search": 8 * 67.5}
    assert nodes_of(plan(fleet, rps, *PAIR)) == {"dc-a": 1, "dc-b": 1}
    dear = Licence(usd_per_pool_hour=0.5)
    assert nodes_of(plan(fleet, rps, *PAIR, dear)) == {"dc-b": 2}


def test_what_it_forbids_is_not_chosen_and_says_why() -> None:
    found = plan(FLEET, {"search": 100.0}, *PAIR, NotOn(pool="dc-a"))
    assert nodes_of(found) == {"dc-b": 1}
    both = (NotOn(pool="dc-a"),)
    only = a_fleet(a_pool("dc-a"), a_service())
    line = plan(only, {"search": 100.0}, *PAIR, *both).missing[0]
    assert line.because == "dc-a is closed (not-on)"


@pytest.mark.parametrize(("wanted", "nodes"), [(0.0, 1), (1.0, 1), (3.0, 3)])
def test_a_priced_rule_with_two_sides_gives_way_on_either(wanted: float, nodes: int) -> None:
    rule = Exactly(nodes=wanted, strictness=Priced(usd_per_hour=2.0))
    found = plan(FLEET, {"search": 100.0}, *PAIR, rule)
    assert sum(nodes_of(found).values()) == nodes
    assert bill_of(found)["exactly"] == pytest.approx(2.0 * abs(wanted - nodes))


@pytest.mark.parametrize(("running", "nodes"), [(5, 3), (2, 2), (3, 3), (1, 2)])
def test_a_rule_to_be_mended_is_never_worse_than_today_on_either_side(
    running: int, nodes: int
) -> None:
    """More than three are wanted for nothing, two are needed, and mending costs a hair."""
    rule = Exactly(nodes=3.0, strictness=Mend(usd_per_hour=0.5))
    found = plan(FLEET, {"search": 8 * 67.5}, *PAIR, rule, nodes={"dc-a": running})
    assert sum(nodes_of(found).values()) == nodes
