"""Recorded workloads: bounds agree with those that others computed, packings cost less."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler.solve.packing.pack import pack
from tests.bench.ca_binpack import the_question as the_case
from tests.bench.gpu_packing import the_plan, the_question, wrongs

pytestmark = pytest.mark.shared_data


@pytest.mark.parametrize("name", ["hybrid_50_2", "inference_500_2", "trainingcpu_300_2"])
def test_gpu_workloads_are_packed_within_a_thousandth_of_the_proven_bound(
    name: str, shared_data: Callable[[str], Path]
) -> None:
    folder = shared_data("peer-baselines")
    world = json.loads((folder / "gpu" / f"{name}.in.json").read_text(encoding="utf-8"))
    summary = json.loads((folder / "gpu_summary.json").read_text(encoding="utf-8"))
    (known,) = (entry for entry in summary if entry["workload"] == name)
    types, classes, members = the_question(world)
    packing = pack(types, classes)
    assert list(wrongs(world, the_plan(types, members, packing), packing.usd_per_hour)) == []
    assert packing.relaxed_bound == pytest.approx(known["lp_lower_bound"], rel=1e-5)
    assert packing.bound <= known["integer_upper_bound"]
    assert packing.usd_per_hour <= 1.001 * packing.bound
    assert packing.usd_per_hour <= known["karpenter"]


def test_51_000_pods_need_2595_nodes(shared_data: Callable[[str], Path]) -> None:
    file = shared_data("peer-baselines") / "conformance" / "ca_binpacking.json"
    case = json.loads(file.read_text(encoding="utf-8"))["cases"][-1]
    packing = pack(*the_case(case))
    assert (int(packing.nodes.sum()), int(packing.missing.sum())) == (2595, 0)
    assert packing.bound == pytest.approx(2595, rel=1e-5)
