"""Small questions of packing, and what brute force answers."""

from itertools import product

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from scheduler.model.affine import Floats, Ints
from scheduler.solve.packing.values import NodeTypes, PodClasses

Question = tuple[NodeTypes, PodClasses]


def types_of(room, usd, most=None) -> NodeTypes:
    """Types named by their place."""
    rooms = np.array(room, dtype=np.float64)
    count = len(rooms)
    return NodeTypes(
        names=tuple(f"type-{place}" for place in range(count)),
        room=rooms,
        usd_per_hour=np.array(usd, dtype=np.float64),
        most=np.full(count, np.inf) if most is None else np.array(most, dtype=np.float64),
    )


def classes_of(take, count, types: NodeTypes, allowed=None, missing=None) -> PodClasses:
    """Classes that may run anywhere unless said otherwise."""
    takes = np.array(take, dtype=np.float64).reshape(len(count), types.room.shape[1])
    anywhere = np.ones((len(count), len(types.names)), dtype=np.bool_)
    return PodClasses(
        take=takes,
        count=np.array(count, dtype=np.int64),
        allowed=anywhere if allowed is None else np.array(allowed, dtype=np.bool_),
        usd_missing=None if missing is None else np.array(missing, dtype=np.float64),
    )


def every_filling(room: Floats, take: Floats, most: Ints) -> Ints:
    """(F, K) all that fit, the empty one too."""
    counts = product(*(range(int(number) + 1) for number in most))
    fit = [pods for pods in counts if (np.array(pods) @ take <= room + 1e-9).all()]
    return np.array(fit, dtype=np.int64).reshape(len(fit), len(most))


def best_cost(types: NodeTypes, classes: PodClasses, missing: Floats) -> float:
    """The optimum over every filling there is, by another solver."""
    columns, usd, kinds = [], [], []
    for kind in range(len(types.names)):
        most = np.where(classes.allowed[:, kind], classes.count, 0)
        fillings = every_filling(types.room[kind], classes.take, most)
        columns.append(fillings)
        usd += [types.usd_per_hour[kind]] * len(fillings)
        kinds += [kind] * len(fillings)
    pods = np.vstack([*columns, np.eye(len(classes.count), dtype=np.int64)])
    cost = np.concatenate([usd, missing])
    nodes_of = np.array(kinds)[None, :] == np.arange(len(types.names))[:, None]
    limits = np.hstack([nodes_of, np.zeros((len(types.names), len(classes.count)))])
    answer = milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, np.inf),
        constraints=[
            LinearConstraint(pods.T, lb=classes.count),
            LinearConstraint(limits, ub=types.most),
        ],
        options={"mip_rel_gap": 0.0},
    )
    assert answer.success
    return float(answer.fun)


@st.composite
def small_questions(draw) -> Question:
    """A few types and classes, few pods, sometimes limits and forbidden types."""
    kinds, kinds_of_pods = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rooms = st.tuples(st.integers(0, 4), st.integers(1, 8), st.integers(1, 6))
    takes = st.tuples(st.integers(0, 2), st.integers(0, 4), st.just(1))
    limit = st.one_of(st.just(np.inf), st.integers(0, 3))
    types = types_of(
        [draw(rooms) for _ in range(kinds)],
        [draw(st.integers(0, 20)) / 4 for _ in range(kinds)],
        [draw(limit) for _ in range(kinds)],
    )
    may = st.lists(st.booleans(), min_size=kinds, max_size=kinds)
    classes = classes_of(
        [draw(takes) for _ in range(kinds_of_pods)],
        [draw(st.integers(0, 4)) for _ in range(kinds_of_pods)],
        types,
        [draw(may) for _ in range(kinds_of_pods)],
        [draw(st.integers(1, 40)) / 2 for _ in range(kinds_of_pods)],
    )
    return types, classes
