"""The first answer: the filling that gives most for its price, again and again."""

import numpy as np

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.boxes import Boxes, boxes, greedy
from scheduler.solve.packing.reduce import Core
from scheduler.solve.packing.values import Fillings


def alone(core: Core) -> Fillings:
    """Each class by itself on the type where that is cheapest; classes that fit somewhere."""
    cheapest, per_pod = _cheapest(core)
    classes = np.flatnonzero(np.isfinite(per_pod))
    pods = np.zeros((len(classes), len(core.count)), dtype=np.int64)
    kinds = cheapest[classes]
    pods[np.arange(len(classes)), classes] = core.fit[classes, kinds]
    return Fillings(kind=kinds, pods=pods)


def first_fit(core: Core, worth: Floats | None = None) -> tuple[Fillings, Ints]:
    """Fillings and nodes that cover all pods that can be covered, at once.

    `worth` (K,) of the pods; where not said, what each costs alone on its cheapest type.
    """
    _, per_pod = _cheapest(core)
    value = np.where(np.isfinite(per_pod), per_pod, 0.0) if worth is None else worth
    # A class that is worth nothing (free nodes) must be placed nevertheless.
    value = np.maximum(value, 1e-9 * max(1.0, float(value.max(initial=0.0))))
    left, nodes_left = core.count.copy(), core.most.copy()
    batch = boxes(core.room, core.take, core.fit.T)
    kinds, pods, times = [], [], []
    while left.any():
        best = _best_value(batch, core, value, left, nodes_left)
        if best is None:
            break
        kind, filling = best
        hosted = filling > 0
        alike = int(min((left[hosted] // filling[hosted]).min(), nodes_left[kind]))
        kinds.append(kind)
        pods.append(filling)
        times.append(alike)
        left -= filling * alike
        nodes_left[kind] -= alike
    none = np.zeros((0, len(core.count)), dtype=np.int64)
    stacked = np.array(pods, dtype=np.int64) if pods else none
    fillings = Fillings(kind=np.array(kinds, dtype=np.int64), pods=stacked)
    return fillings, np.array(times, dtype=np.int64)


def _cheapest(core: Core) -> tuple[Ints, Floats]:
    """(K,) the type on which each class alone is cheapest, and USD an hour of one pod there."""
    per_pod = np.where(core.fit > 0, core.usd_per_hour / np.maximum(core.fit, 1), np.inf)
    cheapest = per_pod.argmin(axis=1)
    return cheapest, per_pod[np.arange(len(per_pod)), cheapest]


def _best_value(
    batch: Boxes, core: Core, value: Floats, left: Ints, nodes_left: Floats
) -> tuple[int, Ints] | None:
    """The type and filling of most worth for its price; None when nothing fits any more."""
    open_ = np.flatnonzero(nodes_left >= 1)
    most = np.minimum(batch.most[open_], left)
    now = Boxes(room=batch.room[open_], takes=batch.takes, most=most)
    pods = greedy(now, np.where(most > 0, value, 0.0))
    worth = pods @ value
    if not (worth > 0).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(worth > 0, worth / core.usd_per_hour[open_], -1.0)
    best = int(np.argmax(ratio))
    return int(open_[best]), pods[best]
