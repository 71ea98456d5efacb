"""Pricing: the best filling of a node, all maximal ones, and honest bounds on both."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.solve.packing.pricing import best_filling, maximal_fillings
from tests.solve.packing.questions import every_filling

KINDS = 3
ROOMS = st.tuples(st.integers(0, 5), st.integers(0, 12)).map(lambda room: np.array(room, float))
TAKES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=KINDS, max_size=KINDS
).map(lambda takes: np.array(takes, float))
MOST = st.lists(st.integers(0, 4), min_size=KINDS, max_size=KINDS).map(np.array)
WORTHS = st.lists(st.integers(0, 9), min_size=KINDS, max_size=KINDS).map(
    lambda worths: np.array(worths) / 4
)


@given(ROOMS, TAKES, WORTHS, MOST)
@settings(max_examples=100)
def test_the_best_filling_is_the_best_of_all(room, takes, worths, most) -> None:
    filling = best_filling(room, takes, worths, most)
    assert (filling.pods @ takes <= room + 1e-9).all()
    assert (filling.pods <= most).all()
    assert np.isclose(filling.worth, filling.pods @ worths)
    assert np.isclose(filling.worth, (every_filling(room, takes, most) @ worths).max())
    assert filling.exact


@given(ROOMS, TAKES, WORTHS, MOST)
@settings(max_examples=60)
def test_without_effort_the_upper_bound_still_holds(room, takes, worths, most) -> None:
    filling = best_filling(room, takes, worths, most, states=1)
    best = (every_filling(room, takes, most) @ worths).max()
    assert filling.worth <= best + 1e-9
    assert best <= filling.upper * (1 + 1e-8) + 1e-9


@given(ROOMS, TAKES, MOST)
@settings(max_examples=60)
def test_maximal_fillings_are_all_those_that_nothing_can_join(room, takes, most) -> None:
    found = maximal_fillings(room, takes, most, limit=200)
    every = every_filling(room, takes, most)
    known = {tuple(pods) for pods in every.tolist()}
    steps = np.eye(KINDS, dtype=int)
    expected = {pods for pods in known if not any(tuple(pods + one) in known for one in steps)}
    assert found is not None
    assert {tuple(pods) for pods in found.tolist()} == expected
    assert len(found) == len(expected)


def test_too_many_fillings_are_not_listed() -> None:
    takes = np.array([[1.0], [2.0], [3.0], [5.0]])
    assert maximal_fillings(np.array([60.0]), takes, np.full(4, 60), limit=50) is None


def test_a_hard_knapsack_says_that_it_is_not_exact() -> None:
    rng = np.random.default_rng(1)
    takes = rng.integers(50, 99, (40, 3)).astype(float)
    worths = takes.sum(axis=1) + rng.uniform(0, 1, 40)
    filling = best_filling(np.full(3, 1234.0), takes, worths, np.full(40, 9), states=50)
    assert filling.upper > filling.worth > 0.9 * filling.upper
    assert not filling.exact
