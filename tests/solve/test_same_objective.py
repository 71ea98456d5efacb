"""HiGHS, CBC through PuLP, trying everything, and the written files: one and the same objective."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.names import PolicyName
from scheduler.domain.places import Contract, Resources
from scheduler.domain.workloads import Priority
from scheduler.model.affine import Affine, Block, Floats
from scheduler.model.policy import HARD, Contribution, Rules
from scheduler.model.problem import Problem
from scheduler.solve.answer import cost, is_feasible, urgency
from scheduler.solve.chain import NoPlanError, solve
from scheduler.solve.export import lp_text, mps_text, tier_held
from scheduler.solve.highs import solve_exactly
from scheduler.solve.pulp_road import solve_with_pulp
from tests.bench.modelled import modelled
from tests.model.profile import QUICK, SLOW
from tests.model.random_worlds import ALL, World
from tests.model.worlds import EXACT, a_demand, a_fleet, a_job, a_pool, a_service, a_snapshot
from tests.solve.brute import least
from tests.solve.questions import ask
from tests.solve.reading import optimum_of
from tests.solve.test_meaning import POLICIES

CBC = replace(EXACT, use="cbc")
factors = st.sampled_from((-3.0, -2.0, -1.0, 0.0, 0.0, 0.5, 1.0, 2.0, 5.0))


def by_highs(problem: Problem) -> float | None:
    return _worth(problem, solve_exactly(problem, EXACT).x)


def by_cbc(problem: Problem) -> float | None:
    return _worth(problem, solve_with_pulp(problem, CBC).x)


def _worth(problem: Problem, x: Floats | None) -> float | None:
    """No solver is believed: an answer that breaks a row is none."""
    return cost(problem, x) if x is not None and is_feasible(problem, x) else None


def all_answers(problem: Problem, folder: Path) -> dict[str, float | None]:
    """The least cost, as each way to find it says."""
    return {
        "everything tried": least(problem),
        "highs": by_highs(problem),
        "cbc": by_cbc(problem),
        "lp": optimum_of(lp_text(problem), folder / "model.lp"),
        "mps": optimum_of(mps_text(problem), folder / "model.mps"),
    }


def assert_one(answers: dict[str, float | None]) -> None:
    told = answers["everything tried"]
    for who, said in answers.items():
        assert (said is None) == (told is None), answers
        assert said is None or said == pytest.approx(told, rel=1e-6, abs=1e-5), (who, answers)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A few whole and a few other unknowns under a few rules of any shape; some have no answer."""
    whole, parts, rows = draw(st.integers(1, 4)), draw(st.integers(0, 3)), draw(st.integers(1, 5))
    low = np.array([draw(st.integers(-1, 1)) for _ in range(whole)], dtype=float)
    count = Block(
        name="count", lower=low, upper=low + draw(st.integers(0, 3)), integer=True, label=str
    )
    amount = Block(
        name="amount",
        lower=np.full(parts, draw(st.sampled_from((0.0, -4.0)))),
        upper=np.full(parts, draw(st.sampled_from((2.5, 7.0)))),
    )
    rules = tuple(draw(some_rule(str(row), _draw_sum(draw, count, amount))) for row in range(rows))
    price = _draw_sum(draw, count, amount) + draw(st.sampled_from((0.0, 12.5, -3.0)))
    part = Contribution(usd_per_hour=price, rules=rules, blocks=(count, amount))
    return modelled(part, PolicyName("drawn"))


def _draw_sum(draw: st.DrawFn, *blocks: Block) -> Affine:
    """One row over all unknowns."""
    total = Affine(np.array([draw(factors)]))
    for block in blocks:
        total += block.value @ np.array([draw(factors) for _ in range(block.size)])
    return total


@st.composite
def some_rule(draw: st.DrawFn, name: str, value: Affine) -> Rules:
    limit = draw(st.sampled_from((-4.0, 0.0, 1.0, 3.5, 6.0)))
    width = draw(st.sampled_from((np.inf, np.inf, 0.0, 2.0)))
    lower, upper = draw(st.sampled_from(((limit, limit + width), (limit - width, limit))))
    return Rules(
        name=name,
        value=value,
        lower=np.array([lower]),
        upper=np.array([upper]),
        strictness=HARD,
        words=lambda _: f"rule {name}",
    )


@settings(QUICK, max_examples=60)
@given(problem=problems())
def test_any_small_problem_has_one_objective(
    problem: Problem, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert_one(all_answers(problem, tmp_path_factory.mktemp("files")))


@st.composite
def tiny_worlds(draw: st.DrawFn) -> World:
    """A private and a spot pool, a service and a job, something running: few whole numbers."""
    price, few = st.sampled_from((0.5, 0.8, 1.0, 1.7)), st.integers(0, 1)
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=draw(st.integers(1, 2)), usd_per_node_hour=draw(price)),
        a_pool(
            "cloud-a",
            "cloud",
            max_nodes=1,
            usd_per_node_hour=draw(price),
            contract=draw(st.sampled_from((Contract.SPOT, Contract.ON_DEMAND))),
            interruptions_per_hour=0.1,
        ),
        a_service(
            "chat",
            priority=draw(st.sampled_from((Priority.NORMAL, Priority.CRITICAL))),
            per_pod=Resources(gpus=2),
            min_replicas=draw(few),
            max_replicas=draw(st.integers(1, 2)),
            late_usd_per_hour=draw(st.sampled_from((1.0, 9.0, 90.0))),
        ),
        a_job(wait_usd_per_hour=draw(st.sampled_from((0.4, 0.9, 3.0)))),
    )
    return World(
        snapshot=a_snapshot(
            fleet,
            nodes={"dc-a": 1, "cloud-a": draw(few)},
            pods={("chat", "dc-a"): draw(few), ("chat", "cloud-a"): draw(few)},
        ),
        demand=a_demand(fleet, {"chat": draw(st.sampled_from((0.0, 60.0, 140.0, 500.0)))}),
    )


@settings(SLOW, max_examples=12)
@given(world=tiny_worlds())
def test_a_tiny_world_has_one_objective_under_all_policies(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    problem, board = ask(world.snapshot, world.demand, ALL)
    urgent = least(replace(problem, cost=problem.urgent, constant=0.0))
    if urgent is None:
        with pytest.raises(NoPlanError):
            solve(problem, board, EXACT)
        return
    held = tier_held(problem, urgent)
    answers = all_answers(held, tmp_path_factory.mktemp("files"))
    assert_one(answers)
    planned = solve(problem, board, replace(EXACT, keep_within=-1.0))
    assert urgency(problem, planned.x) == pytest.approx(urgent, abs=3e-6)
    # The tier that is held leaves a millionth of the urgent work free, at its price.
    assert planned.objective == pytest.approx(answers["everything tried"], rel=1e-6, abs=2e-3)


@pytest.mark.parametrize("name", POLICIES)
def test_a_tiny_world_has_one_objective_under_each_policy(name: str, tmp_path: Path) -> None:
    fleet = a_fleet(
        a_pool("dc-a", max_nodes=2),
        a_pool("cloud-a", "cloud", max_nodes=1, usd_per_node_hour=0.7, contract=Contract.SPOT),
        a_service("chat", per_pod=Resources(gpus=2), min_replicas=1, max_replicas=3),
        a_job(),
    )
    snapshot = a_snapshot(fleet, nodes={"dc-a": 1}, pods={("chat", "dc-a"): 1})
    problem, _ = ask(snapshot, a_demand(fleet, {"chat": 150.0}), POLICIES[name])
    assert_one(all_answers(problem, tmp_path))
