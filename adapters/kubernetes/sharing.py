"""Sharing: equal parts of thousands of objects are kept once.

Decoded as they come, 30,000 pods take 5 kB each, most of it labels, tolerations, requests and
conditions that are the same text again and again. Shared they take about a third, for a
second and a half of CPU time in the first look.
"""

from typing import Any

import msgspec
from msgspec.structs import force_setattr

from adapters.kubernetes.shapes import (
    Meta,
    Node,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    PodStatus,
)

OPENED = (Node, NodeSpec, NodeStatus, Pod, PodSpec, PodStatus, Meta)
"""Shapes that are no two objects' same: shared field by field."""
OWN_FIELDS = frozenset({"name", "uid", "resource_version", "generation", "provider_id"})
"""Never the same either."""
PLAIN = (bool, int, type(None))
GENERATION = 20_000
"""So many parts are remembered before those that were not met again are forgotten."""


class Sharing:
    """Remembers the parts that it met lately. What it returns must not be changed."""

    def __init__(self) -> None:
        self._young: dict[object, Any] = {}
        self._old: dict[object, Any] = {}

    @property
    def remembered(self) -> int:
        """How many parts it holds for those to come."""
        return len(self._young) + len(self._old)

    def share(self, item: object) -> None:
        """Puts known parts in the place of equal ones of a node or pod; leaves all else alone."""
        if not isinstance(item, OPENED):
            return
        for name in item.__struct_fields__:
            if name in OWN_FIELDS:
                continue
            value = getattr(item, name)
            if isinstance(value, OPENED):
                self.share(value)
            elif value:
                force_setattr(item, name, self._known(value))

    def _known(self, value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
        kind = type(value)
        if kind in PLAIN:
            return value
        key = (dict, *value.items()) if kind is dict else value
        try:
            found = self._young.get(key)
        except TypeError:  # it holds a map, and so has no hash
            return self._opened(value)
        if found is not None:
            return found
        found = self._old.get(key)
        if found is None:
            found = self._opened(value)
        self._remember((dict, *found.items()) if kind is dict else found, found)
        return found

    def _opened(self, value: Any) -> Any:  # noqa: ANN401
        known = self._known
        if isinstance(value, tuple):
            return tuple([known(part) for part in value])
        if isinstance(value, dict):
            return {known(name): known(of) for name, of in value.items()}
        if isinstance(value, msgspec.Struct):
            for name in value.__struct_fields__:
                part = getattr(value, name)
                if part:
                    force_setattr(value, name, known(part))
        return value

    def _remember(self, key: object, value: object) -> None:
        if len(self._young) >= GENERATION:
            self._old, self._young = self._young, {}
        self._young[key] = value
