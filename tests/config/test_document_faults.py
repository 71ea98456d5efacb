"""Each document on its own: what is wrong is said at its line, with what was meant."""

import pytest

from .fleet_text import FLEET, HEAD, faults_of, faults_with, load_files, place_of

CASES = [
    (
        "  zone: a\n",
        "  zoen: a\n",
        "spec.zoen: unknown key, did you mean zone?",
    ),
    (
        "nodes: {min: 4, max: 4}",
        "nodes: {min: 4, maximum: 4}",
        "spec.nodes.maximum: unknown key, did you mean max?",
    ),
    (
        "exposure: private",
        "exposure: prvate",
        "spec.exposure: must be 'private', 'public' or 'edge' (got prvate), did you mean private?",
    ),
    (
        "priority: critical",
        "priority: crit",
        "spec.priority: must be 'critical', 'high', 'normal' or 'low' (got crit)",
    ),
    (
        "kind: TrainingJob",
        "kind: TrainingJobb",
        "kind: unknown kind (got TrainingJobb), did you mean TrainingJob?",
    ),
    ("{min: 2, max: 64}", "{min: 2, max: 0}", "spec.replicas.max: must be greater than or equal"),
    ("{min: 2, max: 64}", "{min: 0, max: 64}", "spec.replicas.min: must be greater than or equal"),
    ("limit: 900/s", "limit: 0/s", "spec.speed.A100-40GB.limit: must be greater than 0 (got 0/s)"),
    ("limit: 900/s", "limit: 900", "spec.speed.A100-40GB.limit: must be a rate, such as 900/s"),
    ("count: 8", "count: 80", "spec.gpu.count: must be less than or equal to 64 (got 80)"),
    ("count: 8", "count: 8.0", "spec.gpu.count: must be a whole number (got 8.0)"),
    ("count: 8", "count: '8'", "spec.gpu.count: must be a whole number (got 8)"),
    ("count: 8", "count: yes", "spec.gpu.count: must be a whole number (got yes)"),
    ("boot: 6m", "boot: 6", "spec.boot: must be a duration with its unit, such as 250ms, 90s or"),
    ("boot: 6m", "boot: 99999h", "spec.boot: must be less than or equal to"),
    ("0.60 USD/h", "-0.60 USD/h", "spec.price: must be greater than or equal to 0 (got -0.60"),
    ("0.60 USD/h", "0.60", "spec.price: must be a price per hour with its currency"),
    ("0.60 USD/h", "5 EUR/h", "spec.price: no rate is known for EUR: state what one EUR is in USD"),
    ("0.60 USD/h", ".nan", "must be a finite number (got .nan)"),
    ("0.60 USD/h", ".inf", "must be a finite number (got .inf)"),
    ("quantile: p95", "quantile: 0.95", "spec.objective.quantile: must be a quantile, such as p95"),
    ("quantile: p95", "quantile: p20", "spec.objective.quantile: must be greater than or equal"),
    ("latency: 60ms", "latency: 0s", "spec.objective.latency: must be greater than 0 (got 0s)"),
    ("memory: 40Gi", "memory: 40GB", "spec.gpu.memory: must be an amount of memory"),
    ("size: 2TB", "size: 2Tb", "spec.size: must be a size in bytes"),
    ("bandwidth: 5Gbit/s", "bandwidth: 0Gbit/s", "spec.bandwidth: must be greater than 0"),
    ("work: 48 GPUh", "work: 48", "spec.work: must be an amount of GPU work, such as 48 GPUh"),
    (
        "deadline: 2026-11-11T09:00:00Z",
        "deadline: 2026-11-11T09:00:00",
        "spec.deadline: must be an instant with its zone",
    ),
    (
        "timeZone: Asia/Shanghai",
        "timeZone: Asia/Shangri",
        "spec.guard.quietHours.0.timeZone: must be a time zone",
    ),
    ("every: 30s", "every: 0s", "spec.loop.every: must be greater than 0"),
    ("gap: 0.001", "gap: -1", "spec.solver.gap: must be greater than or equal to 0 (got -1)"),
    ("CNY: 0.14", "CNY: 0", "spec.currencies.CNY: must be greater than 0 (got 0)"),
    ("CNY: 0.14", "CNY: 0.14, USD: 2", "spec.currencies.USD: one USD is one USD"),
    (
        "name: dc-a100}",
        "name: DC_A100}",
        "metadata.name: must be made of lower case letters",
    ),
    ("spec: {size: 20GB", "spec: [", "did not find expected"),
    (
        "[{upTo: 10TB, perGB: 0.09 USD}, {upTo: 50TB, perGB: 0.085 USD}, {perGB: 0.07 USD}]",
        "0.09",
        "spec.price: must be a price with its currency, such as 0.09 USD (got 0.09)",
    ),
]


