"""Adoption: the running placement as a candidate, and whether a new plan pays for its change."""

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.plan import Adoption, Ruling
from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Bools, Floats
from scheduler.model.board import FILLS, NODES, UNITS, Board, filled
from scheduler.model.problem import CHECK, Problem
from scheduler.solve.answer import Solution, cost, is_feasible
from scheduler.solve.highs import complete, relax_rest
from scheduler.solve.near.carriers import without_idle_flows

HAIR = 1e-9
WIDE = 1e15
"""Stands for infinity where finite numbers are added up."""
WHOLE = 0.5
DIGITS = 6
DOES_NOT_PACK = "its pods do not pack on its whole nodes"
URGENT = "urgent work waits that could run"
CONTRADICTION = "against several rules together"


def running_candidate(problem: Problem, board: Board, settings: SolverSettings) -> Floats | None:
    """Today's nodes and units, the rest at its best; nothing if a rule forbids them."""
    whole = _as_it_runs(problem, board)
    outside = (whole < problem.lower - HAIR) | (whole > problem.upper + HAIR)
    if outside.any() or _broken_gangs(board).any():
        return None
    known = problem.span(FILLS).stop
    given = problem.integer.copy()
    given[known:] = False
    fixed = replace(
        problem,
        lower=np.where(given, whole, problem.lower),
        upper=np.where(given, whole, problem.upper),
    )
    relaxed = relax_rest(without_idle_flows(fixed), settings.time_limit_s)
    if relaxed is None:
        return None
    x = np.where(problem.integer, np.ceil(relaxed - 1e-7), relaxed)
    x[:known] = whole[:known]
    if is_feasible(problem, x):
        return x
    again = complete(problem, x, settings.time_limit_s)
    return again if is_feasible(problem, again) else None


