"""Affine expressions mean what dense matrices mean."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from scheduler.model.affine import NOTHING, Affine, Block, Entries, Floats
from tests.model.profile import QUICK

SIZES = {"nodes": 3, "units": 4}
"""Unknowns by block."""

numbers = st.integers(-4, 4).map(float)
cells = st.tuples(st.sampled_from(sorted(SIZES)), st.integers(0, 2), st.integers(0, 2), numbers)


@st.composite
def expressions(draw: st.DrawFn, rows: int = 3) -> Affine:
    """Sparse, with equal coordinates that add up and with explicit zeros."""
    terms: dict[str, Entries] = {}
    for name, row, column, factor in draw(st.lists(cells, max_size=8)):
        entry = Entries(
            rows=np.array([row]), columns=np.array([column]), factors=np.array([factor])
        )
        terms[name] = terms[name].beside(entry) if name in terms else entry
    constant = draw(st.lists(numbers, min_size=rows, max_size=rows))
    return Affine(np.array(constant), terms)


@st.composite
def points(draw: st.DrawFn) -> dict[str, Floats]:
    """A value for every unknown."""
    return {
        name: np.array(draw(st.lists(numbers, min_size=size, max_size=size)))
        for name, size in SIZES.items()
    }


def dense(expression: Affine) -> tuple[Floats, Floats]:
    """The matrix over all unknowns, and the constant."""
    offsets = {"nodes": 0, "units": SIZES["nodes"]}
    matrix = np.zeros((expression.rows, sum(SIZES.values())))
    for name, entries in expression.terms.items():
        triples = zip(entries.rows, entries.columns, entries.factors, strict=True)
        for row, column, factor in triples:
            matrix[row, offsets[name] + column] += factor
    return matrix, expression.constant


def same(expression: Affine, matrix: Floats, constant: Floats) -> None:
    found, number = dense(expression)
    assert_allclose(found, matrix)
    assert_allclose(number, constant)


@QUICK
@given(expressions(), points())
def test_a_value_is_the_matrix_times_the_unknowns_plus_the_constant(
    one: Affine, x: dict[str, Floats]
) -> None:
    matrix, constant = dense(one)
    assert_allclose(one.at(x), matrix @ np.concatenate([x["nodes"], x["units"]]) + constant)


@QUICK
@given(expressions(), expressions())
def test_sums_and_differences_are_row_by_row(one: Affine, other: Affine) -> None:
    (a, c), (b, d) = dense(one), dense(other)
    same(one + other, a + b, c + d)
    same(one - other, a - b, c - d)
    same(one + np.array([1.0, 2.0, 3.0]), a, c + np.array([1.0, 2.0, 3.0]))
    same(one - 1.0, a, c - 1.0)


@QUICK
@given(expressions(), st.lists(numbers, min_size=3, max_size=3))
def test_factors_scale_rows_and_weights_add_them_up(one: Affine, factors: list[float]) -> None:
    by = np.array(factors)
    matrix, constant = dense(one)
    same(one * by, matrix * by[:, None], constant * by)
    same(one * 2.0, matrix * 2.0, constant * 2.0)
    same(one @ by, (by @ matrix)[None, :], np.array([by @ constant]))


@QUICK
@given(expressions(), st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_rows_of_one_group_add_up_and_an_empty_group_is_zero(one: Affine, group: list[int]) -> None:
    matrix, constant = dense(one)
    adds = np.zeros((4, 3))
    adds[group, np.arange(3)] = 1.0
    same(one.sum_by(np.array(group), 4), adds @ matrix, adds @ constant)


@QUICK
@given(expressions(), st.lists(st.integers(0, 2), max_size=6))
def test_rows_are_taken_in_the_order_asked_for_and_as_often(one: Affine, rows: list[int]) -> None:
    wanted = np.array(rows, dtype=np.int64)
    matrix, constant = dense(one)
    same(one.take(wanted), matrix[wanted], constant[wanted])


@QUICK
@given(expressions(), st.lists(st.booleans(), min_size=3, max_size=3))
def test_rows_are_taken_by_a_mask(one: Affine, mask: list[bool]) -> None:
    keep = np.array(mask, dtype=bool)
    matrix, constant = dense(one)
    same(one.take(keep), matrix[keep], constant[keep])


@QUICK
@given(expressions(), expressions(), points())
def test_taking_after_grouping_of_a_sum_is_what_dense_algebra_says(
    one: Affine, other: Affine, x: dict[str, Floats]
) -> None:
    group, wanted = np.array([1, 0, 1]), np.array([1, 1, 0])
    mixed = ((one + other) * 2.0).sum_by(group, 2).take(wanted)
    each = 2.0 * (one.at(x) + other.at(x))
    sums = np.array([each[1], each[0] + each[2]])
    assert_allclose(mixed.at(x), sums[wanted])


def test_a_block_as_an_expression_is_its_own_value() -> None:
    block = Block(name="nodes", lower=np.zeros(3), upper=np.ones(3))
    assert block.size == block.value.rows == 3
    assert_allclose(block.value.at({"nodes": np.array([4.0, 5.0, 6.0])}), [4.0, 5.0, 6.0])


def test_an_empty_block_adds_up_to_nothing() -> None:
    block = Block(name="gang", lower=np.zeros(0), upper=np.zeros(0))
    total = block.value.sum_by(np.zeros(0, dtype=np.int64), 2)
    assert_allclose(total.at({"gang": np.zeros(0)}), [0.0, 0.0])


def test_an_expression_is_never_changed_by_what_is_made_of_it() -> None:
    block = Block(name="nodes", lower=np.zeros(2), upper=np.ones(2))
    value = block.value
    _ = (value + value) * 3.0 - 1.0
    assert_allclose(value.at({"nodes": np.array([1.0, 2.0])}), [1.0, 2.0])
    assert NOTHING.at({}) == 0.0
