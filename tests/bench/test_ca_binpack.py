"""The independent check of the bin packing bench sees what is wrong, and the bench runs."""

import json
from pathlib import Path

import pytest

from tests.bench.ca_binpack import ca_binpack, wrongs
from tests.bench.figures import Asked

CASE = {
    "name": "two kinds",
    "node": {"cpu_m": 1000, "mem_mi": 2000, "pods": 4},
    "max_nodes": 2,
    "pods": [
        {"n": 4, "cpu_m": 250, "mem_mi": 100},
        {"n": 2, "cpu_m": 500, "mem_mi": 100, "host_port": 80},
    ],
    "expect_nodes": 2,
    "expect_pods": 6,
}


def test_good_counts_have_nothing_wrong() -> None:
    assert list(wrongs(CASE, [(2, [2, 1])])) == []


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([(1, [4, 0]), (1, [0, 2])], "two pods share a port"),
        ([(2, [3, 1])], "1250 cpu_m on a node of 1000"),
        ([(2, [1, 1]), (1, [2, 0])], "3 nodes instead of 2"),
        ([(2, [1, 1]), (1, [2, 0])], "3 nodes where 2 are allowed"),
        ([(2, [1, 1])], "4 pods instead of 6"),
        ([(2, [3, 0])], "6 pods placed of 4"),
        ([(2, [5, 0])], "5 pods on a node for 4"),
    ],
)
def test_wrong_counts_are_told(counts, words: str) -> None:
    assert words in " ".join(wrongs(CASE, counts))


def test_the_bench_runs_on_other_files_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"source": "here", "cases": [CASE]}), encoding="utf-8")
    figures = list(ca_binpack(Asked(example=tmp_path, seed=1, inputs=(path,))))
    assert [figure.name for figure in figures] == [
        "ca_binpack.two_kinds.wrong",
        "ca_binpack.two_kinds.ms",
    ]
    assert figures[0].verdict == "ok"
    assert figures[0].details["nodes"] == "2"
