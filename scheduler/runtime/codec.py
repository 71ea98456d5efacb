"""Values as bytes and back: msgpack for what is read again, canonical JSON for what is compared."""

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import is_dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeVar

import msgspec

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Held,
    Place,
    Receipt,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.plan import Plan

T = TypeVar("T")
Plain = Any
"""What JSON can say."""

KINDS: Mapping[str, type[Action]] = {
    kind.__name__.lower(): kind
    for kind in (Grow, Place, Shift, Resume, Suspend, Vacate, Drain, Release)
}
LARGEST_WHOLE = 2.0**53
"""Above this not every whole number is a float: such floats are written as floats."""


def pack(value: object) -> bytes:
    """Compressed msgpack: keeps the order of tables and every float, infinities included."""
    # Level 1: three times as fast as the default for 10 % more bytes.
    return zlib.compress(_PACKER.encode(value), 1)


def unpack(data: bytes, kind: type[T]) -> T:
    """The value again. Raises zlib.error or msgspec.MsgspecError where the bytes are not one."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=kind)


def digest(value: object) -> str:
    """The same for equal values, in every process: sets and tables are sorted first."""
    return hashlib.sha256(_SORTING_PACKER.encode(value)).hexdigest()


def plan_json(plan: Plan) -> bytes:
    """The plan as canonical JSON: equal plans give equal bytes."""
    return canonical_json(plan)


def canonical_json(value: object) -> bytes:
    """Keys sorted; 8.0 as 8, -0.0 as 0; infinities and NaN as words."""
    return _SORTING_JSON.encode(plain(value))


def plain(value: object) -> Plain:
    """Dataclasses as tables, sets as sorted lists, numbers in their one shape."""
    if isinstance(value, float):
        return _number(float(value))
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return _plain_other(value)


def _plain_other(value: object) -> Plain:
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def actions_json(actions: Iterable[Action]) -> bytes:
    """Actions with their kind, as canonical JSON."""
    return canonical_json([plain_action(action) for action in actions])


def held_json(held: Iterable[Held]) -> bytes:
    """Actions held back, each with its reason."""
    return canonical_json([{"action": plain_action(one.action), "why": one.why} for one in held])


def receipts_json(receipts: Iterable[Receipt]) -> bytes:
    """Receipts with their actions."""
    return canonical_json(
        [
            {"action": plain_action(one.action), "outcome": one.outcome, "detail": one.detail}
            for one in receipts
        ]
    )


def plain_action(action: Action) -> dict[str, Any]:
    """One action as a table with its `kind`."""
    return {"kind": kind_of(action), **plain(action)}


def kind_of(action: Action) -> str:
    """The word for what the action does: grow, place, shift, ..."""
    return type(action).__name__.lower()


def read_actions(data: bytes) -> tuple[Action, ...]:
    """What `actions_json` wrote."""
    return tuple(_action(item) for item in msgspec.json.decode(data))


def read_held(data: bytes) -> tuple[Held, ...]:
    """What `held_json` wrote."""
    return tuple(
        Held(action=_action(item["action"]), why=item["why"]) for item in msgspec.json.decode(data)
    )


def read_receipts(data: bytes) -> tuple[Receipt, ...]:
    """What `receipts_json` wrote."""
    return tuple(
        Receipt(action=_action(item["action"]), outcome=item["outcome"], detail=item["detail"])
        for item in msgspec.json.decode(data)
    )


def _action(item: dict[str, Any]) -> Action:
    # Not strict: a share that is infinite or NaN was written as a word.
    kind = KINDS[item["kind"]]
    return msgspec.convert(item, kind, strict=False)


def _number(value: float) -> float | int | str:
    if not isfinite(value):
        return str(value)
    return int(value) if value.is_integer() and abs(value) < LARGEST_WHOLE else value


def _bare(value: object) -> int | float:
    """Numbers of other libraries (numpy's) as Python's own."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


_PACKER = msgspec.msgpack.Encoder(enc_hook=_bare)
_SORTING_PACKER = msgspec.msgpack.Encoder(enc_hook=_bare, order="deterministic")
_SORTING_JSON = msgspec.json.Encoder(order="deterministic")
