"""The bench of a large tick: the second opinion on its orders sees what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.domain.actions import Drain, Grow, Guarded, Held, Place
from scheduler.domain.names import ActionKey, NodeName
from scheduler.domain.settings import GuardSettings, LoopSettings, SolverSettings
from scheduler.planning.decide import decide
from scheduler.runtime.journal import Journal
from scheduler.runtime.world import Tick
from tests.bench.tick_5k import Question, Ticked, opinion_on_actions, recorded, ticked
from tests.bench.worlds import a_world, all_policies, under_way

WIDE = GuardSettings(max_nodes_added_per_tick=1000, max_nodes_released_per_tick=1000)


@pytest.fixture(scope="module")
def question() -> Question:
    """A small world under way whose load has moved by much."""
    policies, solver = all_policies(1e6), SolverSettings(gap=0.05, node_limit=20)
    snapshot, demand = a_world(12, 8, 3, nodes=2, load=4)
    plan = decide(snapshot, demand, policies, solver)
    now, later = under_way(snapshot, demand, plan, 3, swing=0.9)
    return Question(
        name="small", snapshot=now, demand=later, policies=policies, solver=solver, guard=WIDE
    )


@pytest.fixture(scope="module")
def done(question: Question) -> Ticked:
    return ticked(question)


def _wrong(done: Ticked, question: Question, guarded: Guarded) -> str:
    return "; ".join(opinion_on_actions(done.actions, guarded, done.plan, question).broken)


def test_the_orders_of_a_tick_are_found_right(question: Question, done: Ticked) -> None:
    assert done.actions
    assert _wrong(done, question, done.guarded) == ""


def test_all_stages_are_measured(done: Ticked) -> None:
    stages = {"survey", "restrict", "assemble", "settle", "whole pods", "write", "diff", "guard"}
    assert done.watch.wall_s.keys() == done.watch.cpu_s.keys() == stages


def test_an_order_that_is_lost_is_seen(question: Question, done: Ticked) -> None:
    first = done.guarded.allowed[0]
    without = replace(
        done.guarded, allowed=tuple(a for a in done.guarded.allowed if a.pool != first.pool)
    )
    assert "asked, not answered" in _wrong(done, question, without)


def test_more_nodes_than_the_plan_has_are_seen(question: Question, done: Ticked) -> None:
    line = done.plan.pools[0]
    grow = Grow(
        key=ActionKey("grow"),
        cluster=line.cluster,
        pool=line.pool,
        why="",
        before=line.before,
        nodes=line.after + 1,
    )
    opinion = opinion_on_actions((*done.actions, grow), done.guarded, done.plan, question)
    assert f"grow: the plan has {line.after} nodes" in opinion.broken


def test_more_than_one_tick_may_add_is_seen(question: Question, done: Ticked) -> None:
    line = done.plan.pools[0]
    grow = Grow(
        key=ActionKey("grow"), cluster=line.cluster, pool=line.pool, why="", before=0, nodes=2000
    )
    more = replace(done.guarded, allowed=(*done.guarded.allowed, grow))
    assert "nodes are added at once" in _wrong(done, question, more)


def test_the_last_replicas_are_not_taken_unseen(question: Question, done: Ticked) -> None:
    held = {there.workload: 0 for r in question.snapshot.sites.values() for there in r.placements}
    name = next(name for name in held if name in question.snapshot.fleet.services)
    losses = tuple(
        Place(
            key=ActionKey("away"),
            cluster=report.cluster,
            pool=there.pool,
            why="",
            workload=name,
            before=there.wanted,
            pods=0,
            share=0.0,
        )
        for report in question.snapshot.sites.values()
        for there in report.placements
        if there.workload == name
    )
    wrong = _wrong(done, question, Guarded(allowed=losses, held=done.guarded.held))
    assert "away: nobody is left to answer" in wrong


def test_a_node_that_is_not_there_is_not_drained_unseen(question: Question, done: Ticked) -> None:
    line = done.plan.pools[0]
    drain = Drain(
        key=ActionKey("drain"),
        cluster=line.cluster,
        pool=line.pool,
        why="",
        nodes=(NodeName("nobody"),),
    )
    held = (*done.guarded.held, Held(action=drain, why="later"))
    wrong = _wrong(done, question, Guarded(allowed=(*done.guarded.allowed, drain), held=held))
    assert "nobody is not there to drain" in wrong


def test_a_journal_is_measured_by_its_last_tick(
    question: Question, done: Ticked, tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    journal.record(
        Tick(
            number=7,
            snapshot=question.snapshot,
            demand=question.demand,
            plan=done.plan,
            guarded=done.guarded,
            receipts=(),
            memory=question.snapshot.memory,
            whole=True,
            policy_uses="[]",
            loop=LoopSettings(guard=WIDE),
            seconds={},
        )
    )
    journal.close()
    again = recorded(path)
    assert again.snapshot == question.snapshot
    assert again.demand == question.demand
    assert again.guard == WIDE