@pytest.mark.parametrize(("old", "new", "fault"), CASES)
def test_what_is_wrong_is_said_at_its_place(old, new, fault):
    broken = FLEET.replace(old, new, 1)
    found = [text for text in faults_of(broken) if fault in text]
    assert found, faults_of(broken)
    file, line, column, _ = found[0].split(":", maxsplit=3)
    assert file == "fleet.yaml"
    first = FLEET[: FLEET.index(old)].count("\n") + 1
    assert int(line) in (first, first + 1)
    assert int(column) >= 1


def test_one_wrong_value_is_one_fault_at_line_and_column():
    broken = FLEET.replace("count: 8", "count: 80")
    place = place_of("80, memory", broken)
    assert faults_of(broken) == [
        f"{place}: spec.gpu.count: must be less than or equal to 64 (got 80)"
    ]


def test_a_missing_key_is_said_where_its_mapping_is_named():
    broken = FLEET.replace("  region: us-east-1\n", "")
    second_spec = broken.index("spec:", broken.index("aws-virginia}"))
    line = broken[:second_spec].count("\n") + 1
    assert f"fleet.yaml:{line}:1: spec.region: is missing" in faults_of(broken)


def test_all_faults_of_all_files_come_at_once_in_order():
    loaded = load_files(
        {
            "b.yaml": FLEET.replace("count: 8", "count: 80").replace("boot: 6m", "boot: 6"),
            "a.yaml": "a: [\n",
            "c.yaml": f"{HEAD}kind: Clutser\n",
        }
    )
    places = [(fault.file, fault.line) for fault in loaded.faults]
    assert [file for file, _ in places] == ["a.yaml", "b.yaml", "b.yaml", "c.yaml"]
    assert places == sorted(places)


def test_a_refused_number_is_not_refused_again_by_its_type():
    assert len(faults_with("0.60 USD/h", ".nan")) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]\n", "fleet.yaml:1:1: a document must be a mapping with apiVersion and kind"),
        ("hello\n", "fleet.yaml:1:1: a document must be a mapping with apiVersion and kind"),
        ("a: 1\n", "fleet.yaml:1:1: kind: is missing: one of Cluster, NodePool"),
        ("kind: 7\n", "fleet.yaml:1:7: kind: unknown kind: there are Cluster"),
        ("kind: Dataset\n", "fleet.yaml:1:1: apiVersion: is missing"),
        (
            "apiVersion: v1\nkind: Dataset\n",
            "fleet.yaml:1:13: apiVersion: must be 'tidegate.io/v1alpha1' (got v1)",
        ),
        (
            f"{HEAD}kind: Dataset\nmetadata: {{name: a}}\nspec:\n",
            "fleet.yaml:4:6: spec: must be a mapping (got nothing)",
        ),
        (
            f"{HEAD}kind: Dataset\nmetadata: {{name: 5}}\nspec: {{size: 1GB, homes: []}}\n",
            "fleet.yaml:3:18: metadata.name: must be text (quotes make it so) (got 5)",
        ),
    ],
)
def test_a_document_that_is_none_is_a_fault(text, fault):
    assert any(found.startswith(fault) for found in faults_of(text)), faults_of(text)


def test_exactly_one_way_into_a_cluster():
    both = "access:\n    simulated: {}\n    static: {nodes: {dc-a100: 4}, state: state/dc.json}"
    broken = faults_with("access:\n    static: {nodes: {dc-a100: 4}, state: state/dc.json}", both)
    assert len(broken) == 1
    assert "spec.access: needs exactly one of" in broken[0]


def test_thousands_of_faults_end_in_a_number():
    text = f"{HEAD}kind: Cluster\nmetadata: {{name: a}}\nspec:\n" + "".join(
        f"  k{index}: 1\n" for index in range(5_000)
    )
    found = faults_of(text)
    assert len(found) == 51
    assert any("more faults in this document" in fault for fault in found)
