"""GPU mixes: the second opinion sees what is wrong, and our answers are right by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.alone import EXAMPLE
from tests.bench.figures import Asked
from tests.bench.melange import cheapest_mix, melange
from tests.bench.mixes import Mix, fluid_cost, opinion_on_mix, single_type_cost
from tests.bench.modelled import NoAnswerError

PAIR: dict[str, Any] = {
    "total_request_rate": 10.0,
    "workload_distribution": [[0.6, 0.4], [0.0, 0.0]],
    "gpu_info": {
        "small": {"cost": 1.0, "tputs": [[4.0, 1e-6], [0.0, 0.0]]},
        "large": {"cost": 3.0, "tputs": [[8.0, 8.0], [0.0, 0.0]]},
    },
}
"""Short requests fit both types, long ones only the large type."""
GOOD = Mix(
    gpus={"small": 1, "large": 1},
    shares={(0, 0, "small"): 0.5, (0, 0, "large"): 0.5, (0, 1, "large"): 1.0},
)
"""Loads 3 / 4 and 3 / 8 + 4 / 8."""


def wrong(mix: Mix, capacity: float = 1.0) -> str:
    return "; ".join(opinion_on_mix(PAIR, mix, capacity).broken)


def test_a_good_mix_costs_what_its_gpus_cost() -> None:
    opinion = opinion_on_mix(PAIR, GOOD)
    assert (opinion.cost, opinion.broken) == (4.0, ())


def test_a_gpu_too_few_is_seen() -> None:
    assert "load 0.875 on 0 GPUs large" in wrong(replace(GOOD, gpus={"small": 1, "large": 0}))
    assert "load 0.875 on 0 GPUs large" in wrong(replace(GOOD, gpus={"small": 1}))


def test_half_a_gpu_is_seen() -> None:
    assert "1.5 GPUs large" in wrong(replace(GOOD, gpus={"small": 1, "large": 1.5}))  # type: ignore[dict-item]


def test_requests_that_nobody_serves_are_seen() -> None:
    mix = replace(GOOD, shares={**GOOD.shares, (0, 0, "small"): 0.4})
    assert wrong(mix) == "bucket 0,0 is served 0.9 times"


def test_a_type_that_cannot_serve_a_bucket_is_seen() -> None:
    mix = replace(GOOD, shares={**GOOD.shares, (0, 1, "small"): 1.0, (0, 1, "large"): 0.0})
    assert "small cannot serve 1 of bucket 0,1" in wrong(mix)


def test_headroom_that_is_used_is_seen() -> None:
    assert wrong(GOOD, capacity=0.9) == ""
    assert "load 0.875 on 1 GPUs large" in wrong(GOOD, capacity=0.8)


def test_bounds_and_single_types_by_hand() -> None:
    assert fluid_cost(PAIR) == pytest.approx(6 / 4 * 1.0 + 4 / 8 * 3.0)
    assert single_type_cost(PAIR) == 6.0
    assert cheapest_mix(PAIR)[1] == pytest.approx(4.0)


def test_the_cheapest_mix_of_the_pair_is_four() -> None:
    mix, bound = cheapest_mix(PAIR)
    opinion = opinion_on_mix(PAIR, mix)
    assert (opinion.cost, opinion.broken) == (4.0, ())
    assert bound == pytest.approx(4.0)


def test_requests_that_no_type_can_serve_have_no_answer() -> None:
    impossible = {**PAIR, "workload_distribution": [[0.6, 0.3], [0.1, 0.0]]}
    with pytest.raises(NoAnswerError):
        cheapest_mix(impossible)


def test_no_requests_need_no_gpu() -> None:
    mix, bound = cheapest_mix({**PAIR, "workload_distribution": [[0.0, 0.0], [0.0, 0.0]]})
    assert (dict(mix.gpus), bound) == ({"small": 0, "large": 0}, 0.0)


def test_a_file_of_ones_own_is_compared_with_the_cheapest_single_type(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(PAIR), encoding="utf-8")
    figures = list(melange(Asked(example=EXAMPLE, seed=1, inputs=(tmp_path,))))
    assert [(one.measured, one.bound) for one in figures[:1]] == [(4.0, 6.0)]
    assert figures[0].details["bound of"] == "the cheapest single type"
    assert [one.name for one in figures[1:]] == ["melange, slowest", "melange, largest gap"]


@pytest.mark.shared_data
def test_the_published_example_costs_4_68(shared_data: Callable[[str], Path]) -> None:
    toy = json.loads((shared_data("melange") / "toy.json").read_text(encoding="utf-8"))
    mix, bound = cheapest_mix(toy)
    assert opinion_on_mix(toy, mix).cost == 4.68
    assert opinion_on_mix(toy, mix).broken == ()
    assert bound == pytest.approx(4.68)
