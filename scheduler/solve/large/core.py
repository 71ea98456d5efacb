"""The core: a small linear program over the offers that matter; all other needs are settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.problem import Problem
from scheduler.solve.engine import Basis as Start
from scheduler.solve.engine import Linear, Solved, Statuses, solve_linear
from scheduler.solve.large.cuts import Cuts
from scheduler.solve.large.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """Where everything stood in the last optimum: what is not known of stands at its limit."""

    free: Statuses
    offer: Statuses
    tie: Statuses
    cut: Statuses
    need: Statuses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """Which offers are open, which needs are decided by them, and the price of excess.

    Needs that are not open are settled: met by one offer alone. Where settled offers take more
    of a tie than there is, the rest is bought at the `excess` price of the tie, so that a core
    always has a solution; in the last core nothing is bought.
    """

    open: Ints
    settled: Ints
    """The offer of each settled need."""
    needs: Ints
    """The needs that open offers decide."""
    excess: Floats
    """One for each tie, then each cut."""
    helps: Floats
    """Which way excess helps: -1 under an upper limit, 1 over a lower one."""
    lower: Floats
    upper: Floats
    """Bounds of the free unknowns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """Of a core."""

    cost: float
    """With what settled offers cost, without what is bought in excess."""
    bought: Floats
    """In excess of each tie and cut."""
    free: Floats
    offer: Floats
    """Amounts of the open offers."""
    tie: Floats
    cut: Floats
    need: Floats
    """Duals."""
    basis: Basis


def slack_basis(shape: Shape, cuts: Cuts) -> Basis:
    """All unknowns at their limits, all rows basic."""
    return Basis(
        free=np.zeros(len(shape.free), dtype=np.int8),
        offer=np.zeros(len(shape.offers), dtype=np.int8),
        tie=np.ones(len(shape.ties), dtype=np.int8),
        cut=np.ones(cuts.count, dtype=np.int8),
        need=np.ones(len(shape.need), dtype=np.int8),
    )


def settled_amounts(shape: Shape, settled: Ints) -> Floats:
    """What meets a need alone."""
    amounts: Floats = shape.need[shape.owner[settled]] / shape.factor[settled]
    return np.minimum(amounts, shape.most[settled])


def optimum(
    problem: Problem, shape: Shape, cuts: Cuts, core: Core, basis: Basis, strategy: int
) -> Optimum | None:
    """Solves the core from a basis; nothing if there is no optimum."""
    bought = np.zeros(len(core.excess), dtype=np.int8)
    solved = solve_linear(
        linear(problem, shape, cuts, core),
        Start(
            columns=np.concatenate([basis.free, basis.offer[core.open], bought]),
            rows=np.concatenate([basis.tie, basis.cut, basis.need[core.needs]]),
        ),
        strategy,
    )
    return None if solved is None else _read(solved, shape, core, basis)


def linear(problem: Problem, shape: Shape, cuts: Cuts, core: Core) -> Linear:
    """The core as a linear program over free unknowns, open offers, excess of ties and cuts.

    Its rows are ties, cuts and open needs, less what settled offers take of them.
    """
    amount = settled_amounts(shape, core.settled)
    tie = shape.links[core.settled].T @ amount
    entry, there = _among(core.settled, cuts.offer)
    cut = np.bincount(
        cuts.of[there], cuts.factor[there] * amount[entry[there]], minlength=cuts.count
    )
    need = shape.need[core.needs]
    open_end, most = np.full(cuts.count, -np.inf), np.full(len(need), np.inf)
    none = np.zeros(len(core.open) + len(core.excess))
    offers = problem.upper[shape.offers[core.open]]
    bought = np.where(core.excess > 0.0, np.inf, 0.0)
    return Linear(
        price=np.concatenate([problem.cost[shape.free], shape.price[core.open], core.excess]),
        constant=problem.constant + float(shape.price[core.settled] @ amount),
        lower=np.concatenate([core.lower, none]),
        upper=np.concatenate([core.upper, offers, bought]),
        columns=_columns(shape, cuts, core),
        row_lower=np.concatenate([problem.row_lower[shape.ties] - tie, open_end, need]),
        row_upper=np.concatenate([problem.row_upper[shape.ties] - tie, cuts.limit - cut, most]),
    )


def _among(sorted_: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Where each stands among sorted numbers, and whether it does."""
    at = np.searchsorted(sorted_, wanted)
    there = at < len(sorted_)
    there[there] = sorted_[at[there]] == wanted[there]
    return at, there


def _columns(shape: Shape, cuts: Cuts, core: Core) -> csr_array:
    """The matrix by columns."""
    ties, free, count = len(shape.ties), len(shape.free), len(core.open)
    entry, there = _among(core.open, cuts.offer)
    of_cuts = csr_array(
        (
            np.concatenate([cuts.free_factor, cuts.factor[there]]),
            (
                np.concatenate([cuts.free, free + entry[there]]),
                np.concatenate([cuts.free_of, cuts.of[there]]),
            ),
        ),
        shape=(free + count, cuts.count),
    )
    number = np.full(len(shape.need), -1)
    number[core.needs] = np.arange(len(core.needs))
    of_needs = csr_array(
        (shape.factor[core.open], (free + np.arange(count), number[shape.owner[core.open]])),
        shape=(free + count, len(core.needs)),
    )
    of_ties = _over(shape.free_links, shape.links[core.open])
    body = csr_array(hstack([of_ties, of_cuts, of_needs], format="csr"))
    extra = ties + cuts.count
    excess = csr_array(
        (core.helps, np.arange(extra), np.arange(extra + 1)), shape=(extra, body.shape[1])
    )
    return _over(body, excess)


def _over(above: csr_array, below: csr_array) -> csr_array:
    """One matrix over the other, as compressed rows."""
    return csr_array(
        (
            np.concatenate([above.data, below.data]),
            np.concatenate([above.indices, below.indices]),
            np.concatenate([above.indptr, below.indptr[1:] + above.indptr[-1]]),
        ),
        shape=(above.shape[0] + below.shape[0], above.shape[1]),
    )


def _read(solved: Solved, shape: Shape, core: Core, basis: Basis) -> Optimum:
    """What the parts of the linear program say of the core."""
    free, count, ties = len(shape.free), len(core.open), len(shape.ties)
    rows = len(core.excess)
    column, row, dual = solved.basis.columns, solved.basis.rows, solved.row_dual
    offer, need = basis.offer.copy(), basis.need.copy()
    offer[core.open], need[core.needs] = column[free : free + count], row[rows:]
    bought = solved.x[free + count :]
    return Optimum(
        cost=solved.cost - float(core.excess @ bought),
        bought=bought,
        free=solved.x[:free],
        offer=solved.x[free : free + count],
        tie=dual[:ties],
        cut=dual[ties:rows],
        need=dual[rows:],
        basis=Basis(free=column[:free], offer=offer, tie=row[:ties], cut=row[ties:rows], need=need),
    )
