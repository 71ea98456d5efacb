"""Instants are read and written as the API server does."""

import pytest

from adapters.kubernetes.instants import as_text, instant
from scheduler.domain.names import Instant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T21:38:02Z", 1795469882.0),
        ("2026-11-23T21:38:02.250000Z", 1795469882.25),
        ("2026-11-23T22:38:02+01:00", 1795469882.0),
        ("2026-11-23T21:38:02", 1795469882.0),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_every_way_of_writing_an_instant_is_read(text: str | None, at: float | None) -> None:
    assert instant(text) == at


def test_what_is_written_is_read_back_to_the_second() -> None:
    at = Instant(1_790_640_000.0)
    assert as_text(at) == "2026-09-29T00:00:00Z"
    assert instant(as_text(at)) == at
