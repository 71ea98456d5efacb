"""The loop over recorded public data: the load of real models, the prices of real clouds."""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scheduler.domain.places import Contract
from tests.bench.checking import feasible
from tests.scenarios.stage import HEAD, HOME, Played, play

pytestmark = pytest.mark.shared_data

BEGIN = datetime(2026, 11, 11, 7, tzinfo=UTC)
HOURS = 1
USD_FOR_A_YUAN = 0.1414
OFFERS = {
    ("alicloud", "cn-hongkong"): "ecs.gn6i-c24g1.24xlarge",
    ("aws", "us-east-1"): "g4dn.12xlarge",
    ("azure", "eastus"): "Standard_NC64as_T4_v3",
}
"""A node with four T4 of three clouds."""
LIMITS = {"m-large": 24.0, "deepseek-r1": 5.0}
"""Requests a second that one T4 could answer at most: made up, the traces tell none."""

Row = Mapping[str, str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, shared_data: Callable[[str], Path]) -> Played:
    """A rising morning: half an hour to find its feet, and one that counts."""
    load = shared_data("load-servegen-alibaba") / "model_rate_10min.csv.gz"
    prices = shared_data("prices") / "gpu_prices.csv.gz"
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "home.yaml").write_text(HOME, encoding="utf-8")
    for row in _offers(prices):
        (folder / f"{row['provider']}.yaml").write_text(_cloud(row), encoding="utf-8")
    for name, limit in LIMITS.items():
        (folder / f"{name}.yaml").write_text(_service(name, limit), encoding="utf-8")
    (folder / "policy.yaml").write_text(
        f"{HEAD}kind: Policy\nmetadata: {{name: all}}\n"
        f"spec: {{preset: balanced, currencies: {{CNY: {USD_FOR_A_YUAN}}}}}\n"
        f"---\n{HEAD}kind: SignalSource\nmetadata: {{name: trace}}\n"
        "spec: {csv: {path: load.csv}}\n",
        encoding="utf-8",
    )
    (folder / "load.csv").write_text("\n".join(_load(load)) + "\n", encoding="utf-8")
    return play(folder)


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _offers(path: Path) -> list[Row]:
    """The newest row of each offer; of several zones the first with a spot price."""
    found: dict[tuple[str, str], Row] = {}
    for row in _rows(path):
        key = (row["provider"], row["region"])
        if OFFERS.get(key) == row["instance_type"]:
            best = max(
                found.get(key, row), row, key=lambda r: (r["price_date"], r["spot_per_hour"])
            )
            found[key] = best
    assert set(found) == set(OFFERS)
    return list(found.values())


def _cloud(row: Row) -> str:
    name, currency = row["provider"], row["currency"]
    spot = row["spot_per_hour"] or row["on_demand_per_hour"]
    documents = [
        f"{HEAD}kind: Cluster\nmetadata: {{name: {name}}}\n"
        f"spec: {{exposure: public, provider: {name}, region: {row['region']}, "
        "access: {simulated: {seed: 3}}}\n"
    ]
    for contract, price in (("on-demand", row["on_demand_per_hour"]), ("spot", spot)):
        documents.append(
            f"{HEAD}kind: NodePool\nmetadata: {{name: {name}-{contract}}}\nspec:\n"
            f"  cluster: {name}\n  instanceType: {row['instance_type']}\n"
            f"  gpu: {{type: T4, count: {float(row['gpu_count']):g}, memory: 16Gi}}\n"
            f"  cpu: {float(row['vcpus']):g}\n  memory: {float(row['memory_mib']):g}Mi\n"
            f"  contract: {contract}\n  nodes: {{max: 8}}\n  price: {price} {currency}/h\n"
            "  boot: 4m\n"
        )
    return "---\n".join(documents)


def _service(name: str, limit: float) -> str:
    return (
        f"{HEAD}kind: InferenceService\nmetadata: {{name: {name}}}\nspec:\n  priority: high\n"
        "  replica: {gpus: 1, gpuMemory: 12Gi, cpu: 8, memory: 32Gi}\n"
        "  replicas: {min: 1, max: 40}\n  objective: {quantile: p95, latency: 900ms}\n"
        f"  speed:\n    T4: {{base: 300ms, queue: 60ms, limit: {limit:g}/s}}\n"
    )


def _load(path: Path) -> Iterator[str]:
    yield "time,signal,subject,value"
    first = BEGIN.hour * 3600.0
    for row in _rows(path):
        seconds = float(row["t"]) - first
        if 0.0 <= seconds <= HOURS * 3600.0 and row["model"] in LIMITS:
            time = (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield f"{time},load_rps,{row['model']},{row['total_rate_rps']}"


def test_the_loop_runs_through_it_without_a_fault(played: Played) -> None:
    assert len(played.ticks) == HOURS * 60 + 31
    assert played.run.status.faults() == []
    assert {receipt.outcome for tick in played.ticks for receipt in tick.receipts} == {"accepted"}


def test_the_objective_is_attained(played: Played) -> None:
    by_service = played.run.outcome().summary.attainment_by_service
    assert set(by_service) == set(LIMITS)
    assert min(by_service.values()) > 0.98, by_service


def test_only_what_is_needed_is_rented_where_it_is_cheapest(played: Played) -> None:
    pools = played.run.world.fleet.pools.values()
    rented = {
        line.pool
        for tick in played.ticks
        for line in tick.plan.pools
        if line.after and line.contract is not Contract.OWNED
    }
    clouds = [pool for pool in pools if pool.contract is not Contract.OWNED]
    cheapest = min(pool.usd_per_node_hour for pool in clouds)
    assert len(clouds) == 6
    assert rented
    assert all(played.run.world.fleet.pools[name].usd_per_node_hour == cheapest for name in rented)


def test_prices_of_several_currencies_are_compared_in_one(played: Played) -> None:
    prices = {name: pool.usd_per_node_hour for name, pool in played.run.world.fleet.pools.items()}
    assert 8.0 < prices[next(name for name in prices if name == "alicloud-on-demand")] < 9.0
    assert prices[next(name for name in prices if name == "aws-on-demand")] == 3.912


def test_every_plan_is_feasible_by_a_second_opinion(played: Played) -> None:
    for tick in played.ticks:
        assert feasible(tick.plan, tick.snapshot, tick.demand).words == "yes", tick.number
