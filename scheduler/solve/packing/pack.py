"""The front door: pods on whole nodes at the least cost, and what it costs at least."""

from dataclasses import replace

import numpy as np

from scheduler.solve.packing.check import violations
from scheduler.solve.packing.columns import generated, pricer_of
from scheduler.solve.packing.first import alone, first_fit
from scheduler.solve.packing.reduce import Core, Reduction, expanded, reduced
from scheduler.solve.packing.settle import Settled, settled
from scheduler.solve.packing.values import (
    Effort,
    Fillings,
    NodeTypes,
    Packing,
    PodClasses,
    a_missing_price,
    joined,
)
from scheduler.solve.packing.whole import whole


def pack_first(types: NodeTypes, classes: PodClasses) -> Packing:
    """An answer at once: the filling that gives most for its price, again and again.

    Its bound is weak: what the cheapest share of a node costs.
    """
    reduction = reduced(types, classes)
    if not len(reduction.kinds):
        return _nothing(types, classes)
    fillings, nodes = first_fit(reduction.core)
    first = whole(reduction.core, fillings, nodes)
    bound = min(first.cost, _share_bound(reduction.core))
    answer = Settled(whole=first, bound=bound, steps=("first fit",))
    return _told(types, classes, reduction, answer, bound)


def pack(types: NodeTypes, classes: PodClasses, effort: Effort | None = None) -> Packing:
    """The cheapest packing that the effort finds, with a valid bound.

    Places as many pods as the node types allow, but none at a higher price than leaving it out.
    The same question gets the same answer: nothing depends on clocks.
    """
    tried = effort or Effort()
    reduction = reduced(types, classes)
    core = reduction.core
    if not len(reduction.kinds):
        return _nothing(types, classes)
    fillings, nodes = first_fit(core)
    first = whole(core, fillings, nodes)
    pricer = pricer_of(core)
    relaxed = generated(core, joined(alone(core), fillings), pricer, tried)
    if relaxed is None:
        bound = min(first.cost, _share_bound(core))
        answer = Settled(whole=first, bound=bound, steps=("first fit", "no relaxation"))
    else:
        answer = settled(core, relaxed, first, pricer, tried)
    least = answer.bound if relaxed is None else relaxed.bound
    told = _told(types, classes, reduction, answer, least)
    if violations(types, classes, told):
        # Whatever a solver led to, the greedy answer has never seen it.
        safe = replace(answer, whole=first, steps=("first fit",))
        return _told(types, classes, reduction, safe, least)
    return told


def _told(
    types: NodeTypes, classes: PodClasses, reduction: Reduction, answer: Settled, least: float
) -> Packing:
    """In terms of the question, its cost counted anew."""
    fillings, nodes, missing = expanded(reduction, answer.whole.fillings, answer.whole.nodes)
    usd = float(nodes @ types.usd_per_hour[fillings.kind])
    left_out = float(missing @ a_missing_price(types, classes))
    return Packing(
        fillings=fillings,
        nodes=nodes,
        missing=missing,
        usd_per_hour=usd,
        usd_missing=left_out,
        bound=min(answer.bound, usd + left_out),
        relaxed_bound=min(least, answer.bound, usd + left_out),
        steps=answer.steps,
    )


def _nothing(types: NodeTypes, classes: PodClasses) -> Packing:
    """No type can host any pod."""
    left_out = float(classes.count @ a_missing_price(types, classes))
    return Packing(
        fillings=Fillings.none(len(classes.count)),
        nodes=np.zeros(0, dtype=np.int64),
        missing=classes.count.astype(np.int64),
        usd_per_hour=0.0,
        usd_missing=left_out,
        bound=left_out,
        relaxed_bound=left_out,
        steps=("nothing fits",),
    )


def _share_bound(core: Core) -> float:
    """Of one resource at a time: what the least share of any node that the pods take costs."""
    room = np.maximum(core.room, 1e-300)
    bound = 0.0
    for resource in range(core.room.shape[1]):
        with np.errstate(over="ignore"):
            unit = core.usd_per_hour / room[:, resource]
        least = np.where(core.fit > 0, unit, np.inf).min(axis=1)
        fits = np.isfinite(least)
        per_pod = np.where(fits, least, 0.0) * core.take[:, resource]
        per_pod = np.where(fits, np.minimum(per_pod, core.usd_missing), core.usd_missing)
        bound = max(bound, float(per_pod @ core.count))
    return bound
