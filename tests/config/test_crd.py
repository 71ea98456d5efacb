"""The CustomResourceDefinitions are structural, and say what the documents say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from scheduler.cli.main import cli
from scheduler.config.crd import PLURALS, crd_texts, custom_resource_definitions
from scheduler.config.documents import KINDS

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart" / "crds"
FOREIGN = {
    "$ref", "$defs", "title", "default", "examples", "const", "patternProperties",
    "propertyNames", "anyOf", "oneOf", "allOf",
}  # fmt: skip


@pytest.fixture(scope="module")
def definitions():
    return {item["spec"]["names"]["kind"]: item for item in custom_resource_definitions()}


def spec_of(definitions, kind):
    (version,) = definitions[kind]["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_the_four_kinds_are_namespaced_and_have_a_status(definitions):
    assert set(definitions) == set(PLURALS)
    for item in definitions.values():
        (version,) = item["spec"]["versions"]
        assert item["spec"]["scope"] == "Namespaced"
        assert version["subresources"] == {"status": {}}
        columns = [column["name"] for column in version["additionalPrinterColumns"]]
        assert columns == ["Phase", "Placed", "Pending", "Reason", "Age"]


@pytest.mark.parametrize("kind", PLURALS)
def test_a_schema_has_only_what_a_structural_one_may_have(definitions, kind):
    for schema in schemas(spec_of(definitions, kind)):
        assert FOREIGN.isdisjoint(schema), schema
        assert schema.get("additionalProperties") is not False
        assert "type" in schema or schema.get("x-kubernetes-int-or-string")
        assert isinstance(schema.get("exclusiveMinimum", False), bool)
        assert not re.search(r"\(\?[=!<]", schema.get("pattern", ""))


@pytest.mark.parametrize("kind", PLURALS)
def test_every_field_of_the_document_is_in_the_schema(definitions, kind):
    model = KINDS[kind].model_json_schema()["$defs"][f"{kind}Spec"]
    assert list(spec_of(definitions, kind)["properties"]) == list(model["properties"])
    assert spec_of(definitions, kind).get("required") == model.get("required")


def test_amounts_may_be_numbers_or_texts_and_what_is_optional_may_be_null(definitions):
    pool = spec_of(definitions, "NodePool")["properties"]
    assert pool["cpu"]["x-kubernetes-int-or-string"] is True
    assert pool["zone"]["nullable"] is True


def test_templates_and_settings_of_policies_are_kept_as_they_are(definitions):
    service = spec_of(definitions, "InferenceService")["properties"]["kubernetes"]
    template = service["properties"]["own"]["properties"]["template"]
    assert template["x-kubernetes-preserve-unknown-fields"] is True
    entry = spec_of(definitions, "Policy")["properties"]["policies"]["items"]
    assert entry["x-kubernetes-preserve-unknown-fields"] is True


def test_the_command_prints_all_of_them():
    printed = CliRunner().invoke(cli, ["schema", "--crd"]).stdout
    assert list(yaml.safe_load_all(printed)) == custom_resource_definitions()


def test_the_chart_has_them_as_they_are_printed():
    if not CHART.is_dir():
        pytest.skip("the chart is not beside these tests")
    there = {path.stem: path.read_text(encoding="utf-8") for path in CHART.glob("*.yaml")}
    assert there == crd_texts(), "tidegate schema --crd prints what belongs there"


def schemas(schema: dict) -> Iterator[dict]:
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from schemas(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas(schema[key])
