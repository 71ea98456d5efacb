"""Column generation: the relaxed packing over all fillings there can be, and a valid bound."""

from dataclasses import dataclass

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.master import Master, Relaxed
from scheduler.solve.packing.pricing import Priced, Pricer
from scheduler.solve.packing.reduce import Core
from scheduler.solve.packing.values import Effort, Fillings

BETTER = 1e-7
"""A filling improves the master when it is worth more than its node by this share of the price."""
MANY = 3
"""As long as greedy fillings of so many types improve, nothing better is looked for."""
WIDER = 8
"""Times that a search is widened by when a narrow one found nothing and may have missed some."""
CLOSE = 0.1
"""Share of the gap allowed in the end that may be left open here."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generated:
    """The relaxed packing."""

    fillings: Fillings
    relaxed: Relaxed
    """Over these fillings."""
    bound: float
    """No packing costs less."""
    worth: Floats
    """(K,) the prices of pods that prove the bound."""
    price: Floats
    """(T,) the prices of nodes that prove the bound: a filling of reduced cost c costs c more."""
    complete: bool
    """No other filling improves."""


def pricer_of(core: Core) -> Pricer:
    """Prices the fillings of all types of the core."""
    return Pricer(core.room, core.take, core.fit.T)


def generated(core: Core, start: Fillings, pricer: Pricer, effort: Effort) -> Generated | None:
    """The best fractions over all fillings, as far as the effort goes; None if a solver fails."""
    master = Master(core)
    master.add(start)
    best: tuple[float, Floats, Floats] = (0.0, np.zeros(len(core.count)), core.usd_per_hour)
    relaxed, complete = None, False
    for _ in range(effort.rounds):
        relaxed = master.solve()
        if relaxed is None:
            return None
        worth = np.where(core.fit.T > 0, relaxed.worth, 0.0)
        price = core.usd_per_hour + relaxed.scarcity
        new = _improving(pricer, worth, price, effort)
        best = max(best, _proven(core, relaxed, new.upper), key=lambda proof: proof[0])
        close = relaxed.cost - best[0] <= CLOSE * effort.gap * relaxed.cost
        # A filling known already may look better by what the solver tolerates.
        fresh = _unknown(master.fillings, Fillings(kind=new.box, pods=new.pods))
        if close or not len(fresh) or pricer.looked > effort.looks:
            complete = not len(fresh) and not np.isfinite(new.missed).any()
            break
        master.add(fresh)
    else:
        relaxed = master.solve()
    if relaxed is None:
        return None
    bound, worth, price = best
    return Generated(
        fillings=master.fillings,
        relaxed=relaxed,
        bound=bound,
        worth=worth,
        price=price,
        complete=complete,
    )


def _improving(pricer: Pricer, worth: Floats, price: Floats, effort: Effort) -> Priced:
    """Fillings worth more than their node: greedy, then by ever wider searches."""
    asked = price * (1.0 + BETTER)
    quick = pricer.quick(worth)
    good = np.flatnonzero(quick.worth > asked)
    greedy = Priced(
        box=quick.box[good],
        pods=quick.pods[good],
        worth=quick.worth[good],
        upper=quick.upper,
        missed=quick.missed,
    )
    if len(good) > MANY:
        return greedy
    floor = np.maximum(asked, quick.worth)
    width = effort.beam
    found = pricer.best(worth, floor, width)
    while width < effort.states and not len(found.box) and not len(good):
        if not np.isfinite(found.missed).any():
            break
        width = min(width * WIDER, effort.states)
        found = pricer.best(worth, floor, width)
    return Priced(
        box=np.concatenate([found.box, greedy.box]),
        pods=np.concatenate([found.pods, greedy.pods]),
        worth=np.concatenate([found.worth, greedy.worth]),
        upper=found.upper,
        missed=found.missed,
    )


def _proven(core: Core, relaxed: Relaxed, upper: Floats) -> tuple[float, Floats, Floats]:
    """A bound by Farley: prices scaled down, or scarcity up, until no filling beats its node.

    `upper` (T,) is what any filling of a type may be worth. Returns pods' worths and nodes' prices
    too, with which every filling costs at least what it is worth.
    """
    price = core.usd_per_hour + relaxed.scarcity
    excess = np.maximum(0.0, upper - price)
    known = core.limited & np.isfinite(excess)
    dearer = np.where(known, excess, 0.0) * np.where(known, core.most, 0.0)
    lost = (1.0 - _scales(upper, price)) * (relaxed.worth @ core.count)
    raised = known & (dearer <= lost)
    scarcity = relaxed.scarcity + np.where(raised, excess, 0.0)
    price = core.usd_per_hour + scarcity
    worth = relaxed.worth * float(np.min(_scales(upper, price), initial=1.0))
    paid = scarcity[core.limited] @ core.most[core.limited]
    return float(worth @ core.count - paid), worth, price


def _scales(upper: Floats, price: Floats) -> Floats:
    """(T,) the factors by which worths shrink until no filling of a type beats its node."""
    over = upper > price
    return np.where(over, price / np.where(over, upper, 1.0), 1.0)


def _unknown(known: Fillings, found: Fillings) -> Fillings:
    """Those that are not among the known ones, each once."""
    seen = {_key(kind, pods) for kind, pods in zip(known.kind, known.pods, strict=True)}
    rows = []
    for row, (kind, pods) in enumerate(zip(found.kind, found.pods, strict=True)):
        key = _key(kind, pods)
        if key not in seen:
            seen.add(key)
            rows.append(row)
    return Fillings(kind=found.kind[rows], pods=found.pods[rows])


def _key(kind: Ints, pods: Ints) -> tuple[int, bytes]:
    return int(kind), pods.tobytes()
