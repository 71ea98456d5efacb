"""Readings: numbers with their time. Missing is unknown, never zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from scheduler.domain.names import Instant


class Signal(StrEnum):
    """What is read. The unit belongs to the name."""

    LOAD = "load_rps"
    LATENCY = "latency_s"
    QUEUE = "queue_requests"
    PRICE = "price_usd_per_node_hour"


class Freshness(StrEnum):
    """How far a reading can be trusted."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The recent history of one signal of one subject, oldest first."""

    signal: Signal
    subject: str
    """A workload, or a pool for prices."""
    pool: str = ""
    """The pool for which a workload's reading holds; empty for all of them together."""
    times: tuple[Instant, ...]
    values: tuple[float, ...]

    def last(self) -> tuple[Instant, float] | None:
        """The newest reading, if there is one."""
        return (self.times[-1], self.values[-1]) if self.times else None

    def freshness(self, now: Instant, stale_after_s: float) -> Freshness:
        """Fresh if the newest reading is at most `stale_after_s` old."""
        if not self.times:
            return Freshness.UNKNOWN
        return Freshness.FRESH if now - self.times[-1] <= stale_after_s else Freshness.STALE


@dataclass(frozen=True, kw_only=True)
class Readings:
    """All series known at one instant."""

    series: tuple[Series, ...] = ()

    def find(self, signal: Signal, subject: str, pool: str = "") -> Series | None:
        """The series of a signal and subject, or nothing: unknown."""
        return self._index.get((signal, subject, pool))

    @cached_property
    def _index(self) -> Mapping[tuple[str, str, str], Series]:
        return {(item.signal, item.subject, item.pool): item for item in self.series}
