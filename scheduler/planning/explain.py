"""Explain: why a workload or pool is as it is, by solving again with one thing changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.demand import Demand
from scheduler.domain.explanation import Explanation, OptionLine, SubjectKind, Verdict
from scheduler.domain.names import WorkloadName
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import NODES
from scheduler.model.policy import Policy
from scheduler.planning.alternatives import (
    HAIR,
    Alternative,
    Limits,
    nodes_at,
)
from scheduler.planning.binding import binding_lines
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision, settle
from scheduler.planning.figures import listed, plural, rate, usd
from scheduler.planning.option_lines import Asked, Told, option_line, told_of
from scheduler.planning.outcome import Outcome
from scheduler.planning.place_lines import pool_lines
from scheduler.planning.work_lines import placement_lines
from scheduler.planning.worth import cost_of_a_request, worth_of_a_node
from scheduler.solve.patience import Clock, no_clock


class UnknownSubjectError(LookupError):
    """Neither a workload nor a pool is called that."""


def explain(
    snapshot: Snapshot,
    demand: Demand,
    policies: Sequence[Policy],
    settings: SolverSettings,
    subject: str,
    clock: Clock = no_clock,
) -> Explanation:
    """Why here, why not there, and what the next-best plan costs. Raises UnknownSubjectError."""
    free = replace(settings, keep_within=-1.0)
    decision = settle(snapshot, demand, policies, free, clock)
    asked = Asked(decision=decision, settings=settings, clock=clock)
    board = decision.board
    if subject in board.workloads.names:
        return _explain_workload(asked, board.workloads.names.index(subject))
    if subject in board.pools.names:
        return _explain_pool(asked, board.pools.names.index(subject))
    known = listed([*board.workloads.names, *board.pools.names], most=12)
    raise UnknownSubjectError(f"no workload or pool is called {subject!r}; known: {known}")


def _explain_workload(asked: Asked, row: int) -> Explanation:
    decision, board = asked.decision, asked.decision.board
    name = board.workloads.names[row]
    rows = np.nonzero(board.options.workload == row)[0].tolist()
    told = told_of(asked, rows)
    here = [line for line in placement_lines(told.outcome) if line.workload == name and line.after]
    options = tuple(option_line(told, row, pool) for pool in range(len(board.pools.names)))
    is_job = row >= board.workloads.services
    best = _next_best(asked, told, row)
    return Explanation(
        subject=name,
        kind=SubjectKind.JOB if is_job else SubjectKind.SERVICE,
        headline=_workload_headline(decision, row),
        here=tuple(
            f"{plural(line.after, 'pod')} on {line.pool}"
            + ("" if is_job else f", {line.share_after:.0%} of the traffic")
            + f": {line.because}"
            for line in here
        ),
        options=options,
        next_best=best.words,
        next_best_extra_usd_per_hour=best.extra,
        next_best_least_usd_per_hour=best.least,
        worth=() if is_job else _worth_of_load(decision, row),
        rules=_rules_about(decision, name),
    )


def _workload_headline(decision: Decision, row: int) -> str:
    board = decision.board
    outcome = Outcome(decision=decision)
    name, wanted = board.workloads.names[row], float(board.workload_state.wanted[row])
    missing = float(decision.missing[row])
    pools = [board.pools.names[int(p)] for p in np.nonzero(outcome.pods[row])[0]]
    where = f"runs on {listed(pools)}" if pools else "runs nowhere"
    if row >= board.workloads.services:
        if wanted <= 0.0:
            return f"{name} is not wanted now"
        blame = Blame(decision=decision).dominant(row)
        return f"{name} {where}" if missing < 0.5 else f"{name} waits: {blame.words}"
    short = f", {rate(missing)} of it late" if missing > 1e-6 * max(wanted, 1.0) else ""
    return f"{name} {where} for {rate(wanted)}{short}"


@dataclass(frozen=True, kw_only=True)
class _NextBest:
    words: str = ""
    extra: float | None = None
    least: float | None = None


def _next_best(asked: Asked, told: Told, row: int) -> _NextBest:
    """The cheapest plan without one of the pools that the workload uses."""
    board = told.decision.board
    found = [(other, option) for option, other in told.without.items() if other is not None]
    if not found:
        return _NextBest()
    best, option = min(
        found, key=lambda item: (item[0].leaves_urgent, item[0].extra_usd_per_hour, item[1])
    )
    best = asked.refined(best)
    pods = Outcome(decision=best.decision).pods[row]
    where = [f"{int(pods[p])} on {board.pools.names[p]}" for p in np.nonzero(pods)[0]]
    then = listed(where, most=4) if where else "it would wait"
    urgent = ", and urgent work has no place" if best.leaves_urgent else ""
    return _NextBest(
        words=f"without {board.pools.names[int(board.options.pool[option])]}: {then}{urgent}",
        extra=round(best.extra_usd_per_hour, 4),
        least=round(best.least_usd_per_hour, 4),
    )


def _worth_of_load(decision: Decision, row: int) -> tuple[str, ...]:
    each = float(cost_of_a_request(decision)[row])
    solution = decision.solution
    if not (solution.row_duals.any() or solution.reduced_costs.any()):
        return ()
    if each * 1000.0 < HAIR:
        return ("a little more load costs nothing: there is room",)
    return (
        f"1,000 requests/s more cost about {usd(1000.0 * each)}, 1 % more load "
        f"{usd(0.01 * each * float(decision.board.workload_state.wanted[row]))}",
    )


def _rules_about(decision: Decision, name: str) -> tuple[str, ...]:
    """The binding rules that name it, and the budget, which binds all that is rented."""
    named = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
    return tuple(
        f"{line.words} ({_relief(line.relief)}{usd(line.usd_per_hour)})"
        for line in binding_lines(decision, most=1_000)
        if named.search(line.words) or line.policy == "budget"
    )


def _relief(relief: str) -> str:
    return f"{relief} saves " if relief else ""


def _explain_pool(asked: Asked, pool: int) -> Explanation:
    decision, board = asked.decision, asked.decision.board
    rows = np.nonzero(board.options.pool == pool)[0].tolist()
    told = told_of(asked, rows)
    line = pool_lines(told.outcome)[pool]
    users = np.nonzero(told.outcome.pods[:, pool])[0]
    words, other = _one_node_less(asked, pool)
    options = tuple(
        replace(option_line(told, row, pool), workload=WorkloadName(name))
        for row, name in enumerate(board.workloads.names)
    )
    return Explanation(
        subject=line.pool,
        kind=SubjectKind.POOL,
        headline=f"{line.pool} has {plural(line.before, 'node')}, the plan wants {line.after}: "
        f"{line.because}",
        here=tuple(
            f"{board.workloads.names[int(row)]}: {plural(told.outcome.pods[row, pool], 'pod')}"
            for row in users
        ),
        options=options,
        next_best=words,
        next_best_extra_usd_per_hour=None if other is None else round(other.extra_usd_per_hour, 4),
        next_best_least_usd_per_hour=None if other is None else round(other.least_usd_per_hour, 4),
        worth=_worth_of_pool(decision, pool, options),
        rules=_rules_about(decision, line.pool),
    )


def _one_node_less(asked: Asked, pool: int) -> tuple[str, Alternative | None]:
    decision = asked.decision
    nodes, at = float(decision.nodes[pool]), nodes_at(decision, pool)
    if nodes >= 1.0:
        (less,) = asked.alternatives([Limits(at_most={at: nodes - 1.0})])
        if less is not None:
            return "with one node less", asked.refined(less)
    (more,) = asked.alternatives([Limits(at_least={at: nodes + 1.0})])
    return ("", None) if more is None else ("with one node more", asked.refined(more))


def _worth_of_pool(decision: Decision, pool: int, options: Sequence[OptionLine]) -> tuple[str, ...]:
    """What one node more would save where the pool is full; the price at which it would be used."""
    board = decision.board
    full = decision.nodes[pool] >= board.blocks[NODES].upper[pool] - 1e-6
    saved = float(worth_of_a_node(decision)[pool])
    if full and saved > HAIR and not board.pool_state.frozen[pool]:
        return (f"one node more saves about {usd(saved)}, by the relaxation",)
    price = float(board.pool_state.usd_per_node_hour[pool])
    wins = [
        (line.price_to_win_usd_per_node_hour, str(line.workload))
        for line in options
        if line.price_to_win_usd_per_node_hour is not None
    ]
    if wins and not any(line.verdict is Verdict.CHOSEN for line in options):
        win, who = max(wins, key=lambda item: (item[0], item[1]))
        return (
            f"{who} would be on it if a node cost {usd(price - win)} less: "
            f"{usd(win)} instead of {usd(price)}",
        )
    return ()
