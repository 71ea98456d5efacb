"""Option lines: what became of each option of a workload or pool, solved for one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scheduler.domain.explanation import OptionLine, Verdict
from scheduler.domain.names import PoolName
from scheduler.domain.settings import SolverSettings
from scheduler.model.board import UNITS
from scheduler.planning.alternatives import (
    HAIR,
    Alternative,
    Limits,
    alternatives,
    refined,
    unit_at,
)
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision
from scheduler.planning.figures import usd
from scheduler.planning.outcome import Outcome
from scheduler.solve.patience import Clock

SOLVED = 8
"""So many options are solved for, the most promising first; the others are told by their price."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A decision, and how alternatives to it are looked for."""

    decision: Decision
    settings: SolverSettings
    clock: Clock

    def alternatives(self, limits: Sequence[Limits]) -> list[Alternative | None]:
        """The cheapest plans found within these limits."""
        return alternatives(self.decision, limits, self.settings, self.clock)

    def refined(self, other: Alternative) -> Alternative:
        """The alternative looked for harder."""
        return refined(self.decision, other, self.settings, self.clock)


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """A decision, and what is known of every option of the subject."""

    decision: Decision
    outcome: Outcome
    blame: Blame
    forced: Mapping[int, Alternative | None]
    """One unit is put on the option, everything else is solved again around it."""
    without: Mapping[int, Alternative | None]
    """The option is taken away."""


def told_of(asked: Asked, options: Sequence[int]) -> Told:
    """Solves around each of these options: with one that is not used, without one that is."""
    decision = asked.decision
    used = [o for o in options if decision.units[o] > 0.5]
    price = decision.solution.reduced_costs[decision.problem.span(UNITS)]
    unused = [o for o in options if decision.units[o] < 0.5 and _is_open(decision, o)]
    unused = sorted(unused, key=lambda o: (price[o], o))[:SOLVED]
    limits = [
        *(Limits(at_least={unit_at(decision, o): 1.0}) for o in unused),
        *(Limits(at_most={unit_at(decision, o): 0.0}) for o in used),
    ]
    found = asked.alternatives(limits)
    return Told(
        decision=decision,
        outcome=Outcome(decision=decision),
        blame=Blame(decision=decision),
        forced=dict(zip(unused, found[: len(unused)], strict=True)),
        without=dict(zip(used, found[len(unused) :], strict=True)),
    )


def _is_open(decision: Decision, option: int) -> bool:
    return float(decision.board.blocks[UNITS].upper[option]) >= 1.0


def option_line(told: Told, row: int, pool: int) -> OptionLine:
    """One workload on one pool: chosen, possible or excluded, with its reason and its price."""
    decision, board, blame = told.decision, told.decision.board, told.blame
    pods = int(told.outcome.pods[row, pool])
    line = OptionLine(
        pool=PoolName(board.pools.names[pool]),
        cluster=board.catalogue.clusters[int(board.pools.cluster[pool])].name,
        verdict=Verdict.CHOSEN if pods else Verdict.EXCLUDED,
        pods=pods,
        because="kept: its site is not seen",
    )
    if pods and board.pool_state.frozen[pool]:
        return line
    out = blame.excluded(row, pool)
    if out is not None:
        return replace(line, verdict=Verdict.EXCLUDED, because=out.words)
    option = next(int(o) for o in blame.options_of(row) if board.options.pool[o] == pool)
    if pods:
        return _chosen(line, told, pool, told.without.get(option))
    if option in told.forced or not _is_open(decision, option):
        return _forced(line, told, option, told.forced.get(option))
    return _by_price(line, told, option)


def _chosen(line: OptionLine, told: Told, pool: int, without: Alternative | None) -> OptionLine:
    node = usd(float(told.decision.board.pool_state.usd_per_node_hour[pool]))
    words = f"a node costs {node}"
    if without is None:
        return replace(line, because=words)
    extra = without.extra_usd_per_hour
    return replace(
        line,
        because=f"{words}; {_without_words(without)}",
        without_usd_per_hour=round(extra, 4),
    )


def _without_words(without: Alternative) -> str:
    if without.leaves_urgent:
        return "without it urgent work has no place"
    extra = without.extra_usd_per_hour
    return f"without it {usd(extra)} more" if extra > HAIR else "without it as good"


def _forced(line: OptionLine, told: Told, option: int, other: Alternative | None) -> OptionLine:
    decision, blame = told.decision, told.blame
    if other is None:
        return replace(line, because=blame.unused(option).words)
    pool = int(decision.board.options.pool[option])
    extra = other.extra_usd_per_hour
    nodes = float(other.decision.nodes[pool] - decision.nodes[pool])
    price = float(decision.board.pool_state.usd_per_node_hour[pool])
    win = price - extra / nodes if nodes > 0.0 else -1.0
    return replace(
        line,
        verdict=Verdict.POSSIBLE,
        because=_possible_words(blame, option, extra),
        extra_usd_per_hour=round(extra, 4),
        price_to_win_usd_per_node_hour=round(win, 4) if extra > HAIR and win > 0.0 else None,
    )


def _by_price(line: OptionLine, told: Told, option: int) -> OptionLine:
    """Not solved for: the relaxation's price of a unit says how far it is from being used."""
    price = told.decision.solution.reduced_costs[told.decision.problem.span(UNITS)][option]
    words = f"about {usd(max(0.0, float(price)))} dearer a unit, by the relaxation"
    return replace(line, verdict=Verdict.POSSIBLE, because=words)


def _possible_words(blame: Blame, option: int, extra: float) -> str:
    if extra <= HAIR:
        return "as good as what is chosen"
    reason = blame.unused(option)
    return reason.words if reason.rank < 3 else f"{usd(extra)} dearer in sum"
