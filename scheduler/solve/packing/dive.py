"""The dive: round some of the relaxation down, relax what is left anew, and so on to the end."""

from dataclasses import replace

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.columns import generated, pricer_of
from scheduler.solve.packing.first import first_fit
from scheduler.solve.packing.master import Relaxed
from scheduler.solve.packing.reduce import Core, left_over
from scheduler.solve.packing.values import Effort, Fillings, joined
from scheduler.solve.packing.whole import Whole, whole

NEARLY = 1e-6
DEPTH = 12
"""Times that the rest is relaxed anew; what is left then is filled greedily."""
SHARE = 10
"""Part of the effort that relaxing a rest may take."""


def dived(core: Core, fillings: Fillings, relaxed: Relaxed, effort: Effort) -> Whole:
    """A whole packing near a relaxation of the core over these fillings.

    Fillings of the rest are made for the rest: nodes that are nearly full of other classes do not
    stay empty for lack of pods.
    """
    light = replace(effort, looks=effort.looks // SHARE, states=effort.beam)
    known = (fillings, relaxed)
    fixed, fixed_nodes = Fillings.none(len(core.count)), np.zeros(0, dtype=np.int64)
    best = _finished(core, fixed, fixed_nodes, relaxed.worth)
    for _ in range(DEPTH):
        now, times = _rounded(core, *known)
        fixed = joined(fixed, now)
        fixed_nodes = np.concatenate([fixed_nodes, times])
        found = _finished(core, fixed, fixed_nodes, known[1].worth)
        best = found if found.cost < best.cost else best
        rest = left_over(core, fixed, fixed_nodes)
        if not len(now) or not rest.fit.any():
            break
        again = _relaxed(rest, known[0], light)
        if again is None:
            break
        known = again
    return best


def _relaxed(rest: Core, known: Fillings, effort: Effort) -> tuple[Fillings, Relaxed] | None:
    """The rest relaxed, from what is known cut to it."""
    cut = np.minimum(known.pods, rest.fit.T[known.kind])
    useful = np.flatnonzero(cut.any(axis=1))
    start = Fillings(kind=known.kind[useful], pods=cut[useful])
    new = generated(rest, start, pricer_of(rest), effort)
    return None if new is None else (new.fillings, new.relaxed)


def _rounded(core: Core, fillings: Fillings, relaxed: Relaxed) -> tuple[Fillings, Ints]:
    """Whole nodes of the relaxation; where there are none, the filling nearest to one."""
    nodes: Floats = relaxed.nodes
    times = np.floor(nodes + NEARLY).astype(np.int64)
    if not times.any() and (nodes > NEARLY).any():
        dear = core.usd_per_hour[fillings.kind]
        times[int(np.lexsort((-dear, -np.round(nodes, 6)))[0])] = 1
    used = np.flatnonzero(times)
    return Fillings(kind=fillings.kind[used], pods=fillings.pods[used]), times[used]


def _finished(core: Core, fixed: Fillings, nodes: Ints, worth: Floats) -> Whole:
    """With the rest filled greedily."""
    rest = left_over(core, fixed, nodes)
    fillings, times = first_fit(rest, worth)
    return whole(core, joined(fixed, fillings), np.concatenate([nodes, times]))
