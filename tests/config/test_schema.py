"""The JSON Schema for editors says what the loader says."""

import importlib
from dataclasses import is_dataclass
from pathlib import Path
from pkgutil import iter_modules

import jsonschema
import pytest

import policies
from scheduler.config import json_schema
from scheduler.config.pod_templates import SUFFIXES as TEMPLATES
from scheduler.config.yaml_nodes import parse

from .fleet_text import BALANCED, FLEET, POLICY_TYPES

SCHEMA = json_schema(POLICY_TYPES)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
DOCUMENTS = [node.plain() for text in (FLEET, BALANCED) for node in parse("x", text).documents]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda item: item["metadata"]["name"])
def test_valid_documents_are_valid_in_an_editor(document):
    VALIDATOR.validate(document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: Dataset", "kind: Datset"),
        ("  zone: a\n", "  zoen: a\n"),
        ("boot: 6m", "boot: 6"),
        ("46 CNY/h", "46"),
        ("count: 8", "count: 80"),
        ("limit: 900/s", "limit: 900"),
        ("exposure: private", "exposure: prvate"),
        ("usdPerHour: 120", "usdPerhour: 120"),
        ("use: budget", "use: budgte"),
        ("static: {nodes: {dc-a100: 4}, state: state/dc.json}", "{}"),
    ],
)
def test_what_the_loader_refuses_an_editor_underlines(old, new):
    documents = [node.plain() for node in parse("x", FLEET.replace(old, new, 1)).documents]
    assert any(not VALIDATOR.is_valid(document) for document in documents)


def test_settings_of_policies_are_offered_in_camel_case():
    assert '"latePrice"' in repr(SCHEMA).replace("'", '"')


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.yaml"))


def shipped_policies() -> dict[str, type]:
    modules = [
        importlib.import_module(f"policies.{m.name}") for m in iter_modules(policies.__path__)
    ]
    classes = [item for module in modules for item in vars(module).values()]
    found = [item for item in classes if isinstance(item, type) and hasattr(item, "contribute")]
    return {str(kind.name): kind for kind in found if is_dataclass(kind)}


@pytest.mark.skipif(not EXAMPLES, reason="no examples beside the tests")
def test_every_example_is_valid_in_an_editor():
    validator = jsonschema.Draft202012Validator(json_schema(shipped_policies()))
    documents = [path for path in EXAMPLES if not path.name.endswith(TEMPLATES)]
    for path in documents:
        parsed = parse(str(path), path.read_bytes())
        assert parsed.faults == ()
        for node in parsed.documents:
            validator.validate(node.plain())
