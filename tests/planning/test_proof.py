"""What a plan says of how good it is."""

from math import inf, nan

import pytest

from scheduler.domain.plan import Proof


def proof(bound: float) -> Proof:
    return Proof(solver="highs", objective=200.0, bound=bound, kept=False)


def test_the_gap_is_a_share_of_the_cost() -> None:
    assert proof(190.0).gap == pytest.approx(0.05)
    assert proof(200.0).gap == 0.0


def test_a_bound_above_the_cost_is_solver_noise() -> None:
    assert proof(200.0000001).gap == 0.0


@pytest.mark.parametrize("bound", [-inf, nan])
def test_without_a_bound_nothing_is_proven(bound: float) -> None:
    assert proof(bound).gap == inf
