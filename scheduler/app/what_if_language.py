"""The language of what-if: `pools.aws-a100.price=1.2x` and the like, read once at the door."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite

from scheduler.config import units
from scheduler.config.faults import closest, sentence, shown
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.planning.suppositions import (
    Amount,
    BudgetCap,
    ClusterLost,
    JobDeadline,
    JobSuspended,
    PoolMax,
    PoolPrice,
    PoolSoldOut,
    Relation,
    ServiceLoad,
    ServiceObjective,
    Supposition,
)

FORM = "must read WHAT=VALUE, such as pools.NAME.price=1.2x, services.*.load=2x or budget=500"
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,12})?"
_TIMES = re.compile(rf"({_NUMBER}) ?x")
_PERCENT = re.compile(rf"([-+])({_NUMBER}) ?%")
_PLUS = re.compile(r"([-+])(.+)")


class WhatIfError(ValueError):
    """All that is wrong with the suppositions, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class _RefusedError(Exception):
    """One or more faults of one supposition."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What suppositions may speak of."""

    fleet: Fleet
    has_budget: bool


Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One supposition, its names resolved; none where they are wrong, so that the value is read."""

    known: Known
    names: Names
    value: str


Field = Callable[[_Asked], Supposition]


def read_what_if(texts: Sequence[str], known: Known) -> tuple[Supposition, ...]:
    """All suppositions in their order. Raises WhatIfError with every fault of all of them."""
    found, faults = [], []
    seen: set[str] = set()
    for text in texts:
        what = text.partition("=")[0].strip()
        try:
            found.append(_read(text, known))
            if what in seen:
                faults.append(f"{shown(text)}: {what} is supposed twice")
        except _RefusedError as refused:
            faults.extend(f"{shown(text)}: {fault}" for fault in refused.faults)
        seen.add(what)
    if faults:
        raise WhatIfError(faults)
    return tuple(found)


def _read(text: str, known: Known) -> Supposition:
    what, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not what:
        raise _RefusedError(FORM)
    if what == "budget":
        return _budget(known, value)
    kind, dot, rest = what.partition(".")
    if kind not in FIELDS:
        meant = closest(kind, (*FIELDS, "budget"))
        kinds = f"there are {', '.join(FIELDS)} and budget"
        raise _RefusedError(sentence(f"unknown {shown(kind)}: {kinds}", meant=meant))
    name, dot, field = rest.rpartition(".")
    if not dot or not name:
        raise _RefusedError(f"must read {kind}.NAME.{next(iter(FIELDS[kind]))}=VALUE")
    return _of_kind(known, kind, name, field, value)


def _of_kind(known: Known, kind: str, name: str, field: str, value: str) -> Supposition:
    """The faults of name, field and value together."""
    faults: list[str] = []
    names: Names = ()
    try:
        names = _names(known, kind, name)
    except _RefusedError as refused:
        faults.extend(refused.faults)
    fields = FIELDS[kind]
    if field not in fields:
        has = f"of {kind} there can be supposed {', '.join(fields)}"
        faults.append(sentence(f"unknown {shown(field)}: {has}", meant=closest(field, fields)))
        raise _RefusedError(*faults)
    try:
        found = fields[field](_Asked(known=known, names=names, value=value))
    except _RefusedError as refused:
        faults.extend(refused.faults)
    if faults:
        raise _RefusedError(*faults)
    return found


def _names(known: Known, kind: str, name: str) -> Names:
    """The things of that name; those that match where it has a `*`."""
    tables = _tables(known.fleet)
    table, noun = tables[kind], kind.removesuffix("s")
    if "*" in name:
        # Only the star is special: brackets and question marks are no part of a name.
        pattern = re.sub(r"([\[?])", r"[\1]", name)
        found = tuple(one for one in table if fnmatchcase(one, pattern))
        if found:
            return found
        raise _RefusedError(f"no {noun} is called {shown(name)}")
    if name in table:
        return (name,)
    for other, there in tables.items():
        if name in there:
            raise _RefusedError(f"{name} is no {noun}: write {other}.{name}")
    raise _RefusedError(sentence(f"unknown {noun} {shown(name)}", meant=closest(name, table)))


def _tables(fleet: Fleet) -> Mapping[str, Collection[str]]:
    return {
        "pools": fleet.pools,
        "clusters": fleet.clusters,
        "services": fleet.services,
        "jobs": fleet.jobs,
    }


def _price(asked: _Asked) -> Supposition:
    example = "3.50 (USD/h), 1.2x, +20% or -0.5"
    return PoolPrice(
        tuple(map(PoolName, asked.names)), _amount(asked.value, _usd_per_hour, example)
    )


def _most_nodes(asked: _Asked) -> Supposition:
    return PoolMax(
        tuple(map(PoolName, asked.names)), _amount(asked.value, _whole, "10, +4, -2 or 2x")
    )


def _sold_out(asked: _Asked) -> Supposition:
    return PoolSoldOut(tuple(map(PoolName, asked.names)), _truth(asked.value))


def _lost(asked: _Asked) -> Supposition:
    if asked.value != "true":
        raise _RefusedError(sentence("only lost=true can be supposed", got=shown(asked.value)))
    return ClusterLost(tuple(map(ClusterName, asked.names)))


def _load(asked: _Asked) -> Supposition:
    example = "1500 (/s), 2x, +20% or +300"
    return ServiceLoad(
        tuple(map(WorkloadName, asked.names)), _amount(asked.value, _per_second, example)
    )


def _objective(asked: _Asked) -> Supposition:
    services = tuple(map(WorkloadName, asked.names))
    amount = _amount(asked.value, units.duration_s, "80ms, 0.5x or +20ms")
    for name in services:
        if amount.of(asked.known.fleet.services[name].objective.seconds) <= 0.0:
            raise _RefusedError(f"leaves {name} no time to answer")
    return ServiceObjective(services, amount)


def _deadline(asked: _Asked) -> Supposition:
    jobs = tuple(map(WorkloadName, asked.names))
    if asked.value == "none":
        return JobDeadline(jobs)
    later = _PLUS.fullmatch(asked.value)
    if later is not None:
        free = [name for name in jobs if asked.known.fleet.jobs[name].deadline is None]
        if free:
            raise _RefusedError(f"{free[0]} has no deadline to move: give an instant")
        sign = -1.0 if later[1] == "-" else 1.0
        return JobDeadline(
            jobs, later_s=sign * _unit(later[2], units.duration_s, "+4h or -30m", later[1])
        )
    example = "2026-11-11T09:00:00Z, +4h or none"
    return JobDeadline(jobs, at=Instant(_unit(asked.value, units.instant, example)))


def _suspended(asked: _Asked) -> Supposition:
    return JobSuspended(tuple(map(WorkloadName, asked.names)), _truth(asked.value))


def _budget(known: Known, value: str) -> Supposition:
    amount = None
    if value != "none":
        amount = _amount(value, _usd_per_hour, "500 (USD/h), 1.2x, +50 or none")
    if not known.has_budget and (amount is None or amount.relation is not Relation.IS):
        raise _RefusedError("no budget is in force: give its USD per hour, such as budget=500")
    return BudgetCap(amount)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "pools": {"price": _price, "max": _most_nodes, "soldOut": _sold_out},
    "clusters": {"lost": _lost},
    "services": {"load": _load, "objective": _objective},
    "jobs": {"deadline": _deadline, "suspended": _suspended},
}
"""What can be supposed of each kind of thing."""


def _amount(value: str, unit: Callable[[str], float], example: str) -> Amount:
    """`2x`, `+20%`, `+4`, `-4` or a number, in the unit where one is given."""
    times, percent = _TIMES.fullmatch(value), _PERCENT.fullmatch(value)
    if times is not None:
        return Amount(Relation.TIMES, float(times[1]))
    if percent is not None:
        sign = -1.0 if percent[1] == "-" else 1.0
        return Amount(Relation.TIMES, max(0.0, 1.0 + sign * float(percent[2]) / 100.0))
    step = _PLUS.fullmatch(value)
    if step is None:
        return Amount(Relation.IS, _unit(value, unit, example))
    sign = -1.0 if step[1] == "-" else 1.0
    return Amount(Relation.PLUS, sign * _unit(step[2], unit, example, step[1]))


def _unit(value: str, unit: Callable[[str], float], example: str, sign: str = "") -> float:
    try:
        number = unit(value)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _RefusedError(sentence(f"must be such as {example}", got=shown(sign + value)))
    return number


def _truth(value: str) -> bool:
    if value not in ("true", "false"):
        raise _RefusedError(sentence("must be true or false", got=shown(value)))
    return value == "true"


def _usd_per_hour(value: str) -> float:
    return _plain(value.removesuffix("USD/h").strip())


def _per_second(value: str) -> float:
    return units.per_second(value) if "/" in value else _plain(value)


def _whole(value: str) -> float:
    number = _plain(value)
    if not number.is_integer():
        raise ValueError
    return number


def _plain(value: str) -> float:
    if re.fullmatch(_NUMBER, value, re.ASCII) is None:
        raise ValueError
    return float(value)
