"""Selectors: which objects a label or a field selector means."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.doubles.kubernetes.kinds import Kind
from tests.doubles.kubernetes.statuses import bad_request

Object = dict[str, Any]
Test = Callable[[Object], bool]
TERM = re.compile(
    r"^\s*(?:(?P<absent>!)\s*(?P<no>[^\s!=(),]+)"
    r"|(?P<set>[^\s!=(),]+)\s+(?P<word>in|notin)\s*\((?P<values>[^)]*)\)"
    r"|(?P<key>[^\s!=(),]+)\s*(?P<is>==|=|!=)\s*(?P<value>[^\s,()]*)"
    r"|(?P<present>[^\s!=(),]+))\s*$"
)
FIELDS = {
    "pods": (
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
        *("status.phase", "status.podIP", "status.nominatedNodeName", "spec.hostNetwork"),
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "jobs": ("status.successful",),
    "events": (
        *("involvedObject.kind", "involvedObject.name", "involvedObject.namespace"),
        *("involvedObject.uid", "reason", "type", "reportingComponent"),
    ),
}


def chooses(kind: Kind, labels: str, fields: str) -> Test | None:
    """What both selectors allow; None where there are none."""
    tests = [*_label_tests(labels), *_field_tests(kind, fields)]
    if not tests:
        return None
    return lambda thing: all(test(thing) for test in tests)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector object (matchLabels, matchExpressions) takes these labels."""
    if selector is None:
        return False
    wanted = (selector.get("matchLabels") or {}).items()
    if any(labels.get(key) != value for key, value in wanted):
        return False
    return all(_expressed(one, labels) for one in selector.get("matchExpressions") or ())


def _expressed(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found = labels.get(one["key"])
    match one["operator"]:
        case "In":
            return found in one["values"]
        case "NotIn":
            return found not in one["values"]
        case "Exists":
            return found is not None
        case _:
            return found is None


def _label_tests(text: str) -> list[Test]:
    # A comma inside brackets parts values, not terms.
    terms = [term for term in re.split(r",(?![^(]*\))", text) if term.strip()]
    return [_label_test(term) for term in terms]


def _label_test(term: str) -> Test:
    found = TERM.match(term)
    if found is None:
        raise bad_request(f"unable to parse requirement: {term!r}")
    part = found.groupdict()
    if part["absent"]:
        return lambda thing: part["no"] not in _labels(thing)
    if part["set"]:
        values = {value.strip() for value in part["values"].split(",")}
        inside = part["word"] == "in"
        return lambda thing: (_labels(thing).get(part["set"]) in values) == inside
    if part["key"]:
        equal = part["is"] != "!="
        return lambda thing: (_labels(thing).get(part["key"]) == part["value"]) == equal
    return lambda thing: part["present"] in _labels(thing)


def _field_tests(kind: Kind, text: str) -> list[Test]:
    return [_field_test(kind, term) for term in text.split(",") if term.strip()]


def _field_test(kind: Kind, term: str) -> Test:
    found = re.match(r"^\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*$", term)
    if found is None:
        raise bad_request(f"invalid field selector: {term!r}")
    path, sign, value = found.groups()
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(kind.plural, ()))
    if path not in known:
        raise bad_request(f'"{path}" is not a known field selector: only {", ".join(known)}')
    equal, steps = sign != "!=", path.split(".")
    return lambda thing: (_text(thing, steps) == value) == equal


def _text(thing: Object, steps: list[str]) -> str:
    found: Any = thing
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    if found is None:
        return "false" if steps[-1] in ("unschedulable", "hostNetwork") else ""
    return str(found)


def _labels(thing: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = thing["metadata"].get("labels") or {}
    return labels
