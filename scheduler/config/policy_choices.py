"""Which policies hold: the preset's entries, overridden by the document's, residency always."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.config.documents import Entry, Source, find
from scheduler.config.faults import Fault, closest
from scheduler.config.policy_build import (
    Choice,
    PolicyUse,
    Resolve,
    Setting,
    build,
    is_external,
    policy_name,
)
from scheduler.config.policy_document import PolicyEntry, PolicySpec
from scheduler.config.yaml_nodes import Node

DEFAULT_PRESET = "balanced"
ALWAYS = "residency"
"""The policy that no document can switch off."""


@dataclass(slots=True)
class Policies:
    """The policies in force, in the order of their name."""

    built: list[tuple[PolicyUse, object]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def preset_name(document: Source | None) -> str:
    """The preset that the document asks for; the default where it leaves everything open."""
    if document is None:
        return DEFAULT_PRESET
    named = document.text("spec", "preset")
    lists = find(document.node, ("spec", "policies"))
    return named or ("" if lists.depth == 2 and lists.node.value else DEFAULT_PRESET)


def unknown_preset(document: Source, name: str, presets: Mapping[str, str]) -> Fault:
    """The fault of asking for a preset that does not exist."""
    message = f"unknown preset: there are {', '.join(sorted(presets)) or 'none'}"
    return document.fault(("spec", "preset"), message, got=True, meant=closest(name, presets))


def choose(
    preset: Entry[PolicySpec] | None,
    document: Entry[PolicySpec] | None,
    policy_types: Mapping[str, type],
    resolve: Resolve,
) -> Policies:
    """All policies in force, built, or what is wrong with them."""
    result = Policies()
    merged: dict[str, Choice] = {}
    for entry in (preset, document):
        if entry is not None:
            _merge(merged, entry, result.faults)
    if ALWAYS in policy_types and ALWAYS not in merged:
        nowhere = Source(file="", node=Node(1, 1, {}, 1, 0))
        merged[ALWAYS] = Choice(use=ALWAYS, source=nowhere, path=(), settings={})
    if not result.faults:
        _build_all(merged.values(), policy_types, resolve, result)
    return result


def _merge(merged: dict[str, Choice], entry: Entry[PolicySpec], faults: list[Fault]) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(entry.spec.policies):
        path = ("spec", "policies", index)
        if item.use in seen:
            message = f"is listed twice: it is already entry {seen[item.use]}"
            faults.append(entry.source.fault((*path, "use"), message, got=True))
            continue
        seen[item.use] = index
        found = _misplaced(entry.source, item, index)
        faults.extend(found)
        if item.off and item.use == ALWAYS:
            message = f"{ALWAYS} is always in force: what must stay private never leaves"
            faults.append(entry.source.fault((*path, "off"), message))
        elif item.off:
            merged.pop(item.use, None)
        elif not found:
            merged[item.use] = _choice(merged.get(item.use), entry.source, item, index)


def _misplaced(source: Source, item: PolicyEntry, index: int) -> list[Fault]:
    """Settings beside `use` that belong under `with`, or the other way round."""
    path = ("spec", "policies", index)
    if is_external(item.use):
        message = "settings of a policy from outside the tree stand under `with`"
        return [source.key_fault((*path, key), message) for key in item.model_extra or {}]
    if item.settings:
        return [source.key_fault((*path, "with"), "settings of a built-in stand beside `use`")]
    return []


def _choice(preset: Choice | None, source: Source, item: PolicyEntry, index: int) -> Choice:
    """The preset's settings stay where the entry does not name them."""
    path = ("spec", "policies", index)
    inside = (*path, "with") if is_external(item.use) else path
    values = item.settings if is_external(item.use) else item.model_extra or {}
    own = {
        key: Setting(value=value, source=source, path=(*inside, key))
        for key, value in values.items()
    }
    kept = preset.settings if preset else {}
    return Choice(use=item.use, source=source, path=path, settings={**kept, **own})


def _build_all(
    choices: Iterable[Choice],
    policy_types: Mapping[str, type],
    resolve: Resolve,
    result: Policies,
) -> None:
    by_name: dict[str, str] = {}
    for choice in choices:
        policy = build(choice, policy_types, resolve)
        if isinstance(policy, list):
            result.faults.extend(policy)
            continue
        name = policy_name(policy)
        if name in by_name:
            message = f"has the name {name}, as {by_name[name]} has: names must differ"
            result.faults.append(choice.source.fault((*choice.path, "use"), message))
        by_name[name] = choice.use
        result.built.append((choice.as_use(), policy))
    result.built.sort(key=lambda pair: policy_name(pair[1]))
