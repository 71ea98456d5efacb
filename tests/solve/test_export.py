"""The written model: names that every reader takes, limits of every shape, words for people."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from policies.cost import Cost
from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block, Floats
from scheduler.model.policy import HARD, Contribution, Rules
from scheduler.model.problem import Problem
from scheduler.solve.export import lp_text, mps_text, tier_held
from scheduler.solve.labels import LONGEST, column_names, row_names, unlike
from tests.bench.modelled import modelled
from tests.model.worlds import a_demand, a_fleet, a_pool, a_service, a_snapshot
from tests.solve.questions import ask
from tests.solve.reading import optimum_of


def a_problem(
    lower: float = 0.0,
    upper: float = np.inf,
    limits: tuple[float, float] = (1.0, np.inf),
    *,
    usd: float = 2.0,
    base: float = 0.0,
    integer: bool = True,
) -> Problem:
    """min usd x + base, lower <= x <= upper, limits[0] <= x <= limits[1]."""
    many = Block(
        name="count",
        lower=np.array([lower]),
        upper=np.array([upper]),
        integer=integer,
        label=lambda _: "dc-a",
    )
    rule = Rules(
        name="need",
        value=many.value,
        lower=np.array([limits[0]]),
        upper=np.array([limits[1]]),
        strictness=HARD,
        words=lambda _: "dc-a has\nenough",
    )
    part = Contribution(
        usd_per_hour=many.value @ np.array([usd]) + base, rules=(rule,), blocks=(many,)
    )
    return modelled(part, PolicyName("test"))


def solved(problem: Problem, folder: Path) -> float | None:
    """As both files say."""
    one = optimum_of(lp_text(problem), folder / "one.lp")
    other = optimum_of(mps_text(problem), folder / "other.mps")
    assert one == other
    return one


def test_a_small_model_reads_like_what_it_says() -> None:
    assert lp_text(a_problem(base=7.5)) == (
        "\\ Tidegate: USD per hour\n"
        "Minimize\n"
        " cost: 2 count_dc_a + 7.5 constant\n"
        "Subject To\n"
        "\\ dc-a has enough\n"
        " test_need_0: count_dc_a >= 1\n"
        "Bounds\n"
        " constant = 1\n"
        "Generals\n"
        " count_dc_a\n"
        "End\n"
    )


@pytest.mark.parametrize(
    ("lower", "upper", "limits", "usd", "least"),
    [
        (0.0, np.inf, (1.0, np.inf), 2.0, 2.0),
        (0.0, np.inf, (1.5, np.inf), 2.0, 4.0),
        (0.0, 1.0, (0.5, np.inf), 2.0, 2.0),
        (3.0, 3.0, (-np.inf, 9.0), 2.0, 6.0),
        (-4.0, 9.0, (-np.inf, 5.0), 2.0, -8.0),
        (-4.0, np.inf, (-3.0, 2.0), 2.0, -6.0),
        (-4.0, np.inf, (-3.0, 2.0), -2.0, -4.0),
        (-np.inf, np.inf, (-7.0, 7.0), 2.0, -14.0),
        (-np.inf, -2.0, (-7.0, np.inf), -2.0, 4.0),
        (-np.inf, -2.0, (-7.0, -7.0), -2.0, 14.0),
        (0.0, np.inf, (4.0, 4.0), 2.0, 8.0),
        (0.0, np.inf, (-np.inf, np.inf), 2.0, 0.0),
        (0.0, 3.0, (4.0, np.inf), 2.0, None),
    ],
)
def test_bounds_and_limits_of_every_shape_mean_the_same_in_both_files(
    lower: float,
    upper: float,
    limits: tuple[float, float],
    usd: float,
    least: float | None,
    tmp_path: Path,
) -> None:
    problem = a_problem(lower, upper, limits, usd=usd)
    assert solved(problem, tmp_path) == least


def test_the_cost_that_no_decision_changes_is_kept(tmp_path: Path) -> None:
    assert solved(a_problem(base=-12.25), tmp_path) == pytest.approx(-10.25)


def test_an_unknown_without_cost_and_row_is_named_all_the_same(tmp_path: Path) -> None:
    problem = a_problem(usd=0.0, limits=(-np.inf, np.inf))
    assert "0 count_dc_a" in lp_text(problem)
    assert solved(problem, tmp_path) == 0.0


def test_a_rule_over_nothing_that_cannot_hold_is_not_lost(tmp_path: Path) -> None:
    problem = a_problem()
    assert solved(replace(problem, matrix=problem.matrix * 0.0), tmp_path) is None


def test_a_model_without_unknowns_is_a_model(tmp_path: Path) -> None:
    none: Floats = np.zeros(0)
    part = Contribution(
        rules=(
            Rules(
                name="none",
                value=Block(name="none", lower=none, upper=none).value,
                lower=none,
                upper=none,
                strictness=HARD,
                words=str,
            ),
        ),
        blocks=(Block(name="none", lower=none, upper=none),),
    )
    assert solved(modelled(part, PolicyName("test")), tmp_path) == 0.0


def test_labels_become_names_that_differ() -> None:
    long = "x" * 300
    names = unlike(["a-b", "a.b", "a b", "größe", "", "7up", "e5", "_", long, long])
    assert names[:6] == ["a_b", "a_b__2", "a_b__3", "gr_e", "x", "x7up"]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names)
    assert not any(re.match(r"[eE]\d", name) for name in names)
    assert max(map(len, names)) <= LONGEST + len("__2")


def test_pools_whose_names_clean_up_to_the_same_stay_two() -> None:
    fleet = a_fleet(a_pool("dc-a"), a_pool("dc.a"), a_service())
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 90.0}), (Cost(),))
    columns = column_names(problem)
    assert columns[:2] == ["nodes_dc_a", "nodes_dc_a__2"]
    assert len(set(columns)) == problem.columns
    assert len(set(row_names(problem))) == len(problem.row_lower)


def test_no_line_is_longer_than_a_reader_takes() -> None:
    fleet = a_fleet(*(a_pool(f"pool-{i:03d}") for i in range(60)), a_service())
    problem, _ = ask(a_snapshot(fleet), a_demand(fleet, {"search": 90.0}), (Cost(),))
    for text in (lp_text(problem), mps_text(problem)):
        assert max(len(line) for line in text.splitlines() if line[0] not in "*\\") <= 255


def test_the_first_tier_is_a_row_of_its_own() -> None:
    problem = replace(a_problem(), urgent=np.array([0.25]))
    assert "\n tier_0: 0.25 count_dc_a <= 0.500001\n" in lp_text(tier_held(problem, 0.5))
    assert tier_held(a_problem(), 0.5).matrix.shape == (1, 1)
