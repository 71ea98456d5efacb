"""The second opinion on placement must see what is wrong with a plan, or with a proof."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scheduler.solve.large.front import solve_large
from tests.bench.figures import Asked
from tests.bench.placement_scale import (
    Cut,
    Instance,
    Size,
    _proof,
    measured,
    modelled,
    opinion,
    proven,
)

GENERATOR = """
import numpy as np

def gen(W, P, seed):
    draw = np.random.default_rng(seed)
    wi, pi = np.nonzero(draw.random((W, P)) < 0.8)
    return dict(wi=wi, pi=pi, thr=draw.uniform(1, 4, len(pi)), eg=draw.uniform(0, 0.1, len(pi)),
                d=draw.lognormal(0, 1, W), price=draw.uniform(1, 9, P), g=np.full(P, 4.0),
                N=np.full(P, float(W)), M=40.0)

def perturb(I):
    return I["d"] * 1.01
"""


@pytest.fixture
def instance() -> Instance:
    """Three workloads, two pools."""
    return Instance(
        workload=np.array([0, 0, 1, 1, 2]),
        pool=np.array([0, 1, 0, 1, 1]),
        speed=np.array([1.0, 2.0, 1.0, 2.0, 2.0]),
        egress_usd=np.zeros(5),
        demand=np.array([2.0, 4.0, 6.0]),
        node_usd=np.array([4.0, 10.0]),
        gpus_per_node=np.array([4.0, 4.0]),
        most_nodes=np.array([5.0, 5.0]),
        missing_usd=40.0,
    )


NODES = np.array([1.0, 1.0])
GPUS = np.array([2.0, 0.0, 2.0, 1.0, 3.0])


def test_a_right_plan_has_its_price_and_no_complaint(instance: Instance) -> None:
    assert opinion(instance, NODES, GPUS) == (14.0, ())


def test_what_is_not_served_is_paid_for(instance: Instance) -> None:
    usd, broken = opinion(instance, NODES, np.array([1.0, 0.0, 2.0, 1.0, 3.0]))
    assert usd == 54.0
    assert not broken


@pytest.mark.parametrize(
    ("nodes", "gpus", "word"),
    [
        (np.array([0.9, 1.0]), GPUS, "whole"),
        (np.array([6.0, 1.0]), GPUS, "more nodes"),
        (NODES, np.array([3.0, 0.0, 2.0, 1.0, 3.0]), "more GPUs"),
        (NODES, np.array([2.0, 0.0, 3.0, -1.0, 3.0]), "negative"),
        (NODES, np.full(5, np.nan), "no plan"),
    ],
)
def test_a_wrong_plan_is_caught(
    instance: Instance, nodes: np.ndarray, gpus: np.ndarray, word: str
) -> None:
    _, broken = opinion(instance, nodes, gpus)
    assert any(word in text for text in broken)


def test_a_proof_is_worth_no_more_than_the_best_plan(instance: Instance) -> None:
    answer = solve_large(modelled(instance), 1e-6)
    assert answer.x is not None
    usd, broken = opinion(instance, answer.x[:2], answer.x[2:7])
    assert not broken
    assert proven(instance, *_proof(answer)) <= usd + 1e-9


def test_a_cut_that_forbids_a_whole_plan_proves_nothing(instance: Instance) -> None:
    right = Cut(pool=0, pairs=np.array([0, 2]), rest=2.0, limit=2.0, price=1.0)
    assert proven(instance, np.ones(2), [right]) > -np.inf
    assert proven(instance, np.ones(2), [replace(right, limit=1.5)]) == -np.inf
    assert proven(instance, np.ones(2), [replace(right, pairs=np.array([0, 1]))]) == -np.inf
    assert proven(instance, np.ones(2), [replace(right, price=-1.0)]) == -np.inf


def test_any_generator_of_the_same_form_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "drawn.py"
    file.write_text(GENERATOR, encoding="utf-8")
    asked = Asked(example=tmp_path, seed=1, inputs=(file,))
    size = Size(workloads=40, pools=5, cold_s=30.0, warm_s=30.0, gap=0.1)
    figures = list(measured(asked, [size]))
    assert [figure.unit for figure in figures] == ["s", "%", "GiB", "s", "%"]
    assert all(figure.verdict == "ok" for figure in figures if figure.unit == "%")
    told = [figure.details["feasible"] for figure in figures if figure.details]
    assert told == ["yes", "yes"]


def test_without_a_generator_there_is_nothing_to_measure(tmp_path: Path) -> None:
    asked = Asked(example=tmp_path, seed=1, inputs=(tmp_path / "absent.py",))
    assert not list(measured(asked, []))
