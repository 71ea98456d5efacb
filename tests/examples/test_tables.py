"""The example's tables are what its README says: recorded shapes at this example's scale."""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "ecommerce"
DATA = ROOT.parent / "shared" / "data"
DAY = datetime(2026, 11, 11, tzinfo=UTC)

PEAKS = {
    "ad-ranking": 9000.0,
    "image-search": 600.0,
    "query-understanding": 12000.0,
    "recommendation-home": 6000.0,
    "recommendation-item": 9000.0,
    "search-ranking": 8000.0,
}
SERVEGEN_DAYS = {
    "ad-ranking": 6,
    "image-search": 10,
    "query-understanding": 9,
    "search-ranking": 9,
}
WORLD_CUP = {"recommendation-home": "1998-06-16T20:00", "recommendation-item": "1998-06-17T20:00"}
SPOT = {
    "ack-a10-spot": ("us-west-2c", "p3.16xlarge", "2020-03-01", 24.48, 40.3734 * 0.1414),
    "aks-a100-spot": ("us-east-1b", "p2.xlarge", "2020-03-21", 0.90, 19.10),
    "aks-t4-spot": ("us-east-1a", "p2.16xlarge", "2019-12-23", 14.40, 6.089),
    "eks-g5-spot": ("us-east-1b", "p3.2xlarge", "2020-02-11", 3.06, 5.672),
    "eks-p4d-spot": ("us-east-1c", "p2.16xlarge", "2020-03-03", 14.40, 21.957642),
}
"""Zone, type, day, on-demand price then and now."""


def table(name):
    rows = defaultdict(list)
    with (EXAMPLE / name).open(newline="") as file:
        for row in csv.DictReader(file):
            seconds = (datetime.fromisoformat(row["time"]) - DAY).total_seconds()
            rows[row["subject"]].append((seconds, float(row["value"])))
    return {name: np.array(found) for name, found in rows.items()}


def recorded(folder, file):
    path = DATA / folder / file
    if not path.exists():
        pytest.skip(f"shared data not present: ../shared/data/{folder}")
    with gzip.open(path, "rt", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize("service", PEAKS)
def test_each_service_has_one_whole_day_that_reaches_its_peak(service):
    points = table("load.csv")[service]
    assert points[0, 0] == 0.0
    assert set(np.diff(points[:, 0])) <= {300.0, 600.0}
    assert points[-1, 0] + np.diff(points[:2, 0])[0] == 86_400.0
    assert points[:, 1].max() == pytest.approx(PEAKS[service])
    assert points[:, 1].min() > 0.0


@pytest.mark.parametrize("pool", SPOT)
def test_spot_prices_start_with_the_day_and_stay_below_on_demand(pool):
    points = table("prices.csv")[pool]
    assert points[0, 0] == 0.0
    assert (np.diff(points[:, 0]) > 0.0).all()
    assert points[:, 1].max() < SPOT[pool][4]


@pytest.mark.shared_data
@pytest.mark.parametrize("service", SERVEGEN_DAYS)
def test_search_shapes_are_recorded_days_of_a_model_service(service):
    rows = recorded("load-servegen-alibaba", "model_rate_10min.csv.gz")
    rates = np.array([float(row["total_rate_rps"]) for row in rows if row["model"] == "m-large"])
    day = rates.reshape(-1, 144)[SERVEGEN_DAYS[service]]
    shape = day / day.max() * PEAKS[service]
    assert table("load.csv")[service][:, 1] == pytest.approx(shape, abs=0.051)


@pytest.mark.shared_data
@pytest.mark.parametrize("service", WORLD_CUP)
def test_recommendation_shapes_are_recorded_days_of_a_web_site(service):
    begin = datetime.fromisoformat(WORLD_CUP[service])
    minutes = np.zeros(1440)
    for row in recorded("load-worldcup98", "requests_per_minute.csv.gz"):
        minute = (datetime.fromisoformat(row["period"]) - begin).total_seconds() / 60.0
        if 0.0 <= minute < 1440.0:
            minutes[int(minute)] += float(row["count"])
    day = minutes.reshape(-1, 5).mean(axis=1)
    shape = day / day.max() * PEAKS[service]
    assert table("load.csv")[service][:, 1] == pytest.approx(shape, abs=0.051)


@pytest.mark.shared_data
@pytest.mark.parametrize("pool", SPOT)
def test_spot_prices_are_recorded_ratios_of_todays_on_demand_price(pool):
    zone, kind, day, then, now = SPOT[pool]
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    history = sorted(
        ((datetime.fromisoformat(row["timestamp"]) - begin).total_seconds(), row)
        for row in recorded("spot-aws-2020", "aws_spot_price_history.csv.gz")
        if row["availability_zone"] == zone and row["instance_type"] == kind
    )
    times = np.array([seconds for seconds, _ in history])
    prices = np.array([float(row["spot_price_usd"]) for _, row in history])
    for seconds, usd in table("prices.csv")[pool]:
        in_force = prices[np.searchsorted(times, seconds + 0.5, side="right") - 1]
        assert usd == pytest.approx(in_force / then * now, abs=1e-4)


@pytest.mark.shared_data
def test_list_prices_are_the_published_ones():
    rows = recorded("prices", "gpu_prices.csv.gz")
    published = {
        (row["instance_type"], row["region"], row["price_date"]): float(row["on_demand_per_hour"])
        for row in rows
    }
    for kind, region, date, price in (
        ("ecs.gn7i-4x.16xlarge", "cn-beijing", "2024-10-09", 40.3734),
        ("g5.12xlarge", "us-east-1", "2026-07-20", 5.672),
        ("p4d.24xlarge", "us-east-1", "2026-07-20", 21.957642),
        ("g4dn.12xlarge", "us-east-1", "2026-07-20", 3.912),
        ("Standard_NC64as_T4_v3", "southeastasia", "2026-06-18", 6.089),
        ("Standard_NC96ads_A100_v4", "southeastasia", "2026-06-18", 19.10),
    ):
        assert published[kind, region, date] == price, kind


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("gpu", "base_ms", "queue_ms", "limit"),
    [("T4", 18.07, 1.43, 619.0), ("A30", 2.10, 2.97, 1795.0), ("A100", 2.42, 5.27, 3283.0)],
)
def test_the_speed_curves_meet_the_published_tables(gpu, base_ms, queue_ms, limit):
    points = np.array(
        [
            (float(row["inferences_per_second"]) / float(row["batch"]), float(row["p95_ms"]))
            for row in recorded("latency-nvidia-triton", "triton_perf.csv.gz")
            if row["model"] == "WideAndDeep"
            and row["section"] == "online"
            and row["gpu_short"] == gpu
            and row["backend"] == "TensorFlow"
        ]
    )
    rate, p95_ms = points[:, 0], points[:, 1]
    predicted = limit * (1.0 - queue_ms / (p95_ms - base_ms))
    assert np.median(np.abs(predicted - rate) / rate) < 0.07
