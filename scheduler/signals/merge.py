"""Merge: the answers of several sources as one; of the same series the newer one counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduler.domain.readings import Series, Signal

TOLERANCE = 0.1
"""Two sources that differ by less than this share of the larger value agree."""
SAME_MOMENT_S = 120.0
"""Readings further apart may differ because the world moved. Prices hold until they change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Each series once, and a sentence for each pair of sources that contradict one another."""

    series: tuple[Series, ...]
    notes: tuple[str, ...]


def merge(answers: Mapping[str, Sequence[Series]]) -> Merged:
    """The series of all sources, by name of the source. At equal age the first source counts.

    A series is taken whole: readings of two sources in turn would look like jitter.
    """
    chosen: dict[tuple[str, str, str], tuple[str, Series]] = {}
    notes: list[str] = []
    for source, answer in answers.items():
        for item in answer:
            key = (item.signal.value, item.subject, item.pool)
            rival = chosen.get(key)
            if rival is None:
                chosen[key] = (source, item)
                continue
            newer, older = _by_age(rival, (source, item))
            notes.extend(_contradiction(newer, older))
            chosen[key] = newer
    return Merged(series=tuple(chosen[key][1] for key in sorted(chosen)), notes=tuple(notes))


_Named = tuple[str, Series]


def _by_age(first: _Named, second: _Named) -> tuple[_Named, _Named]:
    """The newer one, then the older one."""
    ours, theirs = first[1].last(), second[1].last()
    if theirs is not None and (ours is None or theirs[0] > ours[0]):
        return second, first
    return first, second


def _contradiction(newer: _Named, older: _Named) -> list[str]:
    used, left = newer[1].last(), older[1].last()
    if used is None or left is None:
        return []
    apart = used[0] - left[0]
    if apart > SAME_MOMENT_S and newer[1].signal is not Signal.PRICE:
        return []
    if abs(used[1] - left[1]) <= TOLERANCE * max(abs(used[1]), abs(left[1])):
        return []
    item = newer[1]
    what = f"{item.signal.value} of {item.subject}" + (f" on {item.pool}" if item.pool else "")
    why = f"is {apart:.0f} s newer" if apart > 0.0 else "is listed first"
    return [
        f"{what}: {newer[0]} says {used[1]:g}, {older[0]} says {left[1]:g}; "
        f"{newer[0]} {why} and is used"
    ]
