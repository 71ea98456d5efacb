"""Packing: the least cost, proven, for whatever is asked."""

import numpy as np
import pytest
from hypothesis import given, settings

from scheduler.solve.packing.check import violations
from scheduler.solve.packing.pack import pack, pack_first
from scheduler.solve.packing.values import Effort
from tests.solve.packing.questions import (
    Question,
    best_cost,
    classes_of,
    small_questions,
    types_of,
)

THOROUGH = Effort(gap=0.0)


@given(small_questions())
@settings(max_examples=60)
def test_the_cost_is_the_optimum_and_the_bound_is_below_it(question: Question) -> None:
    types, classes = question
    optimum = best_cost(types, classes, classes.usd_missing)
    packing = pack(types, classes, THOROUGH)
    assert violations(types, classes, packing) == ()
    assert packing.cost == pytest.approx(optimum, abs=1e-6)
    assert packing.bound <= optimum + 1e-9
    assert packing.bound >= optimum * (1 - 1e-5) - 1e-6


@given(small_questions())
@settings(max_examples=60)
def test_the_first_answer_is_feasible_and_its_bound_valid(question: Question) -> None:
    types, classes = question
    first = pack_first(types, classes)
    assert violations(types, classes, first) == ()
    assert first.bound <= best_cost(types, classes, classes.usd_missing) + 1e-9


@given(small_questions())
@settings(max_examples=40)
def test_little_effort_still_gives_a_packing_and_a_valid_bound(question: Question) -> None:
    types, classes = question
    hasty = Effort(rounds=1, states=1, beam=1, looks=1, columns=1, entries=1, mip_checks=0)
    packing = pack(types, classes, hasty)
    assert violations(types, classes, packing) == ()
    optimum = best_cost(types, classes, classes.usd_missing)
    assert packing.bound <= optimum + 1e-6 <= packing.cost + 2e-6


def test_a_node_of_8_gpus_hosts_no_three_replicas_of_3() -> None:
    types = types_of([[8]], [10.0])
    packing = pack(types, classes_of([[3]], [6], types))
    assert packing.nodes.sum() == 3
    assert packing.bound == pytest.approx(30.0)


def test_a_large_node_is_shared_where_that_is_cheaper_than_small_ones() -> None:
    types = types_of([[1, 10], [4, 60]], [3.0, 8.0])
    packing = pack(types, classes_of([[1, 10], [0, 20]], [4, 1], types))
    assert packing.usd_per_hour == pytest.approx(8.0)
    assert packing.fillings.kind.tolist() == [1]


def test_equal_pods_asked_about_twice_are_told_apart_in_the_answer() -> None:
    types = types_of([[4]], [1.0])
    classes = classes_of([[1], [1], [1]], [3, 2, 5], types)
    packing = pack(types, classes)
    assert (packing.nodes @ packing.fillings.pods).tolist() == [3, 2, 5]
    assert packing.nodes.sum() == 3


def test_equal_pods_that_may_run_on_different_types_are_not_mixed_up() -> None:
    types = types_of([[4], [4]], [1.0, 5.0])
    classes = classes_of([[1], [1]], [4, 4], types, allowed=[[True, True], [False, True]])
    packing = pack(types, classes)
    assert violations(types, classes, packing) == ()
    assert packing.usd_per_hour == pytest.approx(6.0)


def test_a_dominated_type_is_bought_when_the_better_one_runs_out() -> None:
    types = types_of([[4], [2]], [1.0, 2.0], most=[1, np.inf])
    packing = pack(types, classes_of([[1]], [6], types))
    assert packing.usd_per_hour == pytest.approx(3.0)
    assert packing.missing.sum() == 0


def test_with_too_few_nodes_as_many_pods_as_fit_are_placed() -> None:
    types = types_of([[2, 5]], [1.0], most=[5])
    packing = pack(types, classes_of([[1, 1]], [20], types))
    assert (int(packing.nodes.sum()), packing.missing.tolist()) == (5, [10])


def test_a_pod_that_fits_nowhere_is_missing_and_does_not_stop_the_others() -> None:
    types = types_of([[2]], [1.0])
    packing = pack(types, classes_of([[3], [1]], [2, 2], types))
    assert packing.missing.tolist() == [2, 0]
    assert packing.usd_per_hour == pytest.approx(1.0)


def test_a_pod_cheaper_to_leave_out_than_to_place_is_left_out() -> None:
    types = types_of([[1]], [5.0])
    packing = pack(types, classes_of([[1], [1]], [1, 1], types, missing=[2.0, 9.0]))
    assert packing.missing.tolist() == [1, 0]


@pytest.mark.parametrize("answer", [pack, pack_first])
def test_nothing_to_place_costs_nothing(answer) -> None:
    types = types_of([[1]], [5.0])
    packing = answer(types, classes_of([[1]], [0], types))
    assert (packing.cost, packing.bound, len(packing.nodes)) == (0.0, 0.0, 0)
    packing = answer(types, classes_of([], [], types))
    assert (packing.cost, packing.bound, len(packing.nodes)) == (0.0, 0.0, 0)


@pytest.mark.parametrize("answer", [pack, pack_first])
def test_without_nodes_every_pod_is_missing(answer) -> None:
    types = types_of(np.zeros((0, 1)), [])
    packing = answer(types, classes_of([[1]], [3], types))
    assert packing.missing.tolist() == [3]
    types = types_of([[1]], [5.0], most=[0])
    assert answer(types, classes_of([[1]], [3], types)).missing.tolist() == [3]


def test_pods_that_take_nothing_share_one_node() -> None:
    types = types_of([[1]], [5.0])
    packing = pack(types, classes_of([[0]], [1000], types))
    assert packing.nodes.tolist() == [1]


def test_free_nodes_are_used_before_paid_ones() -> None:
    types = types_of([[2], [2]], [0.0, 1.0], most=[2, np.inf])
    packing = pack(types, classes_of([[1]], [6], types))
    assert packing.usd_per_hour == pytest.approx(1.0)


def test_decimal_fractions_fill_a_node_to_the_brim() -> None:
    types = types_of([[1.0]], [1.0])
    packing = pack(types, classes_of([[0.1]], [10], types))
    assert packing.nodes.tolist() == [1]


def test_a_million_pods_are_packed_as_classes() -> None:
    types = types_of([[4, 64], [8, 96]], [4.0, 7.0])
    packing = pack(types, classes_of([[1, 8], [2, 24], [0, 4]], [600_000, 300_000, 100_000], types))
    assert packing.gap <= 1e-3
    assert packing.missing.sum() == 0


def test_the_same_question_gets_the_same_answer() -> None:
    rng = np.random.default_rng(5)
    types = types_of(rng.integers(4, 40, (6, 3)), rng.uniform(1, 9, 6))
    classes = classes_of(rng.integers(1, 9, (8, 3)), rng.integers(1, 30, 8), types)
    one, other = pack(types, classes), pack(types, classes)
    assert one.fillings.pods.tobytes() == other.fillings.pods.tobytes()
    assert one.nodes.tolist() == other.nodes.tolist()
    assert one.bound == other.bound


def test_values_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="usd_per_hour is shaped"):
        types_of([[1]], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        types_of([[np.nan]], [1.0])
    with pytest.raises(ValueError, match="negative"):
        types_of([[1]], [-1.0])
    types = types_of([[1]], [1.0])
    with pytest.raises(ValueError, match="counts"):
        classes_of([[1]], [-1], types)
    with pytest.raises(ValueError, match="takes"):
        classes_of([[-1]], [1], types)
