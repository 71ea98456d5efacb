"""Instants as Kubernetes writes them: RFC 3339, in UTC."""

from datetime import UTC, datetime
from functools import lru_cache

from scheduler.domain.names import Instant


@lru_cache(maxsize=4096)
def instant(text: str | None) -> Instant | None:
    """The instant, to the microsecond where it is told; None for no text or no instant."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Instant((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())


def as_text(at: Instant) -> str:
    """To the second, as 2026-11-23T21:38:02Z."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
