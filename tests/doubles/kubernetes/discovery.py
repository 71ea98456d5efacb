"""Discovery: what the server serves, as kubectl and client libraries ask for it."""

from collections.abc import Iterable
from typing import Any

from tests.doubles.kubernetes.kinds import Kind

Object = dict[str, Any]
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-double",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def answer(path: str, kinds: Iterable[Kind]) -> Object | None:
    """The document at a path of discovery; None: it is none."""
    kinds = tuple(kinds)
    steps = path.strip("/").split("/")
    match steps:
        case ["version"]:
            return VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            groups = dict.fromkeys(kind.group for kind in kinds if kind.group)
            listed = [_group(group, kinds) for group in groups]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["apis", group] if any(kind.group == group for kind in kinds):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, kinds)}
        case ["api", "v1"] | ["apis", _, _]:
            group_version = "/".join(steps[1:])
            served = [kind for kind in kinds if kind.group_version == group_version]
            return _resources(group_version, served) if served else None
        case ["openapi", *rest]:
            return _openapi(rest, kinds)
        case _:
            return None


def _group(group: str, kinds: tuple[Kind, ...]) -> Object:
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for version in dict.fromkeys(kind.version for kind in kinds if kind.group == group)
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resources(group_version: str, kinds: list[Kind]) -> Object:
    listed: list[Object] = []
    for kind in kinds:
        base = {"singularName": kind.singular, "namespaced": kind.namespaced}
        listed.append(
            {
                **base,
                "name": kind.plural,
                "kind": kind.name,
                "verbs": VERBS,
                **({"shortNames": kind.short} if kind.short else {}),
            }
        )
        listed.extend({**base, "singularName": "", **one} for one in _subresources(kind))
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": listed,
    }


def _subresources(kind: Kind) -> Iterable[Object]:
    change = ("get", "patch", "update")
    if kind.status:
        yield {"name": f"{kind.plural}/status", "kind": kind.name, "verbs": change}
    if kind.scale:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": change}
        yield {"name": f"{kind.plural}/scale", **scale}
    if kind.name == "Pod":
        eviction = {"group": "policy", "version": "v1", "kind": "Eviction"}
        yield {"name": "pods/eviction", **eviction, "verbs": ("create",)}
        yield {"name": "pods/binding", "kind": "Binding", "verbs": ("create",)}


def _openapi(rest: list[str], kinds: tuple[Kind, ...]) -> Object | None:
    """As far as kubectl reads it: that validation, dry runs and field managers are known here."""
    if rest[:1] == ["v2"]:
        return {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": {}}
    if rest == ["v3"]:
        roots = dict.fromkeys(kind.path().strip("/").rsplit("/", 1)[0] for kind in kinds)
        paths = {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}
        return {"paths": paths}
    root = "/" + "/".join(rest[1:])
    served = [kind for kind in kinds if kind.path().rsplit("/", 1)[0] == root]
    if not served:
        return None
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": {f"{kind.path('{namespace}')}/{{name}}": _path(kind) for kind in served},
        "components": {"schemas": {_schema(kind): _shape(kind) for kind in served}},
    }


_INFO = {"title": "Kubernetes", "version": VERSION["gitVersion"]}


def _path(kind: Kind) -> Object:
    asked = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation", "force")
    ]
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.name}
    reference = {"$ref": f"#/components/schemas/{_schema(kind)}"}
    body = {"content": {"application/json": {"schema": reference}}}
    return {
        verb: {
            "operationId": f"{verb}{kind.name}",
            "parameters": asked,
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind": gvk,
            "responses": {"200": {"description": "OK", **body}},
        }
        for verb in ("get", "put", "patch")
    }


def _schema(kind: Kind) -> str:
    return f"{kind.group or 'core'}.{kind.version}.{kind.name}"


def _shape(kind: Kind) -> Object:
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.name}
    return {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "x-kubernetes-group-version-kind": [gvk],
    }
