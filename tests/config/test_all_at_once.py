"""Every fault is told at once and once, also beside others in the same document."""

from collections.abc import Collection

import pytest

from scheduler.config import Loaded, load_text

from .fleet_text import (
    FLEET,
    HEAD,
    POLICY_TYPES,
    PRESETS,
    declared_in,
    faults_of,
    load_files,
    load_fleet,
    resolve,
)

BREAKS = {
    "NodePool": ("gpu: {type: A100-40GB, count: 8", "gpu: {type: A100-40GB, count: 0"),
    "Cluster": ("  provider: on-premises\n", "  provider: 5\n"),
    "Edge": ("seed: 7", "seed: -7"),
    "InferenceService": ("traffic: 18kB", "traffic: 18"),
    "TrainingJob": ("checkpoint: 30m", "checkpoint: 30"),
    "Dataset": ("size: 2TB", "size: 2"),
    "Link": ("rtt: 210ms", "rtt: 210"),
    "SignalSource": ("csv: {path", "colour: blue\n  csv: {path"),
    "Policy": ("  loop: {every: 30s}", "  loop: {every: 0s}"),
}
"""One wrong value by kind, which nothing else depends on."""


def with_changes(*changes: tuple[str, str]) -> str:
    text = FLEET
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told_once(found: list[str], *expected: str) -> None:
    """Each of these sentences is in one fault, and there is no other fault."""
    for part in expected:
        assert len([fault for fault in found if part in fault]) == 1, (part, found)
    assert len(found) == len(expected), found


@pytest.mark.parametrize(
    ("kind", "old", "new", "fault"),
    [
        ("NodePool", "  cluster: hangzhou-dc", "  cluster: hangzou-dc", "did you mean hangzhou-dc"),
        ("Cluster", "nodes: {dc-a100: 4}", "nodes: {dc-a10: 4}", "did you mean dc-a100"),
        ("Edge", "{pool: aws-g5-spot,", "{pool: aws-g5-sport,", "did you mean aws-g5-spot"),
        ("Edge", "{pool: aws-g5-spot,", "{pool: dc-a100,", "belongs to the cluster hangzhou-dc"),
        ("InferenceService", "datasets: [item", "datasets: [itm", "did you mean item-features"),
        ("InferenceService", "users: cn-hangzhou", "users: cn-hangzou", "no cluster is in this"),
        ("TrainingJob", "  gang:", "  clusters: [moon]\n  gang:", "unknown cluster (got moon)"),
        ("TrainingJob", "  gang:", "  pools: [dc-a10]\n  gang:", "spec.pools.0: unknown pool"),
        ("Dataset", "homes: [hangzhou-dc]", "homes: [hom]", "spec.homes.0: unknown cluster"),
        ("Link", "  from: hangzhou-dc", "  from: hangzhou", "spec.from: neither a cluster nor"),
        ("Link", "  to: aws-virginia", "  to: aws-virgina", "spec.to: neither a cluster nor"),
        ("NodePool", "nodes: {min: 4, max: 4}", "nodes: {min: 5, max: 4}", "must not be above max"),
        ("InferenceService", "{min: 2, max: 64}", "{min: 65, max: 64}", "must not be above max"),
        ("TrainingJob", "deadline: 2026-11-11T09", "deadline: 2026-11-10T09", "after notBefore"),
        ("Edge", "from: 18:00, to: 19:30", "from: 18:00, to: 18:00", "the window has no length"),
        ("Link", "upTo: 50TB", "upTo: 5TB", "must be above the tier before it"),
        ("Link", "  to: aws-virginia", "  to: hangzhou-dc", "a link leads somewhere else"),
        ("Policy", "to: 06:00", "to: 22:30", "the window has no length"),
        ("Policy", "CNY: 0.14", "CNY: 0.14, USD: 2", "one USD is one USD"),
        ("Policy", "{use: budget,", "{use: budgte,", "unknown policy (got budgte)"),
        ("Policy", "usdPerHour: 120", "usdPerhour: 120", "unknown setting of budget"),
    ],
)
def test_a_wrong_value_hides_no_other_fault_of_its_document(kind, old, new, fault):
    alone = faults_of(with_changes((old, new)))
    broken = faults_of(with_changes(BREAKS[kind]))
    told_once(alone, fault)
    assert len(broken) == 1
    both = faults_of(with_changes((old, new), BREAKS[kind]))
    told_once(both, fault, broken[0].split(": ", maxsplit=2)[2])


