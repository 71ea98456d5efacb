"""Whole pods on whole nodes: the same number of nodes as one node after the other would need."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scheduler.planning.whole_pods import first_fit

ROOM = np.array([8.0, 96.0, 480.0, 110.0])
SIZES = (1.0, 2.0, 3.0, 4.0, 5.0, 8.0)
KINDS = st.lists(
    st.tuples(st.sampled_from(SIZES), st.sampled_from((1.0, 7.0, 24.0, 50.0)), st.integers(0, 40)),
    max_size=6,
)


def _one_by_one(take: np.ndarray, count: np.ndarray) -> float:
    free: list[np.ndarray] = []
    largest_first = np.argsort(-np.max(take / ROOM, axis=1), kind="stable")
    for row in largest_first:
        for _ in range(count[row]):
            for at, node in enumerate(free):
                if np.all(node + 1e-9 >= take[row]):
                    free[at] = node - take[row]
                    break
            else:
                free.append(ROOM - take[row])
    return float(len(free))


@given(kinds=KINDS)
def test_equal_nodes_are_counted_together(kinds: list[tuple[float, float, int]]) -> None:
    take = np.array([[gpus, cpu, 10.0 * gpus, 1.0] for gpus, cpu, _ in kinds]).reshape(-1, 4)
    count = np.array([pods for _, _, pods in kinds], dtype=int)
    assert first_fit(ROOM, take, count) == _one_by_one(take, count)


def test_what_fits_no_empty_node_fits_no_number_of_nodes() -> None:
    take = np.array([[9.0, 1.0, 1.0, 1.0]])
    assert first_fit(ROOM, take, np.array([1])) == np.inf
    assert first_fit(ROOM, take, np.array([0])) == 0.0


def test_a_hundred_thousand_pods_are_counted_like_ten() -> None:
    take = np.array([[2.0, 8.0, 20.0, 1.0], [3.0, 8.0, 20.0, 1.0]])
    assert first_fit(ROOM, take, np.array([60_000, 40_000])) == 30_000.0
