"""Explain: why a workload or pool is as it is, by solving again with one thing changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.demand import Demand
from scheduler.domain.explanation import Explanation, OptionLine, SubjectKind, Verdict
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.settings import SolverSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.model.board import NODES, UNITS
from scheduler.model.policy import Policy
from scheduler.planning.binding import binding_lines
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision, settle
from scheduler.planning.figures import listed, plural, rate, usd
from scheduler.planning.outcome import Outcome
from scheduler.planning.place_lines import pool_lines
from scheduler.planning.work_lines import placement_lines
from scheduler.solve.chain import NoPlanError, solve

HAIR = 0.005
"""USD per hour below which two plans cost the same."""


class UnknownSubjectError(LookupError):
    """Neither a workload nor a pool is called that."""


def explain(
    snapshot: Snapshot,
    demand: Demand,
    policies: Sequence[Policy],
    settings: SolverSettings,
    subject: str,
) -> Explanation:
    """Why here, why not there, and what the next-best plan costs. Raises UnknownSubjectError."""
    decision = settle(snapshot, demand, policies, replace(settings, keep_within=-1.0))
    asked = _Asked(decision=decision, settings=settings)
    board = decision.board
    if subject in board.workloads.names:
        return _explain_workload(asked, board.workloads.names.index(subject))
    if subject in board.pools.names:
        return _explain_pool(asked, board.pools.names.index(subject))
    known = listed([*board.workloads.names, *board.pools.names], most=12)
    raise UnknownSubjectError(f"no workload or pool is called {subject!r}; known: {known}")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Asked:
    """A decision that can be taken again with other bounds."""

    decision: Decision
    settings: SolverSettings

    def again(self, lower: dict[int, float], upper: dict[int, float]) -> Decision | None:
        """The decision under tighter bounds on some unknowns; nothing if there is none."""
        problem = self.decision.problem
        low, high = problem.lower.copy(), problem.upper.copy()
        for at, value in lower.items():
            low[at] = max(low[at], value)
        for at, value in upper.items():
            high[at] = min(high[at], value)
        if np.any(low > high):
            return None
        changed = replace(problem, lower=low, upper=high)
        settings = replace(self.settings, keep_within=-1.0)
        try:
            solution = solve(changed, self.decision.board, settings)
        except NoPlanError:
            return None
        return replace(self.decision, problem=changed, solution=solution)

    def price_of(self, other: Decision) -> float:
        """USD per hour beyond the decision; solver tolerance never makes it negative."""
        return max(0.0, other.solution.objective - self.decision.solution.objective)


def _explain_workload(asked: _Asked, row: int) -> Explanation:
    decision, board = asked.decision, asked.decision.board
    outcome, blame = Outcome(decision=decision), Blame(decision=decision)
    name = board.workloads.names[row]
    here = [line for line in placement_lines(outcome) if line.workload == name and line.after]
    options = tuple(
        _option_line(asked, outcome, blame, row, pool) for pool in range(len(board.pools.names))
    )
    words, extra = _next_best(asked, row)
    is_job = row >= board.workloads.services
    return Explanation(
        subject=name,
        kind=SubjectKind.JOB if is_job else SubjectKind.SERVICE,
        headline=_workload_headline(asked, row),
        here=tuple(
            f"{plural(line.after, 'pod')} on {line.pool}"
            + ("" if is_job else f", {line.share_after:.0%} of the traffic")
            + f": {line.because}"
            for line in here
        ),
        options=options,
        next_best=words,
        next_best_extra_usd_per_hour=extra,
        rules=_rules_about(decision, name),
    )


def _workload_headline(asked: _Asked, row: int) -> str:
    decision, board = asked.decision, asked.decision.board
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


def _option_line(asked: _Asked, outcome: Outcome, blame: Blame, row: int, pool: int) -> OptionLine:
    board = asked.decision.board
    pods = int(outcome.pods[row, pool])
    cluster = board.catalogue.clusters[int(board.pools.cluster[pool])].name
    name = PoolName(board.pools.names[pool])
    if pods and board.pool_state.frozen[pool]:
        return _line(name, cluster, Verdict.CHOSEN, pods, "kept: its site is not seen")
    out = blame.excluded(row, pool)
    if out is not None:
        return _line(name, cluster, Verdict.EXCLUDED, pods, out.words)
    option = next(int(o) for o in blame.options_of(row) if board.options.pool[o] == pool)
    if pods:
        node = usd(float(board.pool_state.usd_per_node_hour[pool]))
        return _line(name, cluster, Verdict.CHOSEN, pods, f"a node costs {node}")
    return _forced(asked, blame, option, name, cluster)


def _forced(
    asked: _Asked, blame: Blame, option: int, name: PoolName, cluster: ClusterName
) -> OptionLine:
    """One unit is put there, everything else is solved again around it."""
    decision = asked.decision
    pool = int(decision.board.options.pool[option])
    at = decision.problem.span(UNITS).start + option
    other = asked.again({at: 1.0}, {})
    if other is None:
        return _line(name, cluster, Verdict.EXCLUDED, 0, blame.unused(option).words)
    extra = asked.price_of(other)
    nodes = float(other.nodes[pool] - decision.nodes[pool])
    price = float(decision.board.pool_state.usd_per_node_hour[pool])
    win = price - extra / nodes if nodes > 0.0 else -1.0
    return OptionLine(
        pool=name,
        cluster=cluster,
        verdict=Verdict.POSSIBLE,
        pods=0,
        because=_possible_words(blame, option, extra),
        extra_usd_per_hour=round(extra, 4),
        price_to_win_usd_per_node_hour=round(win, 4) if extra > HAIR and win > 0.0 else None,
    )


def _possible_words(blame: Blame, option: int, extra: float) -> str:
    if extra <= HAIR:
        return "as good as what is chosen"
    reason = blame.unused(option)
    return reason.words if reason.rank < 3 else f"{usd(extra)} dearer in sum"


def _line(
    pool: PoolName, cluster: ClusterName, verdict: Verdict, pods: int, because: str
) -> OptionLine:
    return OptionLine(pool=pool, cluster=cluster, verdict=verdict, pods=pods, because=because)


def _next_best(asked: _Asked, row: int) -> tuple[str, float | None]:
    """The cheapest plan that gives the workload less on one of the pools that it uses."""
    decision, board = asked.decision, asked.decision.board
    at = decision.problem.span(UNITS).start
    rows = np.nonzero((board.options.workload == row) & (decision.units > 0.5))[0]
    found = []
    for used in rows.tolist():
        other = asked.again({}, {at + used: float(decision.units[used]) - 1.0})
        if other is not None:
            found.append((asked.price_of(other), used, other))
    if not found:
        return "", None
    extra, option, other = min(found, key=lambda item: item[:2])
    pods = Outcome(decision=other).pods[row]
    where = [f"{int(pods[p])} on {board.pools.names[p]}" for p in np.nonzero(pods)[0]]
    kept_from = board.pools.names[int(board.options.pool[option])]
    then = listed(where, most=4) if where else "it would wait"
    return f"with one unit less on {kept_from}: {then}", round(extra, 4)


def _rules_about(decision: Decision, name: str) -> tuple[str, ...]:
    return tuple(
        f"{line.words} ({usd(line.usd_per_hour)})"
        for line in binding_lines(decision, most=1_000)
        if name in line.words
    )


def _explain_pool(asked: _Asked, pool: int) -> Explanation:
    decision, board = asked.decision, asked.decision.board
    outcome, blame = Outcome(decision=decision), Blame(decision=decision)
    line = pool_lines(outcome)[pool]
    users = np.nonzero(outcome.pods[:, pool])[0]
    words, extra = _one_node_less(asked, pool)
    options = []
    for row, name in enumerate(board.workloads.names):
        found = _option_line(asked, outcome, blame, row, pool)
        options.append(replace(found, workload=WorkloadName(name)))
    return Explanation(
        subject=line.pool,
        kind=SubjectKind.POOL,
        headline=f"{line.pool} has {plural(line.before, 'node')}, the plan wants {line.after}: "
        f"{line.because}",
        here=tuple(
            f"{board.workloads.names[int(row)]}: {plural(outcome.pods[row, pool], 'pod')}"
            for row in users
        ),
        options=tuple(options),
        next_best=words,
        next_best_extra_usd_per_hour=extra,
        rules=_rules_about(decision, line.pool),
    )


def _one_node_less(asked: _Asked, pool: int) -> tuple[str, float | None]:
    nodes = float(asked.decision.nodes[pool])
    at = asked.decision.problem.span(NODES).start + pool
    other = asked.again({}, {at: nodes - 1.0}) if nodes >= 1.0 else None
    if other is not None:
        return "with one node less", round(asked.price_of(other), 4)
    other = asked.again({at: nodes + 1.0}, {})
    return ("with one node more", round(asked.price_of(other), 4)) if other else ("", None)
