"""CustomResourceDefinitions of the documents, made from the same models as their checks."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from scheduler.config.documents import KINDS
from scheduler.config.fields import API_VERSION

GROUP, VERSION = API_VERSION.split("/")
PLURALS: Mapping[str, str] = {
    "Policy": "policies",
    "InferenceService": "inferenceservices",
    "TrainingJob": "trainingjobs",
    "NodePool": "nodepools",
}
"""The kinds that may be objects of a cluster, and their names in a path."""
PHASES = ("Placed", "Pending", "Held", "Invalid")
LOOKAROUND = re.compile(r"\(\?[=!][^)]*\)")
"""The API server's regular expressions look neither ahead nor back."""
KEPT = frozenset(
    {
        "description", "enum", "format", "type", "pattern", "minLength", "maxLength", "minItems",
        "maxItems", "minProperties", "maxProperties", "minimum", "maximum",
    }
)  # fmt: skip
"""What a structural schema understands as JSON Schema means it."""
Schema = dict[str, Any]


def custom_resource_definitions() -> list[Schema]:
    """One apiextensions.k8s.io/v1 CustomResourceDefinition for each kind, in the order of names.

    Schemas are structural, and without defaults: what a document leaves open stays open.
    """
    return [_definition(kind, plural) for kind, plural in sorted(PLURALS.items())]


def crd_texts() -> dict[str, str]:
    """The same as YAML, by the plural of the kind."""
    return {
        str(item["spec"]["names"]["plural"]): yaml.safe_dump(item, sort_keys=False, width=100)
        for item in custom_resource_definitions()
    }


def _definition(kind: str, plural: str) -> Schema:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "tidegate"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "categories": ["tidegate"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _schema(kind)},
                }
            ],
        },
    }


def _columns() -> list[Schema]:
    shown = (
        ("Phase", "string", ".status.phase", 0),
        ("Placed", "string", ".status.placement", 0),
        ("Pending", "string", ".status.pending", 0),
        ("Reason", "string", ".status.reason", 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    )
    return [
        {"name": name, "type": kind, "jsonPath": path, "priority": priority}
        for name, kind, path, priority in shown
    ]


def _schema(kind: str) -> Schema:
    document = KINDS[kind].model_json_schema()
    definitions = document.get("$defs", {})
    return {
        "description": str(document.get("description", kind)),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # The API server takes longer names than documents may have.
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 63}},
            },
            "spec": structural(document["properties"]["spec"], definitions),
            "status": _status(),
        },
    }


def _status() -> Schema:
    text = {"type": "string"}
    return {
        "description": "What became of it at the last tick; written by Tidegate.",
        "type": "object",
        "properties": {
            "phase": {**text, "enum": list(PHASES)},
            "placed": {
                "description": "Pods by pool, and of a pool its nodes.",
                "type": "object",
                "additionalProperties": {"type": "integer"},
            },
            "placement": {**text, "description": "The same in one line."},
            "pending": {**text, "description": "What is missing."},
            "reason": {**text, "description": "Why it is pending, held or invalid."},
            "planTime": {**text, "format": "date-time"},
            "observedGeneration": {"type": "integer", "format": "int64"},
        },
    }


def structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """A schema of pydantic as a structural one: references resolved, foreign words left out."""
    if "$ref" in schema:
        named = definitions[str(schema["$ref"]).rpartition("/")[2]]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return structural({**named, **beside}, definitions)
    if "anyOf" in schema:
        return _any_of(schema, definitions)
    found: Schema = {key: value for key, value in schema.items() if key in KEPT}
    if "pattern" in found:
        found["pattern"] = LOOKAROUND.sub("", found["pattern"])
    found.update(_exclusive(schema))
    if "items" in schema:
        found["items"] = structural(schema["items"], definitions)
    if found.get("type") == "object":
        found.update(_object(schema, definitions))
    return found


def _exclusive(schema: Mapping[str, Any]) -> Schema:
    """OpenAPI 3.0 says with a flag what JSON Schema says with a number."""
    found: Schema = {}
    for bound in ("minimum", "maximum"):
        word = f"exclusive{bound.capitalize()}"
        if word in schema:
            found |= {bound: schema[word], word: True}
    return found


def _object(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    found: Schema = {}
    if "properties" in schema:
        found["properties"] = {
            name: structural(inner, definitions) for name, inner in schema["properties"].items()
        }
    if "required" in schema:
        found["required"] = list(schema["required"])
    values = list(schema.get("patternProperties", {}).values())
    more = values[0] if values else schema.get("additionalProperties")
    if isinstance(more, dict):
        found["additionalProperties"] = structural(more, definitions)
    elif more is True:
        found["x-kubernetes-preserve-unknown-fields"] = True
    return found


def _any_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """`X | None` is a nullable X; a number or a text is int-or-string."""
    choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    outer = {key: value for key, value in schema.items() if key == "description"}
    if len(choices) == 1:
        return {**structural(choices[0], definitions), **outer, "nullable": True}
    patterns = [choice["pattern"] for choice in choices if "pattern" in choice]
    if {choice.get("type") for choice in choices} != {"number", "string"} or len(patterns) != 1:
        raise ValueError(f"no structural schema for {schema}")
    return {**outer, "x-kubernetes-int-or-string": True, "pattern": patterns[0]}
