"""The JSON Schema of all documents, for editors that check and complete YAML."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from scheduler.config.documents import KINDS
from scheduler.config.policy_build import adapter_of, settable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXTERNAL = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


def json_schema(policy_types: Mapping[str, type]) -> dict[str, object]:
    """One schema (draft 2020-12) for every kind, with the settings of these policies."""
    refs, shared = models_json_schema(
        [(model, "validation") for model in KINDS.values()],
        ref_template="#/$defs/{model}",
    )
    definitions: dict[str, Any] = dict(shared["$defs"])
    definitions["PolicyEntry"] = _policy_entry(definitions, policy_types)
    return {
        "$schema": DIALECT,
        "title": "Tidegate documents",
        "description": "Clusters, pools, workloads, data, links, signals and policies.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"kind": {"enum": list(KINDS), "description": "What is declared."}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": refs[(model, "validation")],
            }
            for kind, model in KINDS.items()
        ],
        "$defs": definitions,
    }


def _policy_entry(definitions: dict[str, Any], policy_types: Mapping[str, type]) -> dict[str, Any]:
    """One of the built-in policies with its settings inline, or one from outside the tree."""
    entry = definitions["PolicyEntry"]
    common = entry["properties"]
    names = sorted(policy_types)
    outside = {
        "description": "A policy of your own: package.module:Class.",
        "properties": {
            "use": {"type": "string", "pattern": EXTERNAL},
            "off": common["off"],
            "with": common["with"],
        },
        "additionalProperties": False,
    }
    choices = [
        ({"const": use}, _built_in(use, policy_types[use], common["off"], definitions))
        for use in names
    ]
    return {
        "type": "object",
        "description": entry["description"],
        "required": ["use"],
        "properties": {"use": {"anyOf": [{"enum": names}, {"pattern": EXTERNAL}]}},
        "allOf": [_when_use(*choice) for choice in (*choices, ({"pattern": EXTERNAL}, outside))],
    }


def _when_use(matches: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"use": matches}, "required": ["use"]}, "then": then}


def _built_in(
    use: str, kind: type, off: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    shape = adapter_of(kind).json_schema()
    fields = shape.get("properties", {})
    settings = {key: fields[name] for key, name in settable(kind).items() if name in fields}
    definitions.update(shape.get("$defs", {}))
    return {
        "type": "object",
        "description": (kind.__doc__ or use).strip().split("\n", maxsplit=1)[0],
        "properties": {"use": {"const": use}, "off": off, **settings},
        "required": ["use"],
        "additionalProperties": False,
    }
