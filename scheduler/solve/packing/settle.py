"""Settling: whole numbers over all fillings that the best packing may contain, and the proof.

A packing that uses a filling of reduced cost c costs at least the bound plus c. So once a packing
is known, only the fillings with reduced costs within its gap matter; where all of them are at hand
a MILP over them is exact.
"""

from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.columns import Generated
from scheduler.solve.packing.dive import dived
from scheduler.solve.packing.pricing import Pricer
from scheduler.solve.packing.reduce import Core
from scheduler.solve.packing.values import Effort, Fillings, joined
from scheduler.solve.packing.whole import Whole, choose

REACHES = (0.003, 0.012, np.inf)
"""Shares of the bound within which fillings are looked for, pass by pass: a narrow one is quick,
and the better packing that it finds makes fewer fillings matter."""
FEW = 4
"""The first choice, among the fillings of the relaxation, may take this part of the columns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A whole packing and what is proven of it."""

    whole: Whole
    bound: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Near:
    """Fillings of small reduced costs."""

    fillings: Fillings
    complete: float
    """Every filling of smaller reduced cost than this is there."""


def settled(
    core: Core, relaxed: Generated, start: Whole, pricer: Pricer, effort: Effort
) -> Settled:
    """The cheapest packing that the effort finds, from a known one on."""
    so_far = Settled(
        whole=_first_choice(core, relaxed, start, effort),
        bound=relaxed.bound,
        steps=("relaxed" if relaxed.complete else "relaxed in part",),
    )
    if relaxed.complete:
        so_far = _narrowed(core, relaxed, so_far, pricer, effort)
    if _enough(so_far, effort):
        return so_far
    dive = dived(core, relaxed.fillings, relaxed.relaxed, effort)
    if dive.cost < so_far.whole.cost:
        so_far = replace(so_far, whole=dive, steps=(*so_far.steps, "dive"))
    elif relaxed.complete:
        return so_far
    return _narrowed(core, relaxed, so_far, pricer, effort)


def _first_choice(core: Core, relaxed: Generated, start: Whole, effort: Effort) -> Whole:
    """Among the fillings of the relaxation: only has to be good."""
    over = relaxed.price[relaxed.fillings.kind] - relaxed.fillings.pods @ relaxed.worth
    rows = _few(relaxed.fillings, over, effort.columns // FEW, effort.entries // FEW)
    few = Fillings(kind=relaxed.fillings.kind[rows], pods=relaxed.fillings.pods[rows])
    return _cheaper(start, choose(core, few, effort).whole)


def _narrowed(
    core: Core, relaxed: Generated, known: Settled, pricer: Pricer, effort: Effort
) -> Settled:
    """Ever better packings, as the fillings that matter become fewer or more of them are seen."""
    complete = 0.0
    for share in REACHES if relaxed.complete else REACHES[:1]:
        if _enough(known, effort):
            break
        before = known.whole.cost
        reach = share * relaxed.bound if np.isfinite(share) else np.inf
        near = _near(core, relaxed, pricer, min(before - relaxed.bound, reach), effort)
        known = _pass(core, relaxed, known, near, effort)
        all_seen = relaxed.bound + near.complete >= known.whole.cost
        gained = before - known.whole.cost > effort.gap * before
        if all_seen or not (gained or near.complete > complete):
            break
        complete = near.complete
    return replace(known, bound=min(known.bound, known.whole.cost))


def _enough(known: Settled, effort: Effort) -> bool:
    return known.whole.cost - known.bound <= effort.gap * known.whole.cost


def _pass(core: Core, relaxed: Generated, known: Settled, near: _Near, effort: Effort) -> Settled:
    """The best choice among the near fillings and those in use."""
    among = _merged(near.fillings, known.whole.fillings)
    chosen = choose(core, among, effort)
    # Whoever uses another filling pays its reduced cost.
    bound = min(chosen.bound, relaxed.bound + near.complete)
    return Settled(
        whole=_cheaper(known.whole, chosen.whole),
        bound=max(known.bound, bound),
        steps=(*known.steps, f"{len(among)} fillings"),
    )


def _near(core: Core, relaxed: Generated, pricer: Pricer, reach: float, effort: Effort) -> _Near:
    """The fillings of least reduced cost, all up to the reach if they are not too many."""
    worth = np.where(core.fit.T > 0, relaxed.worth, 0.0)
    far = max(0.0, reach) * (1.0 + 1e-9)
    found = pricer.above(worth, relaxed.price - far, effort.states)
    over: Floats = relaxed.price[found.box] - found.worth
    complete = float(np.min(relaxed.price - found.missed, initial=far))
    fillings = Fillings(kind=found.box, pods=found.pods)
    rows = _few(fillings, over, effort.columns, effort.entries)
    if len(rows) < len(over):
        left_out = np.ones(len(over), dtype=np.bool_)
        left_out[rows] = False
        complete = min(complete, float(over[left_out].min()))
    fillings = Fillings(kind=found.box[rows], pods=found.pods[rows])
    return _Near(fillings=fillings, complete=max(0.0, complete))


def _few(fillings: Fillings, over: Floats, columns: int, entries: int) -> Ints:
    """Rows of least reduced cost, as many as the solver bears."""
    order = np.lexsort((np.arange(len(over)), over))
    weight = np.cumsum((fillings.pods[order] > 0).sum(axis=1))
    return order[:columns][weight[:columns] <= entries]


def _merged(one: Fillings, other: Fillings) -> Fillings:
    """Both, equal ones once."""
    both = joined(one, other)
    _, rows = np.unique(np.column_stack([both.kind, both.pods]), axis=0, return_index=True)
    return Fillings(kind=both.kind[rows], pods=both.pods[rows])


def _cheaper(best: Whole, other: Whole | None) -> Whole:
    return other if other is not None and other.cost < best.cost else best