def test_a_missing_table_is_told_beside_an_unknown_key():
    found = load_fleet(with_changes(BREAKS["SignalSource"]), is_file=lambda _: False).faults
    told_once([str(fault) for fault in found], "colour: unknown key", "no such file: load.csv")


def test_a_document_with_a_fault_still_exists_for_all_others():
    found = faults_of(with_changes(*BREAKS.values()))
    assert len(found) == len(BREAKS), found
    assert not [fault for fault in found if "unknown cluster" in fault or "neither" in fault]


def test_a_contradiction_leaves_the_rest_of_the_fleet_to_be_checked():
    found = faults_of(with_changes(("min: 4, max: 4", "min: 5, max: 4"), ("60ms", "13ms")))
    told_once(found, "must not be above max (4) (got 5)", "no GPU type of an allowed pool")


def test_what_a_broken_value_would_contradict_is_not_told():
    found = faults_of(with_changes(("nodes: {min: 4, max: 4}", "nodes: {min: 4, max: -1}")))
    told_once(found, "spec.nodes.max: must be greater than or equal to 0")


def test_a_name_that_cannot_be_one_is_not_unknown_too():
    found = faults_of(with_changes(("  cluster: hangzhou-dc", "  cluster: Hangzhou DC")))
    told_once(found, "spec.cluster: must be made of lower case letters")
    found = faults_of(with_changes(("nodes: {dc-a100: 4}", "nodes: {dc a100: 4}")))
    told_once(found, "spec.access.static.nodes.dc a100: must be made of lower case letters")


def test_a_wrong_count_does_not_hide_that_its_pool_is_unknown():
    found = faults_of(with_changes(("nodes: {dc-a100: 4}", "nodes: {dc-a10: -4}")))
    told_once(found, "unknown pool dc-a10,", "must be greater than or equal to 0 (got -4)")


def test_regions_are_not_unknown_while_one_cannot_be_read():
    found = faults_of(with_changes(("region: us-east-1", "region: 5"), ("to: aws-v", "to: us-e")))
    told_once(found, "spec.region: must be text")


def test_a_document_of_an_unknown_kind_keeps_its_name_and_hides_no_other():
    found = faults_of(
        with_changes(("kind: NodePool", "kind: NodePol"), ("[click-logs]", "[klick]"))
    )
    told_once(found, "did you mean NodePool?", "unknown dataset (got klick)")


def test_a_fault_of_yaml_itself_hides_no_unknown_name():
    found = faults_of(
        with_changes(("  zone: a\n", "  zone: a\n  zone: b\n"), ("[click-", "[klick-"))
    )
    told_once(found, "duplicate key zone", "unknown dataset (got klick-logs)")


def test_a_second_document_of_a_name_is_checked_too():
    again = FLEET.split("---\n")[6].replace("homes: [hangzhou-dc]", "homes: [hom]")
    told_once(faults_of(f"{FLEET}---\n{again}"), "this name is taken", "unknown cluster (got hom)")


ENTRIES = "    - {use: budget, usdPerHour: 120}\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("{use: residency, off: true}", "residency is always in force"),
        ("{use: budget, with: {usdPerHour: 5}}", "settings of a built-in stand beside"),
        ("{use: response-time}", "is listed twice"),
        ("{use: residency, off: 5}", "off: must be true or false (got 5)"),
        ("{off: true}", "spec.policies.1.use: is missing"),
        ("{use: acme.policies:Green, usdPerKg: 1}", "stand under `with`"),
        ("5", "spec.policies.1: must be a mapping (got 5)"),
    ],
    ids=lambda wrong: wrong[0],
)
@pytest.mark.parametrize(
    "other",
    [
        ("{use: cots}", "unknown policy (got cots), did you mean cost?"),
        ("{use: cost, spotRsik: 2}", "unknown setting of cost, did you mean spotRisk?"),
        ("{use: cost, spotRisk: -2}", "must not be negative (got -2)"),
        ("{use: cost, spotRisk: lots}", "must be a number (got lots)"),
    ],
    ids=lambda other: other[0],
)
def test_a_wrong_entry_hides_no_fault_of_another(wrong, other):
    green = "    - {use: acme.policies:Green, with: {usdPerKg: 0.1}}\n"
    entries = f"    - {wrong[0]}\n    - {other[0]}\n"
    found = faults_of(with_changes((ENTRIES, entries), (green, "")))
    told_once(found, wrong[1], other[1])


