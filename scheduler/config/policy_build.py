"""Policies made from their settings, checked against the fields of their dataclass."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from scheduler.config.documents import Source
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.validation import FAULTS_SHOWN, problem

Resolve = Callable[[str], type]
"""From `package.module:Class` to the class."""

FOREIGN_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What code from outside the tree raises when it is imported or built wrongly."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUse:
    """A policy and its settings as plain values: enough to build it again without the files."""

    use: str
    settings: Mapping[str, object]
    """By camelCase key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value given to a policy, and where."""

    value: object
    source: Source
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A policy that somebody chose, with the settings of preset and document together."""

    use: str
    source: Source
    path: Path
    settings: Mapping[str, Setting]
    whole: bool = True
    """All that was meant is in the settings: what is missing there is missing."""

    def as_use(self) -> PolicyUse:
        """The choice without its places."""
        values = {key: setting.value for key, setting in sorted(self.settings.items())}
        return PolicyUse(use=self.use, settings=values)


def build_policies(
    uses: Iterable[PolicyUse], policy_types: Mapping[str, type], resolve: Resolve
) -> tuple[object, ...]:
    """The instances in the order of their name. Raises ValueError for what does not fit."""
    built = [make(policy_type(item.use, policy_types, resolve), item.settings) for item in uses]
    return tuple(sorted(built, key=policy_name))


def policy_name(policy: object) -> str:
    """The name under which a policy appears on the bill."""
    return str(getattr(policy, "name", type(policy).__name__))


def is_external(use: str) -> bool:
    """Whether a policy comes from outside the tree."""
    return ":" in use


def policy_type(use: str, policy_types: Mapping[str, type], resolve: Resolve) -> type:
    """The class behind `use`. Raises ValueError with what to write instead."""
    if not is_external(use):
        if use in policy_types:
            return policy_types[use]
        raise ValueError("unknown policy")
    try:
        kind = resolve(use)
    except FOREIGN_FAULTS as error:
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ValueError("must name a dataclass: its fields are the settings")
    if callable(getattr(kind, "contribute", None)):
        return kind
    raise ValueError("must name a policy: a class with contribute(board)")


def settable(kind: type) -> dict[str, str]:
    """Fields of a policy by their camelCase key. Its name is its own."""
    if not is_dataclass(kind):
        return {}
    return {to_camel(item.name): item.name for item in fields(kind) if _is_setting(item)}


def make(kind: type, settings: Mapping[str, object]) -> object:
    """An instance with these settings by camelCase key. Raises ValueError if one is wrong."""
    known = settable(kind)
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f"unknown setting {unknown[0]}")
    # JSON is the one form in which pydantic is strict about numbers and yet builds dataclasses.
    text = json.dumps({known[key]: value for key, value in settings.items()}, allow_nan=False)
    return adapter_of(kind).validate_json(text, strict=True)


@lru_cache(maxsize=256)
def adapter_of(kind: type) -> TypeAdapter[Any]:
    """What checks the settings of a policy class."""
    return TypeAdapter(kind)


def build(
    choice: Choice, policy_types: Mapping[str, type], resolve: Resolve
) -> object | list[Fault]:
    """The instance, or all that is wrong with the choice at its place."""
    try:
        kind = policy_type(choice.use, policy_types, resolve)
    except ValueError as error:
        meant = "" if is_external(choice.use) else closest(choice.use, policy_types)
        return [choice.source.fault((*choice.path, "use"), str(error), got=True, meant=meant)]
    known = settable(kind)
    unknown = [key for key in choice.settings if key not in known]
    faults = [_unknown_setting(choice, key, known) for key in unknown[:FAULTS_SHOWN]]
    faults.extend(() if is_external(choice.use) else _negative(choice, known))
    settings = {key: value for key, value in choice.as_use().settings.items() if key in known}
    try:
        policy = make(kind, settings)
    except ValidationError as error:
        misspelt = {closest(key, known) for key in unknown[:FAULTS_SHOWN]}
        return [*faults, *_setting_faults(choice, known, error, faults, misspelt)]
    except FOREIGN_FAULTS as error:
        message = f"cannot be built: {type(error).__name__}: {error}"
        return faults or [choice.source.fault(choice.path, message)]
    return faults or policy


def _is_setting(item: Field[object]) -> bool:
    return item.init and item.name != "name"


def _negative(choice: Choice, known: Collection[str]) -> list[Fault]:
    """Built-in policies are set by prices, factors and hours: none of them is below zero."""
    return [
        item.source.fault(item.path, "must not be negative", got=True)
        for key, item in choice.settings.items()
        if key in known and isinstance(item.value, int | float) and item.value < 0
    ]


def _unknown_setting(choice: Choice, key: str, known: Mapping[str, str]) -> Fault:
    setting = choice.settings[key]
    hint = closest(key, known)
    message = f"unknown setting of {choice.use}"
    if not hint and known:
        message += f": it has {', '.join(sorted(known))}"
    return setting.source.key_fault(setting.path, message, meant=hint)


def _setting_faults(
    choice: Choice,
    known: Mapping[str, str],
    error: ValidationError,
    told: Collection[Fault],
    misspelt: Collection[str],
) -> Iterator[Fault]:
    """What pydantic found, less what follows from faults that are told.

    Checks of the policy's own look at all settings: they are believed if all settings are right.
    """
    keys = {name: key for key, name in known.items()}
    places = {fault.path for fault in told}
    for item in error.errors(include_url=False, include_input=False)[:FAULTS_SHOWN]:
        loc = tuple(item["loc"])
        if item["type"] == "missing" and len(loc) == 1:
            follows = not choice.whole or keys.get(str(loc[0])) in misspelt
        else:
            follows = not loc and (bool(told) or not choice.whole)
        fault = _setting_fault(choice, known, loc, problem(item))
        if not follows and fault.path not in places:
            yield fault


def _setting_fault(choice: Choice, known: Mapping[str, str], loc: Path, message: str) -> Fault:
    """At the setting that pydantic names or, for a check of the policy's own, the text names."""
    keys = {name: key for key, name in known.items()}
    named = [str(loc[0])] if loc else _IDENTIFIER.findall(message)
    for word in named:
        key = keys.get(word, word)
        if key in choice.settings:
            setting = choice.settings[key]
            path = (*setting.path, *loc[1:])
            return setting.source.fault(path, message, got=True)
    if loc:
        return choice.source.fault((*choice.path, keys.get(named[0], named[0])), message)
    return choice.source.fault(choice.path, message)
