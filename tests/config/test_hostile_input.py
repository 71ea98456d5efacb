"""Whatever the files hold, loading ends in a declaration or in located faults."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.config import Loaded

from .fleet_text import FLEET, load_fleet

BYTES = FLEET.encode()
LINES = FLEET.splitlines()
NASTY_TEXTS = """|null|[]|{}|-1|0|.nan|1e999|99999999999999999999|true|-5m|0s|0/s|p100|!t x|*a|'
|&a [*a]|{a: {a: {a: 1}}}|[[[1]]]|0 USD/h|1 XXX/h|\u202e|\ud7ff|"\\0"|22:30|2026-11-11T09:00:00Z
"""
NASTY = st.sampled_from(NASTY_TEXTS.replace("\n", "").split("|"))
quickly = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def check(loaded: Loaded) -> None:
    assert (loaded.declared is None) == bool(loaded.faults)
    for fault in loaded.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert str(fault).startswith(f"{fault.file}:{fault.line}:{fault.column}: ")


@quickly
@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_verdict(content):
    check(load_fleet(content))


@quickly
@given(st.text(max_size=400))
def test_any_text_ends_in_a_verdict(content):
    check(load_fleet(content))


@quickly
@given(st.data())
def test_any_flipped_bytes_end_in_a_verdict(data):
    content = bytearray(BYTES)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(BYTES) - 1))] = data.draw(st.integers(0, 255))
    check(load_fleet(bytes(content)))


@quickly
@given(st.data())
def test_any_value_in_any_place_ends_in_a_verdict(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _rest = lines[at].partition(":")
        lines[at] = f"{key}{colon} {data.draw(NASTY)}"
    check(load_fleet("\n".join(lines)))


@quickly
@given(st.data())
def test_any_value_in_any_flow_mapping_ends_in_a_verdict(data):
    spots = [index for index, char in enumerate(FLEET) if char == ":"]
    at = data.draw(st.sampled_from(spots))
    end = min(index for index in (FLEET.find(c, at) for c in ",}\n") if index > at)
    check(load_fleet(f"{FLEET[: at + 1]} {data.draw(NASTY)}{FLEET[end:]}"))


@quickly
@given(st.sets(st.integers(0, len(LINES) - 1), max_size=10))
def test_any_missing_lines_end_in_a_verdict(gone):
    check(load_fleet("\n".join(line for i, line in enumerate(LINES) if i not in gone)))
