"""The machine's form of an answer: JSON and YAML with the domain's own keys, in a fixed order."""

from collections.abc import Mapping
from math import isfinite
from numbers import Real

import msgspec
import yaml

from scheduler.domain.actions import Action, Guarded
from scheduler.domain.plan import Plan, Proof
from scheduler.render.marks import Mark, tally
from scheduler.render.paper import Output

LARGEST_WHOLE = 2.0**53
"""Above this not every whole number is a float: such floats are written as floats."""


def dump(value: object, output: Output) -> str:
    """JSON for `json`, YAML for any other form, without a final line break.

    Keys keep their order, whole numbers lose their point, and a number that is not finite becomes
    null: equal values give equal bytes, and every reader can parse them.
    """
    plain = _plain(msgspec.to_builtins(value, enc_hook=_number))
    if output is Output.JSON:
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    # libyaml, where present, writes long plans many times faster than the Python emitter.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(plain, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    return str(text).rstrip("\n")


def plan_document(plan: Plan, guarded: Guarded | None) -> Mapping[str, object]:
    """The plan with its sums, its counts of change, and its actions with their kind."""
    signs = tally(plan)
    fields = msgspec.to_builtins(plan, enc_hook=_number)
    fields["proof"]["gap"] = proven_gap(plan.proof)
    if plan.adoption is not None:
        minutes = plan.adoption.pays_back_minutes
        fields["adoption"]["pays_back_minutes"] = None if minutes is None else round(minutes, 3)
    return {
        "usd_per_hour_before": round(plan.usd_per_hour_before, 6),
        "usd_per_hour_after": round(plan.usd_per_hour_after, 6),
        "changes": {
            "add": signs[Mark.ADD],
            "change": signs[Mark.CHANGE],
            "release": signs[Mark.RELEASE],
        },
        **fields,
        "actions": None if guarded is None else _guarded_document(guarded),
    }


def proven_gap(proof: Proof) -> float | None:
    """The gap, or None where the bound is not a number: a maximum with NaN would read as proven."""
    return proof.gap if isfinite(proof.objective) and isfinite(proof.bound) else None


def action_document(action: Action) -> Mapping[str, object]:
    """One action's fields behind its kind: `grow`, `place`, `shift`, ..."""
    return {"kind": type(action).__name__.lower(), **msgspec.to_builtins(action, enc_hook=_number)}


def _guarded_document(guarded: Guarded) -> Mapping[str, object]:
    return {
        "allowed": [action_document(action) for action in guarded.allowed],
        "held": [
            {"why": held.why, "action": action_document(held.action)} for held in guarded.held
        ],
    }


def _number(value: object) -> float:
    """The numbers of numerical libraries as our own."""
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not isfinite(value):
            return None
        case float() if value.is_integer() and abs(value) < LARGEST_WHOLE:
            return int(value)
        case _:
            return value
