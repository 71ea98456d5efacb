"""Replay: on a real recorded load, what is expected covers what comes, without buying the moon."""

import csv
import gzip
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import (
    ClusterName,
    DataClass,
    GpuType,
    Instant,
    PoolName,
    Region,
    WorkloadName,
)
from scheduler.domain.places import Cluster, Contract, Exposure, NodePool, Resources
from scheduler.domain.readings import Readings
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Memory, Snapshot
from scheduler.domain.workloads import InferenceService, LatencyCurve, Objective, Priority
from scheduler.forecast import expect
from scheduler.signals import CsvSource

RECORDED = Path(__file__).parents[3] / "shared/data/load-servegen-alibaba/model_rate_10min.csv.gz"
STEP_S = 600.0
"""The recording has one reading in ten minutes, so that is how long the pool boots here."""
SETTINGS = ForecastSettings(window_s=7200.0, stale_after_s=1.5 * STEP_S)
GPU = GpuType("A10G")

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not RECORDED.is_file(), reason="the recorded public loads are not beside the checkout"
    ),
]


def a_world(service: WorkloadName) -> Fleet:
    cluster, pool = ClusterName("cloud"), PoolName("cloud-a10g")
    room = Resources(gpus=1.0, cpu=8.0, memory_gib=32.0, pods=10.0)
    return Fleet(
        clusters={
            cluster: Cluster(
                name=cluster,
                exposure=Exposure.PUBLIC,
                provider="aliyun",
                region=Region("cn-hangzhou"),
                holds=frozenset({DataClass("public")}),
            )
        },
        pools={
            pool: NodePool(
                name=pool,
                cluster=cluster,
                zone="a",
                instance_type="gn7i",
                gpu_type=GPU,
                gpu_memory_gib=24.0,
                per_node=room,
                contract=Contract.ON_DEMAND,
                min_nodes=0,
                max_nodes=100,
                usd_per_node_hour=1.0,
                interruptions_per_hour=0.0,
                boot_s=STEP_S - 90.0,
            )
        },
        services={
            service: InferenceService(
                name=service,
                priority=Priority.NORMAL,
                data_class=DataClass("public"),
                per_pod=replace(room, pods=1.0),
                objective=Objective(quantile=0.95, seconds=0.5),
                curves={GPU: LatencyCurve(base_s=0.05, queue_s=0.02, limit_rps=20.0)},
                min_replicas=1,
                max_replicas=100,
                late_usd_per_hour=100.0,
            )
        },
    )


def recorded(model: str) -> list[tuple[float, float]]:
    with gzip.open(RECORDED, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == model]
    return [(float(row["t"]), float(row["total_rate_rps"])) for row in rows]


@pytest.mark.parametrize("model", ["m-large", "deepseek-r1"])
async def test_nine_in_ten_windows_are_covered_at_a_moderate_price(
    tmp_path: Path, model: str, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / "load.csv"
    rows = recorded(model)
    lines = [f"{t:.0f},load_rps,{model},{rps}" for t, rps in rows]
    path.write_text("\n".join(["time,signal,subject,value", *lines]), encoding="utf-8")
    source, name = CsvSource(path, "recorded"), WorkloadName(model)
    fleet, memory = a_world(name), Memory(started_at=Instant(-1e6))
    planned, came = [], []
    for (now, _), (_, later) in pairwise(rows[12:]):
        series = await source.read(Instant(now), SETTINGS.window_s)
        world = Snapshot(
            now=Instant(now), fleet=fleet, readings=Readings(series=series), memory=memory
        )
        planned.append(expect(world, SETTINGS).services[name].rps)
        came.append(later)
    covered = float(np.mean(np.array(planned) >= np.array(came)))
    bought = float(np.mean(planned) / np.mean(came))
    record_property("windows_covered", round(covered, 4))
    record_property("planned_over_load", round(bought, 4))
    print(f"{model}: {covered:.1%} of {len(came)} windows covered at {bought:.2f} x the load")
    assert covered >= 0.9
    assert bought <= 1.6
