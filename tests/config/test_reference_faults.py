"""What documents say of one another must hold."""

import pytest

from .fleet_text import FLEET, faults_of, faults_with, load_fleet, place_of

CASES = [
    (
        "  cluster: hangzhou-dc\n",
        "  cluster: hangzou-dc\n",
        "spec.cluster: unknown cluster (got hangzou-dc), did you mean hangzhou-dc?",
    ),
    (
        "datasets: [click-logs]",
        "datasets: [klick-logs]",
        "spec.datasets.0: unknown dataset (got klick-logs), did you mean click-logs?",
    ),
    (
        "  dataClass: private\n  datasets",
        "  dataClass: private\n  pools: [dc-a10]\n  datasets",
        "spec.pools.0: unknown pool (got dc-a10), did you mean dc-a100?",
    ),
    (
        "  dataClass: private\n  datasets",
        "  dataClass: private\n  clusters: [moon]\n  datasets",
        "spec.clusters.0: unknown cluster (got moon)",
    ),
    (
        "homes: [hangzhou-dc, aws-virginia]",
        "homes: [hangzhou-dc, aws-virgina]",
        "spec.homes.1: unknown cluster (got aws-virgina), did you mean aws-virginia?",
    ),
    (
        "dataClass: private, homes: [hangzhou-dc]",
        "dataClass: private, homes: [aws-virginia]",
        "spec.homes.0: this cluster holds internal, public data only, and the dataset is private",
    ),
    (
        "{pool: aws-g5-spot,",
        "{pool: dc-a100,",
        "stockOuts.0.pool: the pool dc-a100 belongs to the cluster hangzhou-dc",
    ),
    (
        "{pool: aws-g5-spot,",
        "{pool: aws-g5-sport,",
        "stockOuts.0.pool: unknown pool aws-g5-sport, did you mean aws-g5-spot?",
    ),
    (
        "from: 18:00, to: 19:30",
        "from: 18:00, to: 18:00",
        "stockOuts.0.to: the window has no length (got 18:00)",
    ),
    (
        "nodes: {dc-a100: 4}",
        "nodes: {dc-a100: 5}",
        "spec.access.static.nodes.dc-a100: more nodes than the pool may have (4) (got 5)",
    ),
    (
        "nodes: {dc-a100: 4}",
        "nodes: {aws-g5-spot: 4}",
        "static.nodes.aws-g5-spot: the pool aws-g5-spot belongs to the cluster aws-virginia",
    ),
    (
        "nodes: {min: 4, max: 4}",
        "nodes: {min: 5, max: 4}",
        "spec.nodes.min: must not be above max (4) (got 5)",
    ),
    (
        "replicas: {min: 2, max: 64}",
        "replicas: {min: 65, max: 64}",
        "spec.replicas.min: must not be above max (64) (got 65)",
    ),
    (
        "contract: spot",
        "contract: on-demand",
        "spec.interruptionsPerHour: only spot nodes are interrupted, and these are on-demand",
    ),
    (
        "deadline: 2026-11-11T09",
        "deadline: 2026-11-11T01",
        "spec.deadline: must be after notBefore (got 2026-11-11T01:00:00Z)",
    ),
    (
        "upTo: 50TB",
        "upTo: 5TB",
        "spec.price.1.upTo: must be above the tier before it (got 5TB)",
    ),
    (
        "{upTo: 50TB, perGB: 0.085 USD}",
        "{perGB: 0.085 USD}",
        "spec.price.1.upTo: is missing: only the last tier has no end",
    ),
    (
        "{perGB: 0.07 USD}]",
        "{upTo: 90TB, perGB: 0.07 USD}]",
        "spec.price.2.upTo: the last tier has no end",
    ),
    (
        "  to: aws-virginia",
        "  to: aws-ohio",
        "spec.to: neither a cluster nor a region (got aws-ohio)",
    ),
    (
        "users: cn-hangzhou",
        "users: cn-hangzou",
        "spec.users: no cluster is in this region and no Link touches it",
    ),
    (
        "from: 22:30, to: 06:00",
        "from: 22:30, to: 22:30",
        "spec.guard.quietHours.0.to: the window has no length",
    ),
]


@pytest.mark.parametrize(("old", "new", "fault"), CASES)
def test_what_does_not_hold_is_said_at_its_place(old, new, fault):
    broken = FLEET.replace(old, new, 1)
    found = faults_of(broken)
    assert len(found) == 1, found
    assert fault in found[0]
    first = FLEET[: FLEET.index(old)].count("\n") + 1
    assert int(found[0].split(":")[1]) in range(first, first + 4)


def test_two_documents_of_one_name_name_both_places():
    again = FLEET + "---\n" + FLEET.split("---\n")[6]
    (fault,) = faults_of(again)
    first = place_of("click-logs}", FLEET)
    assert fault.endswith(
        f"metadata.name: this name is taken by the Dataset at {first} (got click-logs)"
    )


def test_a_service_and_a_job_cannot_share_a_name():
    (fault,) = faults_with("name: ranker-nightly", "name: search-ranking")
    assert "this name is taken by the InferenceService at fleet.yaml:" in fault


def test_there_is_one_policy_document_at_most():
    policy = FLEET.split("---\n")[-1].replace("our-way", "their-way")
    (fault,) = faults_of(FLEET + "---\n" + policy)
    assert "kind: only one Policy may be given: the first is at fleet.yaml:" in fault


def test_the_same_way_cannot_have_two_links():
    link = FLEET.split("---\n")[8].replace("dc-to-aws", "again").replace("  bothWays: true\n", "")
    (fault,) = faults_of(FLEET + "---\n" + link)
    assert "the way from hangzhou-dc to aws-virginia is already in dc-to-aws" in fault


def test_a_missing_table_of_readings_is_a_fault():
    loaded = load_fleet(is_file=lambda path: path.name != "load.csv")
    (fault,) = loaded.faults
    assert str(fault).endswith("spec.csv.path: no such file: load.csv (got load.csv)")


def test_a_broken_document_does_not_make_its_name_unknown():
    (fault,) = faults_with("region: us-east-1", "region: 5")
    assert "spec.region" in fault


def test_names_are_not_called_unknown_while_a_file_cannot_be_read():
    without = FLEET.replace("kind: Dataset\nmetadata: {name: click-logs}", "kind: [", 1)
    assert all("unknown" not in fault for fault in faults_of(without))