def test_a_wrong_entry_hides_no_missing_setting_of_another():
    entries = "    - {use: residency, off: true}\n    - {use: budget}\n"
    found = faults_of(with_changes((ENTRIES, entries)))
    told_once(found, "residency is always in force", "spec.policies.2.usdPerHour: is missing")


@pytest.mark.parametrize(
    ("entry", "faults"),
    [
        ("{use: residency, off: true, colour: 1}", ["always in force", "unknown setting of resid"]),
        ("{use: budget, usdPerhour: 5, ownedToo: 1}", ["unknown setting", "true or false (got 1)"]),
        ("{use: budget, colour: 5}", ["unknown setting of budget", "usdPerHour: is missing"]),
        (
            "{use: budget, usdPerHour: -5, ownedToo: 1}",
            ["not be negative", "true or false (got 1)"],
        ),
        ("{use: cost, off: 5, spotRsik: 1}", ["off: must be true", "unknown setting of cost"]),
        ("{use: cost, off: true, spotRsik: 1}", ["unknown setting of cost"]),
        ("{use: cots, off: true}", ["unknown policy (got cots), did you mean cost?"]),
        ("{use: response-time, safty: 1}", ["is listed twice", "unknown setting of response-time"]),
        ("{use: budget, off: 5}", ["off: must be true or false (got 5)"]),
    ],
)
def test_all_faults_of_one_entry_are_told(entry, faults):
    told_once(faults_of(with_changes((ENTRIES, f"    - {entry}\n"))), *faults)


def test_an_entry_that_leans_on_an_unknown_preset_misses_nothing():
    text = with_changes(("{use: budget, usdPerHour: 120}", "{use: budget}"))
    told_once(faults_of(text.replace("preset: balanced", "preset: balancd")), "unknown preset")


def with_solver(use: str, there: Collection[str] | None, asked: list[str]) -> Loaded:
    def solvers() -> Collection[str]:
        asked.append(use)
        return there or ()

    text = with_changes(("solver: {use: highs", f"solver: {{use: {use}"))
    return load_text(
        {"fleet.yaml": text},
        presets=PRESETS,
        policy_types=POLICY_TYPES,
        resolve=resolve,
        solvers=None if there is None else solvers,
    )


def test_a_solver_that_is_not_here_is_a_fault_that_lists_those_that_are():
    loaded = with_solver("GUROBBI", ["GUROBI", "COIN_CMD"], [])
    line = FLEET[: FLEET.index("solver: {use")].count("\n") + 1
    column = len("  solver: {use: ") + 1
    assert [str(fault) for fault in loaded.faults] == [
        f"fleet.yaml:{line}:{column}: spec.solver.use: no such solver here: there are highs, cbc, "
        "COIN_CMD, GUROBI (got GUROBBI), did you mean GUROBI?"
    ]


def test_a_solver_that_is_here_is_taken():
    asked: list[str] = []
    declared = declared_in(with_solver("GUROBI", ["GUROBI"], asked))
    assert (declared.loop.solver.use, asked) == ("GUROBI", ["GUROBI"])


@pytest.mark.parametrize("use", ["highs", "cbc"])
def test_nobody_looks_for_solvers_while_a_built_in_one_is_used(use):
    asked: list[str] = []
    assert with_solver(use, [], asked).faults == ()
    assert asked == []


def test_without_a_way_to_look_every_solver_is_believed():
    assert with_solver("MINE", None, []).faults == ()


def test_the_order_of_faults_is_that_of_files_and_lines_whatever_else_changes():
    text = with_changes(
        *BREAKS.values(),
        ("  cluster: hangzhou-dc", "  cluster: hangzou-dc"),
        ("[click-logs]", "[klick-logs]"),
        ("{use: budget,", "{use: residency, off: true}\n    - {use: budgte,"),
    )
    stray = f"{HEAD}kind: Clutser\n"
    there = load_files({"a.yaml": text, "b.yaml": stray}).faults
    back = load_files({"b.yaml": stray, "a.yaml": text}).faults
    assert there == back == tuple(sorted(there))
    assert len({(fault.line, fault.column, fault.path) for fault in there}) == len(there)
    assert len(there) == len(BREAKS) + 5


def test_a_solver_that_is_not_here_is_told_beside_other_faults():
    text = with_changes(("solver: {use: highs, gap: 0.001", "solver: {use: higsh, gap: -1"))
    found = load_text(
        {"fleet.yaml": text},
        presets=PRESETS,
        policy_types=POLICY_TYPES,
        resolve=resolve,
        solvers=lambda: (),
    ).faults
    told_once([str(fault) for fault in found], "did you mean highs?", "spec.solver.gap")