def what_it_breaks(problem: Problem, board: Board) -> str:
    """The first limit or rule, in words, that today's nodes and units break whatever is done."""
    names, whole = board.pools.names, _as_it_runs(problem, board)
    nodes, units = problem.span(NODES), problem.span(UNITS)
    over = np.nonzero(whole > problem.upper + HAIR)[0]
    for i in over[over < nodes.stop].tolist():
        return f"{names[i]} has more nodes ({whole[i]:g}) than it may ({problem.upper[i]:g})"
    for i in np.nonzero(whole[nodes] < problem.lower[nodes] - HAIR)[0].tolist():
        return f"{names[i]} has fewer nodes ({whole[i]:g}) than it must ({problem.lower[i]:g})"
    for i in np.nonzero(_broken_gangs(board))[0].tolist():
        return f"{board.option_label(i)} runs with a part of its gang"
    for i in over[(over >= units.start) & (over < units.stop)].tolist():
        label = board.option_label(i - units.start)
        return f"{label} has more units ({whole[i]:g}) than are of use ({problem.upper[i]:g})"
    return _broken_row(problem, whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From the running placement to another one: what that saves, and what the way costs."""

    saves_usd_per_hour: float
    """On all bills but the prices of changes."""
    price_usd: float
    """Once."""
    price_usd_per_hour: float
    """The price spread over the hours that the change should last."""

    def pays(self, hair: float) -> bool:
        """Whether it saves more than its price, and than a hair (USD per hour)."""
        return self.saves_usd_per_hour - self.price_usd_per_hour > hair


def step(problem: Problem, running: Floats, x: Floats) -> Step:
    """From the running placement to x, by our own arithmetic."""
    rates = [float(part.usd_per_hour @ (x - running)) for part in problem.changes]
    hours = [part.horizon_hours for part in problem.changes]
    return Step(
        saves_usd_per_hour=cost(problem, running) - cost(problem, x) + sum(rates),
        price_usd=sum(rate * hour for rate, hour in zip(rates, hours, strict=True)),
        price_usd_per_hour=sum(rates),
    )


def keeps(problem: Problem, settings: SolverSettings, x: Floats, running: Floats) -> bool:
    """Whether the running placement stays: x does not pay for the change, and a hair more."""
    size = abs(cost(problem, x)) + HAIR
    # What is below a billionth is not a saving but the arithmetic's.
    return not step(problem, running, x).pays((settings.keep_within + HAIR) * size)


def adoption(problem: Problem, board: Board, solution: Solution, strays: str = "") -> Adoption:
    """What becomes of the running placement, and what that saves and costs.

    `strays` says, in words, what runs where it may not be: that goes whatever it costs.
    """
    known = slice(0, problem.span(UNITS).stop)
    now, x = _as_it_runs(problem, board)[known], solution.x[known]
    same, running = bool(np.all(np.abs(x - now) < WHOLE)), solution.running
    broken = strays or solution.broken or (DOES_NOT_PACK if solution.kept and not same else "")
    ruling = _ruling(same=same, empty=not now.any(), broken=bool(broken))
    # Where no rules allow what runs, its own bill is not known; it has no change to pay.
    way = step(problem, np.zeros(problem.columns) if running is None else running, solution.x)
    left = solution.objective - solution.bound
    return Adoption(
        ruling=ruling,
        because=broken if ruling is Ruling.FORCED else "",
        saves_usd_per_hour=_tidy(way.saves_usd_per_hour) if ruling is Ruling.ADOPTED else None,
        price_usd=_tidy(way.price_usd) if ruling is not Ruling.KEPT else 0.0,
        horizon_hours=max((part.horizon_hours for part in problem.changes), default=0.0),
        at_most_usd_per_hour=_tidy(max(0.0, left)) if np.isfinite(left) else None,
    )


def _ruling(*, same: bool, empty: bool, broken: bool) -> Ruling:
    if empty and not broken:
        return Ruling.KEPT if same else Ruling.FIRST
    if broken:
        return Ruling.FORCED
    return Ruling.KEPT if same else Ruling.ADOPTED


def _tidy(usd: float) -> float:
    """What is beyond is solver noise; never a negative zero."""
    return round(usd, DIGITS) + 0.0


def _as_it_runs(problem: Problem, board: Board) -> Floats:
    """Today's nodes and units with the fillings that they need; all else at its least."""
    whole = problem.lower.copy()
    units = board.options.units_now
    whole[problem.span(NODES)] = board.pool_state.nodes_now
    whole[problem.span(UNITS)] = units
    whole[problem.span(FILLS)] = np.concatenate([*filled(board, units), np.zeros(0)])
    return whole


def _broken_gangs(board: Board) -> Bools:
    gangs: Bools = board.options.units_now % 1.0 > 0.0
    return gangs


def _broken_row(problem: Problem, whole: Floats) -> str:
    """The first row that no values of the other unknowns can mend."""
    low, high = np.maximum(problem.lower, -WIDE), np.minimum(problem.upper, WIDE)
    if not _lacking(problem, whole, low, np.where(problem.urgent > 0.0, WIDE, high)).any():
        # Were urgent work allowed to wait, what runs could stay.
        return URGENT if problem.urgent.any() else CONTRADICTION
    rows = np.nonzero(_lacking(problem, whole, low, high))[0]
    starts = [family.start for family in problem.families]
    family = problem.families[bisect_right(starts, int(rows[0])) - 1]
    if rows[0] >= family.stop:
        return URGENT
    return f'against the rule "{family.words(int(rows[0]) - family.start)}"'


def _lacking(problem: Problem, whole: Floats, low: Floats, high: Floats) -> Bools:
    """Rows that no values between these limits mend, nodes and units being as they are."""
    stop = problem.span(FILLS).stop
    low, high = low.copy(), high.copy()
    low[:stop] = high[:stop] = whole[:stop]
    plus, minus = problem.matrix.maximum(0.0), problem.matrix.minimum(0.0)
    least, most = plus @ low + minus @ high, plus @ high + minus @ low
    size = 1.0 + abs(problem.matrix)[:, :stop] @ np.abs(whole[:stop])
    lack = np.maximum(least - problem.row_upper, problem.row_lower - most)
    rows: Bools = lack > CHECK * size
    return rows
