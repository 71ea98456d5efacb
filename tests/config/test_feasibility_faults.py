"""A workload that nothing can hold and an objective that nothing can reach are faults."""

import pytest

from .fleet_text import FLEET, declare_fleet, faults_of, faults_with

ON_AWS = "  users: cn-hangzhou\n  clusters: [aws-virginia]\n"


def only(faults: list[str]) -> str:
    assert len(faults) == 1, faults
    return faults[0]


def test_an_objective_below_the_best_gpu_names_the_best():
    fault = only(faults_with("latency: 60ms", "latency: 13ms"))
    assert (
        "spec.objective.latency: no GPU type of an allowed pool reaches this objective: the best "
        "is 14 ms on A100-40GB in dc-a100 (got 13ms)"
    ) in fault


def test_an_objective_at_the_best_gpu_leaves_no_room_for_load():
    assert "the best is 14 ms" in only(faults_with("latency: 60ms", "latency: 14ms"))
    assert declare_fleet(FLEET.replace("latency: 60ms", "latency: 15ms"))


def test_the_way_from_the_users_counts():
    link = FLEET.replace("  from: hangzhou-dc\n", "  from: cn-hangzhou\n")
    fault = only(faults_of(link.replace("  users: cn-hangzhou\n", ON_AWS)))
    assert "the best is 233 ms on A10G in aws-g5-spot, 210 ms of it the way from cn-hangzhou" in (
        fault
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "gpuMemory: 38Gi",
            "gpuMemory: 80Gi",
            "spec.worker.gpuMemory: no pool can hold it: 1 of 2 allowed pools: it needs 80 GiB of "
            "GPU memory, and there are 40",
        ),
        (
            "worker: {gpus: 8",
            "worker: {gpus: 16",
            "spec.worker.gpus: no pool can hold it: 1 of 2 allowed pools: it needs 16 GPUs on a "
            "node, and there are 8",
        ),
        ("cpu: 96", "cpu: 200", "spec.worker.cpu: no pool can hold it"),
        ("memory: 512Gi", "memory: 2Ti", "spec.worker.memory: no pool can hold it"),
        (
            "gang: {workers: 2",
            "gang: {workers: 5",
            "spec.gang.workers: the gang is larger than any pool: dc-a100 holds 4 workers at most "
            "(got 5)",
        ),
        (
            "gang: {workers: 2, spread: pool}",
            "gang: {workers: 5, spread: cluster}",
            "the gang is larger than any cluster: hangzhou-dc holds 4 workers at most",
        ),
        (
            "{A100-40GB: 1.0, V100-16GB: 0.42}",
            "{A100-4OGB: 1.0}",
            "spec.speed: no pool can hold it: 1 of 2 allowed pools: no speed is given for its GPU "
            "type A100-40GB",
        ),
        (
            "dataClass: internal\n",
            "dataClass: intrenal\n",
            "spec.dataClass: no pool can hold it: 2 of 2 allowed pools: intrenal data may not be",
        ),
        (
            "  dataClass: private\n  datasets",
            "  clusters: [aws-virginia]\n  datasets",
            "spec.datasets.0: no pool can hold it: the only allowed pool: click-logs is private "
            "data, which its cluster does not hold",
        ),
        (
            "  users: cn-hangzhou\n",
            ON_AWS + "  spot: false\n",
            "spec.spot: no pool can hold it: the only allowed pool: its nodes are spot",
        ),
        (
            "  users: cn-hangzhou\n",
            ON_AWS + "  pools: [dc-a100]\n",
            "spec.pools: none of these pools is in one of its `clusters`",
        ),
    ],
)
def test_a_workload_that_nothing_holds_says_the_dominant_reason(old, new, fault):
    assert fault in only(faults_with(old, new))


def test_a_typo_in_a_gpu_type_is_recognised():
    fault = only(faults_with("{A100-40GB: 1.0, V100-16GB: 0.42}", "{A100-4OGB: 1.0}"))
    assert fault.endswith("did you mean A100-40GB?")


def test_a_typo_in_a_data_class_is_recognised():
    fault = only(faults_with("dataClass: internal\n", "dataClass: intrenal\n"))
    assert fault.endswith("did you mean internal?")


def test_a_fleet_without_pools_holds_nothing():
    parts = [part for part in FLEET.split("---\n") if "kind: NodePool" not in part]
    text = "---\n".join(parts).replace("{dc-a100: 4}", "{}")
    text = text.replace("[{pool: aws-g5-spot, from: 18:00, to: 19:30}]", "[]")
    found = faults_of(text)
    assert len(found) == 2
    assert all("no NodePool is declared that it could run on" in fault for fault in found)


def test_a_broken_pool_does_not_make_workloads_homeless():
    assert "spec.gpu.count" in only(faults_with("count: 8", "count: 0"))


def test_an_unknown_cluster_of_a_pool_does_not_make_workloads_homeless():
    assert "unknown cluster" in only(
        faults_with("  cluster: hangzhou-dc\n", "  cluster: hangzou-dc\n")
    )
