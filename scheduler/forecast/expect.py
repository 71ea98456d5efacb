"""Expect: from a snapshot to what every workload needs over the next minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from scheduler.domain.demand import Demand, ServiceDemand
from scheduler.domain.names import GpuType, WorkloadName
from scheduler.domain.readings import Freshness
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Snapshot
from scheduler.domain.workloads import InferenceService
from scheduler.forecast.feedback import DRAIN_S, Feedback, feedback
from scheduler.forecast.gathering import gather, running
from scheduler.forecast.histories import Bools, Floats
from scheduler.forecast.hold import hold_reason
from scheduler.forecast.horizon import holdable, horizon_s
from scheduler.forecast.jobs import expect_jobs
from scheduler.forecast.load import Outlook, outlook
from scheduler.forecast.readings import prices_in_force
from scheduler.forecast.slowdown import Slowdown, slowdown
from scheduler.model.catalogue import Catalogue, compile_fleet


def expect(snapshot: Snapshot, settings: ForecastSettings) -> Demand:
    """The demand of every service and job of the fleet. Equal snapshots give equal demand."""
    catalogue = compile_fleet(snapshot.fleet)
    could = holdable(catalogue)
    prices, doubts = prices_in_force(snapshot)
    return Demand(
        services=_expect_services(snapshot, settings, catalogue, could),
        jobs=expect_jobs(snapshot, catalogue, could),
        prices=prices,
        notes=doubts,
    )


def _expect_services(
    snapshot: Snapshot, settings: ForecastSettings, catalogue: Catalogue, could: Bools
) -> Mapping[WorkloadName, ServiceDemand]:
    services = tuple(snapshot.fleet.services.values())
    gathered = gather(snapshot.readings)
    at = running(snapshot, services)
    horizon = horizon_s(catalogue, could, services)
    series = [gathered.load.get(item.name) for item in services]
    load = outlook(series, horizon, snapshot.now, settings)
    slower = slowdown(snapshot, services, gathered, at, load, settings)
    raised = feedback(snapshot, services, gathered, at, slower.by_row, load, settings)
    found = _findings(horizon, load, slower, raised)
    return {
        item.name: _service_demand(snapshot, settings, item, found, row)
        for row, item in enumerate(services)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """What was found out, one entry a service: plain numbers, which print five times faster."""

    horizon_min: list[float]
    states: tuple[Freshness, ...]
    now_rps: list[float]
    age_min: list[float]
    recent_rps: list[float]
    growth_rps: list[float]
    scatter_rps: list[float]
    short_rps: list[float]
    expected_rps: list[float]
    slower: Sequence[Mapping[GpuType, float]]
    observed_s: list[float]
    factor: list[float]
    queued: list[float]
    low_rps: list[float]
    high_rps: list[float]
    rps: list[float]


def _findings(horizon_s: Floats, load: Outlook, slower: Slowdown, raised: Feedback) -> _Findings:
    return _Findings(
        horizon_min=(horizon_s / 60.0).tolist(),
        states=load.states,
        now_rps=load.now_rps.tolist(),
        age_min=(load.age_s / 60.0).tolist(),
        recent_rps=load.recent_rps.tolist(),
        growth_rps=load.growth_rps.tolist(),
        scatter_rps=load.scatter_rps.tolist(),
        short_rps=load.short_rps.tolist(),
        expected_rps=load.expected_rps.tolist(),
        slower=slower.by_service,
        observed_s=raised.observed_s.tolist(),
        factor=raised.factor.tolist(),
        queued=raised.queued.tolist(),
        low_rps=(load.low_rps * raised.factor + raised.queue_rps).tolist(),
        high_rps=(load.high_rps * raised.factor + raised.queue_rps).tolist(),
        rps=(load.expected_rps * raised.factor + raised.queue_rps).tolist(),
    )


def _service_demand(
    snapshot: Snapshot,
    settings: ForecastSettings,
    item: InferenceService,
    found: _Findings,
    row: int,
) -> ServiceDemand:
    state = found.states[row]
    held = hold_reason(snapshot, state, settings)
    because = [
        _load_because(settings, found, row),
        *_raise_because(item, found, row),
        *(f"{gpu} is {x:.2f} times slower" for gpu, x in found.slower[row].items()),
    ]
    if held:
        because.append(f"size held: {held}")
    ranged = state is Freshness.FRESH and isfinite(found.high_rps[row])
    return ServiceDemand(
        rps=found.rps[row],
        low_rps=found.low_rps[row] if ranged else None,
        high_rps=found.high_rps[row] if ranged else None,
        now_rps=found.now_rps[row],
        freshness=state,
        hold=bool(held),
        slowdown=found.slower[row],
        because="; ".join(because),
    )


def _load_because(settings: ForecastSettings, found: _Findings, row: int) -> str:
    match found.states[row]:
        case Freshness.UNKNOWN:
            return "no load was ever read, which is not zero"
        case Freshness.STALE:
            age_min = found.age_min[row]
            return f"the last load reading, {_rate(found.now_rps[row])}/s, is {age_min:.0f} min old"
        case Freshness.FRESH:
            added = (
                (found.growth_rps[row], "by trend"),
                (found.scatter_rps[row], "for jitter"),
                (found.short_rps[row], "as it rose of late"),
            )
            parts = [f", {_rate(x)} more {why}" for x, why in added if round(x, 1) > 0.0]
            return (
                f"wants {_rate(found.expected_rps[row])}/s within "
                f"{found.horizon_min[row]:.0f} min{_range(found, row)}: "
                f"{_rate(found.recent_rps[row])} lately{''.join(parts)}, "
                f"{100.0 * settings.margin:.0f} % margin"
            )


def _range(found: _Findings, row: int) -> str:
    """Between what the load is likely to be; nothing where that is one number or not known."""
    if not isfinite(found.high_rps[row]):
        return ""
    low, high = _rate(found.low_rps[row]), _rate(found.high_rps[row])
    return f" ({low} to {high} likely)" if low != high else ""


def _raise_because(item: InferenceService, found: _Findings, row: int) -> list[str]:
    said = []
    if found.factor[row] > 1.0:
        said.append(
            f"p{100.0 * item.objective.quantile:g} of {_ms(found.observed_s[row])} breaks "
            f"{_ms(item.objective.seconds)} although the load says enough: raised "
            f"{found.factor[row]:.2f} times"
        )
    if found.queued[row] > 0.0:
        said.append(
            f"a rising queue of {found.queued[row]:.0f} is to go within {DRAIN_S:.0f} s: "
            f"{found.queued[row] / DRAIN_S:+.1f}/s"
        )
    return said


def _rate(rps: float) -> str:
    return f"{rps:,.0f}" if rps >= 100.0 else f"{rps:.1f}"


def _ms(seconds: float) -> str:
    return f"{1000.0 * seconds:.0f} ms"
