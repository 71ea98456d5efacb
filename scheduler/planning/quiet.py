"""Quiet hours: whether an instant lies in a daily window of local wall-clock time."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduler.domain.names import Instant
from scheduler.domain.settings import QuietHours


def quiet_window(now: Instant, windows: Iterable[QuietHours]) -> QuietHours | None:
    """The first window that holds `now`, if any.

    Windows are on the wall clock of their zone, so they follow summer time. One that ends before
    it starts runs over midnight; one that ends when it starts is the whole day.
    """
    return next((window for window in windows if _holds(window, now)), None)


def in_words(window: QuietHours) -> str:
    """The window as people write it: 22:30-06:00 Asia/Shanghai."""
    start, end = _clock(window.start_minute), _clock(window.end_minute)
    return f"{start}-{end} {window.time_zone}"


def _holds(window: QuietHours, now: Instant) -> bool:
    local = datetime.fromtimestamp(now, ZoneInfo(window.time_zone))
    minute = 60 * local.hour + local.minute
    if window.start_minute < window.end_minute:
        return window.start_minute <= minute < window.end_minute
    return minute >= window.start_minute or minute < window.end_minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
