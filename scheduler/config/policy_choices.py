"""Which policies hold: the preset's entries, overridden by the document's, residency always."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from scheduler.config.documents import Source, find
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.policy_build import (
    Choice,
    PolicyUse,
    Resolve,
    Setting,
    build,
    is_external,
    policy_name,
)
from scheduler.config.policy_document import PolicyEntry
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
    preset: Source | None,
    document: Source | None,
    policy_types: Mapping[str, type],
    resolve: Resolve,
    *,
    whole: bool,
) -> Policies:
    """All policies in force, built, or everything that is wrong with them.

    Not `whole` is said where the preset that the document builds on is not there.
    """
    draft = _Draft()
    for source in (preset, document):
        if source is not None:
            _merge(draft, source, whole=whole)
    if ALWAYS in policy_types and ALWAYS not in draft.merged:
        nowhere = Source(file="", node=Node(1, 1, {}, 1, 0))
        draft.merged[ALWAYS] = Choice(use=ALWAYS, source=nowhere, path=(), settings={})
    return _build_all(draft, policy_types, resolve)


@dataclass(slots=True)
class _Draft:
    """The choices before anything is built."""

    merged: dict[str, Choice] = field(default_factory=dict)
    idle: list[Choice] = field(default_factory=list)
    """Not in force, and yet they must be right."""
    faults: list[Fault] = field(default_factory=list)


def _merge(draft: _Draft, source: Source, *, whole: bool) -> None:
    seen: dict[str, int] = {}
    for path, item, sound in _entries(source):
        misplaced = _misplaced(source, item, path)
        draft.faults.extend(misplaced)
        first = seen.setdefault(item.use, int(path[-1]))
        again, off = first != path[-1], item.off and item.use != ALWAYS
        kept = None if again else draft.merged.get(item.use)
        choice = _choice(kept, source, item, path)
        choice = replace(choice, whole=choice.whole and whole and sound and not misplaced)
        if item.off and item.use == ALWAYS:
            message = f"{ALWAYS} is always in force: what must stay private never leaves"
            draft.faults.append(source.fault((*path, "off"), message))
        if again:
            message = f"is listed twice: it is already entry {first}"
            draft.faults.append(source.fault((*path, "use"), message, got=True))
        if off and not again:
            draft.merged.pop(item.use, None)
        if again or off:
            draft.idle.append(replace(choice, whole=False))
        else:
            draft.merged[item.use] = choice


def _entries(source: Source) -> Iterator[tuple[Path, PolicyEntry, bool]]:
    """The entries that say which policy they mean; without, and not sound, what is refused."""
    refused = {path[:4] for path in source.refused}
    for path in source.each("spec", "policies"):
        keys = source.keys(*path)
        kept = [key for key in keys if (*path, key) not in refused]
        if source.text(*path, "use"):
            plain = {key: find(source.node, (*path, key)).node.plain() for key in kept}
            yield path, PolicyEntry.model_validate(plain), len(kept) == len(keys)


def _misplaced(source: Source, item: PolicyEntry, path: Path) -> list[Fault]:
    """Settings beside `use` that belong under `with`, or the other way round."""
    if is_external(item.use):
        message = "settings of a policy from outside the tree stand under `with`"
        return [source.key_fault((*path, key), message) for key in item.model_extra or {}]
    if item.settings:
        return [source.key_fault((*path, "with"), "settings of a built-in stand beside `use`")]
    return []


def _choice(preset: Choice | None, source: Source, item: PolicyEntry, path: Path) -> Choice:
    """The preset's settings stay where the entry does not name them."""
    inside = (*path, "with") if is_external(item.use) else path
    values = item.settings if is_external(item.use) else item.model_extra or {}
    own = {
        key: Setting(value=value, source=source, path=(*inside, key))
        for key, value in values.items()
    }
    if preset is None:
        return Choice(use=item.use, source=source, path=path, settings=own)
    return replace(preset, source=source, path=path, settings={**preset.settings, **own})


def _build_all(draft: _Draft, policy_types: Mapping[str, type], resolve: Resolve) -> Policies:
    result = Policies(faults=list(draft.faults))
    by_name: dict[str, str] = {}
    for choice in draft.merged.values():
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
    result.faults.extend(_idle_faults(draft, policy_types, resolve))
    return result


def _idle_faults(
    draft: _Draft, policy_types: Mapping[str, type], resolve: Resolve
) -> Iterator[Fault]:
    told = {fault.path for fault in draft.faults}
    for choice in draft.idle:
        # A policy from outside is switched off also because it cannot be imported.
        policy = None if is_external(choice.use) else build(choice, policy_types, resolve)
        if isinstance(policy, list):
            yield from (fault for fault in policy if fault.path not in told)
