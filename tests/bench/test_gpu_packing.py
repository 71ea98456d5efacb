"""The independent check of the GPU packing bench sees what is wrong, and the bench runs."""

import json
from pathlib import Path

import pytest

from tests.bench.figures import Asked
from tests.bench.gpu_packing import gpu_packing, wrongs

WORLD = {
    "instance_types": [
        {
            "name": "big",
            "cpu_m": 4100,
            "mem_mi": 1034,
            "gpu": 2,
            "pods": 3,
            "labels": {"gpu-name": "l4"},
            "offerings": [{"zone": "a", "ct": "on-demand", "price": 2.0}],
        },
        {
            "name": "plain",
            "cpu_m": 2100,
            "mem_mi": 1034,
            "gpu": 0,
            "pods": 3,
            "labels": {"gpu-name": "none"},
            "offerings": [{"zone": "a", "ct": "on-demand", "price": 0.5}],
        },
    ],
    "pods": [
        {"id": "a", "cpu_m": 2000, "mem_mi": 512, "gpu": 1, "need": {"gpu-name": ["l4"]}},
        {"id": "b", "cpu_m": 2000, "mem_mi": 512, "gpu": 1, "need": {"gpu-name": ["l4"]}},
        {"id": "c", "cpu_m": 2000, "mem_mi": 512, "gpu": 0},
    ],
}
GOOD = [("big", ["a", "b"]), ("plain", ["c"])]


def test_a_good_plan_has_nothing_wrong() -> None:
    assert list(wrongs(WORLD, GOOD, 2.5)) == []


@pytest.mark.parametrize(
    ("nodes", "usd", "words"),
    [
        (GOOD[:1], 2.0, "c is placed 0 times"),
        ([*GOOD, ("plain", ["c"])], 3.0, "c is placed 2 times"),
        ([*GOOD, ("plain", ["d"])], 3.0, "d is placed 1 times"),
        ([("big", ["a", "b", "c"])], 2.0, "big has too little cpu_m"),
        ([("plain", ["a"]), ("big", ["b"]), ("plain", ["c"])], 3.0, "a may not run on plain"),
        ([("plain", ["a"]), ("big", ["b"]), ("plain", ["c"])], 3.0, "plain has too little gpu"),
        (GOOD, 2.4, "costs 2.5, not 2.4"),
    ],
)
def test_a_wrong_plan_is_told(nodes, usd: float, words: str) -> None:
    assert words in " ".join(wrongs(WORLD, nodes, usd))


def test_the_bench_runs_on_other_files_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "small.in.json"
    path.write_text(json.dumps(WORLD), encoding="utf-8")
    figures = list(gpu_packing(Asked(example=tmp_path, seed=1, inputs=(path,))))
    by_name = {figure.name: figure for figure in figures}
    assert by_name["gpu_packing.small"].details["feasible"] == "yes"
    assert by_name["gpu_packing.small"].details["USD/h"] == "2.500"
    assert by_name["gpu_packing.infeasible"].measured == 0


def test_a_bound_above_a_plan_that_exists_is_told(tmp_path: Path) -> None:
    path = tmp_path / "small.in.json"
    path.write_text(json.dumps(WORLD), encoding="utf-8")
    beside = tmp_path / "small.karp.json"
    beside.write_text(json.dumps({"total_price_per_hour": 1.0}), encoding="utf-8")
    figures = list(gpu_packing(Asked(example=tmp_path, seed=1, inputs=(path,))))
    by_name = {figure.name: figure for figure in figures}
    assert "bound" in by_name["gpu_packing.small"].details["feasible"]
    assert by_name["gpu_packing.above_karpenter"].verdict == "missed"
