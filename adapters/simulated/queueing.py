"""Queueing: the latency with which ready replicas answer a load, and the line that forms.

Latency follows T_q(r) = base + queue / (1 - r / limit) (the curve of scheduler.model.capacity, with
the round trip added). The curve speaks of a steady state, so it is read at most at BUSIEST of the
limit; what arrives beyond the limit waits in a line that is carried from step to step and grows
or shrinks by (arrivals - limit) x time. Who would wait longer than the patience gives up.

Attainment takes the tail of the steady part as exponential, fitted so that its q-quantile is T_q:

    P(T <= x) = 1 - (1 - q) ** ((x - base) / (T_q - base))    for x >= base, else 0

and averages it over the waits w of the step, which are a straight line in time: with
c = -ln(1 - q) / (T_q - base) the share in time is the mean of 1 - exp(-c (x - base - w)), in closed
form. Requests that find no ready replica, or give up, are not in time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.model.capacity import latency_s

Floats = NDArray[np.float64]

BUSIEST = 0.98
"""Beyond this share of the limit the steady state takes longer to form than a step lasts."""
PATIENCE_S = 30.0
"""The longest wait in line: common gateways time out here. Twice the objective if that is more."""

_THINNEST_S = 1e-9
"""A tail of no length at all has no rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """Columns of equal length: an entry for each pool on which a service may be served."""

    base_s: Floats
    queue_s: Floats
    limit_rps: Floats
    """Requests per second that one replica can answer."""
    rtt_s: Floats
    objective_s: Floats
    """As users see it, the round trip included."""
    quantile: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of the requests of one step, a column entry for each lane."""

    load_rps: Floats
    """Arrivals per ready replica; 0 where none is ready."""
    latency_s: Floats
    """The objective's quantile; infinite where requests came and no replica was ready."""
    attained: Floats
    """Share of the arrivals answered within the objective; 1 where none came."""
    lost: Floats
    """Requests of the step that found no replica or gave up."""
    waiting: Floats
    """Requests in line at the end of the step: handed to the next one."""


def answer(lanes: Lanes, *, ready: Floats, rps: Floats, waiting: Floats, step_s: float) -> Answered:
    """One step of `step_s` seconds at steady arrivals of `rps` on each lane."""
    up = ready > 0.0
    power = np.where(up, ready * lanes.limit_rps, 1.0)
    patience = np.maximum(PATIENCE_S, 2.0 * lanes.objective_s)
    line = _line(power, patience, up=up, rps=rps, waiting=waiting, step_s=step_s)

    busy = np.minimum(rps / power, BUSIEST)
    steady = latency_s(lanes.base_s, lanes.queue_s, np.ones_like(busy), busy)
    packed = latency_s(lanes.base_s, lanes.queue_s, np.ones_like(busy), np.full_like(busy, BUSIEST))
    wait = _late_wait(line, lanes.quantile)
    latency = np.where(up, np.where(wait > 0.0, packed, steady) + wait + lanes.rtt_s, np.inf)

    spare = lanes.objective_s - lanes.rtt_s - lanes.base_s
    steep = -np.log1p(-lanes.quantile)
    packed_tail = np.maximum(packed - lanes.base_s, _THINNEST_S)
    steady_tail = np.maximum(steady - lanes.base_s, _THINNEST_S)
    in_line = _in_time(spare, steep / packed_tail, line.first_s, line.last_s)
    at_once = _in_time(spare, steep / steady_tail, line.zero_s, line.zero_s)
    attained = np.where(up, line.part * in_line + (1.0 - line.part) * at_once, 0.0)

    came = rps > 0.0
    return Answered(
        load_rps=np.where(up, rps / np.maximum(ready, 1.0), 0.0),
        latency_s=np.where(came | up, latency, 0.0),
        attained=np.where(came, attained, 1.0),
        lost=line.gave_up + np.where(up, 0.0, rps * step_s),
        waiting=line.waiting,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The wait in line over one step: a straight line over `part` of it, none for the rest."""

    first_s: Floats
    last_s: Floats
    part: Floats
    zero_s: Floats
    waiting: Floats
    gave_up: Floats


def _line(
    power: Floats,
    patience: Floats,
    *,
    up: NDArray[np.bool_],
    rps: Floats,
    waiting: Floats,
    step_s: float,
) -> _Line:
    growth = rps - power
    at_most = power * patience
    before = np.where(up, np.minimum(waiting, at_most), 0.0)
    after = before + growth * step_s
    kept = np.clip(after, 0.0, at_most)
    empties_s = np.where(after < 0.0, before / np.maximum(-growth, 1e-300), step_s)
    some = up & ((before > 0.0) | (kept > 0.0))
    gave_up = waiting - before + np.maximum(after - at_most, 0.0)
    return _Line(
        first_s=before / power,
        last_s=kept / power,
        part=np.where(some, empties_s / step_s, 0.0),
        zero_s=np.zeros_like(power),
        waiting=np.where(up, kept, 0.0),
        gave_up=np.where(up, gave_up, waiting),
    )


def _late_wait(line: _Line, quantile: Floats) -> Floats:
    """The quantile of the wait over the step."""
    low, high = np.minimum(line.first_s, line.last_s), np.maximum(line.first_s, line.last_s)
    inside = (quantile - (1.0 - line.part)) / np.maximum(line.part, 1e-300)
    return np.where(
        line.part > 0.0, (inside > 0.0) * (low + np.clip(inside, 0.0, 1.0) * (high - low)), 0.0
    )


def _in_time(spare: Floats, rate: Floats, first_s: Floats, last_s: Floats) -> Floats:
    """Mean of max(0, 1 - exp(-rate (spare - w))) over w from `first_s` to `last_s`."""
    low, high = np.minimum(first_s, last_s), np.maximum(first_s, last_s)
    point = 1.0 - np.exp(-rate * np.maximum(spare - low, 0.0))
    width = high - low
    whole = _area(spare, rate, high) - _area(spare, rate, low)
    return np.where(width > 1e-12, whole / np.maximum(width, 1e-12), point)


def _area(spare: Floats, rate: Floats, wait: Floats) -> Floats:
    """Integral of max(0, 1 - exp(-rate (spare - w))) dw up to `wait`, less a constant."""
    inside = np.minimum(wait, spare)
    return inside - np.exp(-rate * (spare - inside)) / rate
