"""Hold: when the present size of a service must be kept."""

from scheduler.domain.readings import Freshness
from scheduler.domain.settings import ForecastSettings
from scheduler.domain.snapshot import Snapshot


def hold_reason(snapshot: Snapshot, state: Freshness, settings: ForecastSettings) -> str:
    """Why nothing may be taken from the service; empty if something may."""
    if state is not Freshness.FRESH:
        return "the load is not known"
    if snapshot.memory.started_at is None:
        return "this is the first look"
    seen_s = snapshot.now - snapshot.memory.started_at
    if seen_s < settings.window_s:
        return f"started {_minutes(seen_s)} ago, looks back {_minutes(settings.window_s)}"
    return ""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60.0:.1f} min"
