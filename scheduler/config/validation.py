"""A document's node against the model of its kind: the model, or every fault at its place."""

import re
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scheduler.config.documents import KEY, Source, find
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.fields import API_VERSION, CONTRADICTION, NAME, TOLERANT
from scheduler.config.kubernetes_documents import (
    DNS_LABEL,
    FIELD_PATH,
    GROUP_VERSION,
    LABEL_VALUE,
    QUALIFIED,
)
from scheduler.config.yaml_nodes import Node

FAULTS_SHOWN = 50
"""Faults of one document that are named; a document with more is not meant for Tidegate."""

M = TypeVar("M", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text (quotes make it so)",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dataclass_type": "must be a mapping",
    "string_too_short": "must not be empty",
}
_PATTERNS = {
    NAME: "must be made of lower case letters, digits, '-' and '.', and start with a letter "
    "or digit",
    DNS_LABEL: "must be made of lower case letters, digits and '-', and start and end with a "
    "letter or digit",
    QUALIFIED: "must be a key as Kubernetes has them, such as pool or example.com/pool",
    LABEL_VALUE: "must be a value as Kubernetes labels have them: letters, digits, '-', '_', '.'",
    FIELD_PATH: "must be the path of a field, such as spec.runPolicy.suspend",
    GROUP_VERSION: "must be a group and a version, such as kubeflow.org/v1",
}


class Checked(NamedTuple, Generic[M]):
    """A document as its model, and all that is wrong with it."""

    model: M | None
    """There with contradictions too: each of its values is right alone."""
    faults: list[Fault]
    refused: frozenset[Path]
    """Paths of the values that are wrong alone, as in `Source.refused`."""


def validate(source: Source, model: type[M], context: Mapping[str, object]) -> Checked[M]:
    """The document against the model of its kind."""
    plain = source.node.plain()
    try:
        return Checked(model.model_validate(plain, context=dict(context)), [], frozenset())
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    faults = [fault_of(source, model, detail) for detail in details[:FAULTS_SHOWN]]
    if len(details) > FAULTS_SHOWN:
        left = len(details) - FAULTS_SHOWN
        faults.append(source.fault((), f"{left:,} more faults in this document"))
    refused = frozenset(item["loc"] for item in details if item["type"] != CONTRADICTION)
    if refused:
        return Checked(None, faults, refused)
    return Checked(
        model.model_validate(plain, context={**context, TOLERANT: True}), faults, refused
    )


def fault_of(source: Source, model: type, detail: ErrorDetails) -> Fault:
    """One of pydantic's errors, at its place and in our words."""
    path = tuple(part for part in detail["loc"] if part != KEY)
    match detail["type"]:
        case "extra_forbidden":
            known = _keys_beside(source.node, path, model)
            return source.key_fault(path, "unknown key", meant=closest(str(path[-1]), known))
        case "missing":
            return source.fault(path, _missing(path))
        case _ if KEY in detail["loc"]:
            return source.key_fault(path, problem(detail))
        case kind if kind == CONTRADICTION:
            return source.fault(path, problem(detail), got=True)
        case _:
            # A short form stands for a longer one that the file does not have: point at the short.
            there = path[: find(source.node, path).depth]
            meant = _meant(source, there, detail)
            return source.fault(there, problem(detail), got=True, meant=meant)


def _missing(path: Path) -> str:
    return f"is missing: write {API_VERSION}" if path == ("apiVersion",) else "is missing"


def problem(detail: ErrorDetails) -> str:
    """What is wrong, without the value."""
    kind = detail["type"]
    if kind == "string_pattern_mismatch":
        pattern = str(detail["ctx"]["pattern"])
        return _PATTERNS.get(pattern, f"must match {pattern}")
    if kind in _WORDS:
        return _WORDS[kind]
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message.replace("Input should be", "must be").replace("should have", "must have")


def _meant(source: Source, path: Path, detail: ErrorDetails) -> str:
    if detail["type"] not in ("enum", "literal_error"):
        return ""
    spot = find(source.node, path)
    words = _QUOTED.findall(str(detail.get("ctx", {}).get("expected", "")))
    value = spot.node.value
    return closest(value, words) if isinstance(value, str) and spot.depth == len(path) else ""


def _keys_beside(root: Node, path: Path, model: type) -> list[str]:
    """The keys that could stand where the path ends and do not yet."""
    at: Any = model
    for part in path[:-1]:
        at = _step(at, part)
    parent = find(root, path[:-1]).node.value
    taken = parent if isinstance(parent, dict) else {}
    return [key for key in keys_of(at) if key not in taken]


def keys_of(model: object) -> tuple[str, ...]:
    """The keys of a model as they are written in YAML."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return tuple(item.alias or name for name, item in model.model_fields.items())
    return ()


def _step(model: object, part: str | int) -> object:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return model
    for name, item in model.model_fields.items():
        if part in (item.alias, name):
            return _model_in(item.annotation)
    return None


def _model_in(annotation: object) -> object:
    """The model inside `X | None`, `list[X]`, `dict[str, X]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not None), None)
