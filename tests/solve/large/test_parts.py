"""The parts of the large road: what is a need, what prices prove, what cuts forbid."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model.affine import Floats
from scheduler.solve.answer import cost
from scheduler.solve.highs import relax, solve_exactly
from scheduler.solve.large.ascent import first_prices
from scheduler.solve.large.core import slack_basis
from scheduler.solve.large.cuts import NO_CUTS, broken_cuts, redrawn
from scheduler.solve.large.prices import priced
from scheduler.solve.large.rounding import rounded_up
from scheduler.solve.large.shape import Large, read, read_again
from scheduler.solve.large.sifting import Sifted, Start, sift
from tests.solve.large.markets import a_market, market
from tests.solve.large.test_large_plans import EXACT


def sifted(large: Large) -> Sifted:
    """The relaxation, to the end."""
    tie, choice = first_prices(large)
    free = large.shape.free
    start = Start(
        tie=tie,
        cut=np.zeros(0),
        choice=choice,
        open=np.zeros(0, dtype=np.int64),
        basis=slack_basis(large.shape, NO_CUTS),
        lower=large.problem.lower[free],
        upper=large.problem.upper[free],
    )
    found = sift(large, NO_CUTS, start, 0.0)
    assert found is not None
    return found


def test_demand_is_a_need_and_room_a_tie() -> None:
    problem = a_market(10, 3)
    shape = read(problem).shape
    assert shape.needs.tolist() == list(range(10))
    assert shape.ties.tolist() == [10, 11, 12]
    assert shape.free.tolist() == [0, 1, 2]
    assert len(shape.offers) == problem.columns - 3


def test_a_row_whose_columns_may_not_be_lowered_is_a_tie() -> None:
    problem = a_market(10, 3)
    lower = problem.lower.copy()
    lower[problem.span("missing").start] = 0.5
    shape = read(replace(problem, lower=lower)).shape
    assert shape.needs.tolist() == list(range(1, 10))


def test_a_column_that_earns_money_is_no_offer() -> None:
    problem = a_market(10, 3)
    usd = problem.cost.copy()
    usd[problem.span("missing").start + 4] = -1.0
    assert 4 not in read(replace(problem, cost=usd)).shape.needs


def test_no_offer_is_used_beyond_what_meets_its_need() -> None:
    problem = a_market(10, 3)
    shape = read(problem).shape
    assert np.all(shape.most * shape.factor <= shape.need[shape.owner] * (1.0 + 1e-12))


@given(
    seed=st.integers(0, 50),
    prices=st.lists(st.floats(-5.0, 5.0), min_size=4, max_size=4),
)
@settings(max_examples=40)
def test_whatever_the_prices_no_plan_is_cheaper_than_their_bound(
    seed: int, prices: list[float]
) -> None:
    problem = a_market(8, 4, seed)
    answer = solve_exactly(problem, EXACT)
    assert answer.x is not None
    found = priced(read(problem), NO_CUTS, np.array(prices), np.zeros(0))
    assert found.bound <= cost(problem, answer.x) + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_sifting_reaches_the_optimum_of_the_whole_linear_program(seed: int) -> None:
    problem = a_market(300, 12, seed)
    whole, found = relax(problem, 10.0), sifted(read(problem))
    assert whole is not None
    assert found.optimum.cost == pytest.approx(whole.bound, rel=1e-7)
    assert found.prices.bound == pytest.approx(whole.bound, rel=1e-7)


def test_first_prices_alone_prove_nearly_everything() -> None:
    problem = a_market(1000, 12, seed=1)
    large, whole = read(problem), relax(problem, 10.0)
    assert whole is not None
    tie, _ = first_prices(large)
    assert priced(large, NO_CUTS, tie, np.zeros(0)).bound >= 0.99 * whole.bound


def one_pool(demand: Floats, size: float = 4.0) -> Large:
    """All workloads on one pool."""
    count = len(demand)
    return read(
        market(
            np.arange(count),
            np.zeros(count, dtype=np.int64),
            speed=np.ones(count),
            demand=demand,
            node_usd=np.array([3.0]),
            size=np.array([size]),
            most=np.array([20.0]),
        )
    )


@pytest.mark.parametrize("demand", [[1.5, 2.0, 5.7], [9.0], [4.0, 4.0, 0.1]])
def test_a_cut_forbids_half_a_node_and_no_whole_one(demand: list[float]) -> None:
    large = one_pool(np.array(demand))
    found = sifted(large)
    used, amount = found.used, found.amounts(large.shape)
    cuts = broken_cuts(large.shape, large.capacity, used, amount, found.optimum.free)
    assert cuts.count == 1
    most = large.shape.most[cuts.offer].sum()
    for nodes in range(21):
        given_ = min(most, 4.0 * nodes)
        assert given_ + cuts.free_factor[0] * nodes <= cuts.limit[0] + 1e-9
    assert most + cuts.free_factor[0] * found.optimum.free[0] > cuts.limit[0] + 1e-3


def test_whole_nodes_need_no_cut() -> None:
    large = one_pool(np.array([4.0, 8.0]))
    found = sifted(large)
    used, amount = found.used, found.amounts(large.shape)
    assert not broken_cuts(large.shape, large.capacity, used, amount, found.optimum.free).count


def test_cuts_are_drawn_again_for_new_needs() -> None:
    large = one_pool(np.array([1.5, 2.0, 5.7]))
    found = sifted(large)
    used, amount = found.used, found.amounts(large.shape)
    cuts = broken_cuts(large.shape, large.capacity, used, amount, found.optimum.free)
    lower = large.problem.row_lower.copy()
    lower[:3] = (3.0, 2.0, 6.0)
    changed = read_again(large, replace(large.problem, row_lower=lower))
    assert changed is not None
    again = redrawn(changed.shape, changed.capacity, cuts)
    for nodes in range(21):
        assert min(11.0, 4.0 * nodes) + again.free_factor[0] * nodes <= again.limit[0] + 1e-9


def test_another_matrix_is_read_anew() -> None:
    large = read(a_market(10, 3, seed=1))
    assert read_again(large, a_market(10, 3, seed=1)) is not None
    assert read_again(large, a_market(10, 3, seed=2)) is None


def test_rounding_up_leaves_out_what_finds_no_room() -> None:
    problem = market(
        np.array([0, 1, 2]),
        np.zeros(3, dtype=np.int64),
        speed=np.ones(3),
        demand=np.array([2.5, 1.0, 0.5]),
        node_usd=np.array([3.0]),
        size=np.array([4.0]),
        most=np.array([1.0]),
        whole=True,
    )
    large = read(problem)
    on_the_pool = np.array([0, 2, 4])
    x = rounded_up(large, on_the_pool, sifted(large))
    assert x is not None
    assert x[problem.span("nodes")].tolist() == [1.0]
    assert x[problem.span("units")].tolist() == [3.0, 1.0, 0.0]
    assert x[problem.span("missing")].tolist() == [0.0, 0.0, 0.5]
