"""Names that every solver can read: of each unknown and each row, unlike all others."""

from collections.abc import Iterable, Iterator
from re import ASCII, compile

from scheduler.model.problem import Problem

LONGEST = 100
"""Some readers of .lp files take no longer name."""
_FOREIGN = compile(r"\W+", ASCII)
_LIKE_A_NUMBER = compile(r"[\d_]|[eE]\d")


def column_names(problem: Problem) -> list[str]:
    """`nodes_dc_a`, `units_search_cloud_a`: the block and who it is about."""
    return unlike(
        f"{block.name} {block.label(at)}" for block in problem.blocks for at in range(block.size)
    )


def row_names(problem: Problem) -> list[str]:
    """`unmet_room_0`: policy, rule and position. Rows that no rule owns hold a tier."""
    return unlike(_row_names(problem))


def row_words(problem: Problem) -> Iterator[str]:
    """The rule of each row in words, on one line."""
    for family in problem.families:
        for row in range(family.stop - family.start):
            yield " ".join(family.words(row).split())
    for _ in range(_owned(problem), len(problem.row_lower)):
        yield "no more of what comes first is missing than must be"


def unlike(labels: Iterable[str]) -> list[str]:
    """Labels with letters, digits and underscores alone; equal ones are numbered."""
    taken: set[str] = set()
    found = []
    for label in labels:
        name = plain = _plain(label)
        count = 1
        while name in taken:
            count += 1
            name = f"{plain}__{count}"
        taken.add(name)
        found.append(name)
    return found


def _plain(label: str) -> str:
    name = _FOREIGN.sub("_", label).strip("_")[:LONGEST]
    return f"x{name}" if not name or _LIKE_A_NUMBER.match(name) else name


def _row_names(problem: Problem) -> Iterator[str]:
    for family in problem.families:
        for row in range(family.stop - family.start):
            yield f"{family.policy} {family.name} {row}"
    for row in range(_owned(problem), len(problem.row_lower)):
        yield f"tier {row - _owned(problem)}"


def _owned(problem: Problem) -> int:
    return problem.families[-1].stop if problem.families else 0
