"""Faults as text: one a line as the loader words them, and how many there are."""

from collections.abc import Sequence

from scheduler.render.figures import plural
from scheduler.render.paper import Ink, Line, Word, clean, paint


def render_faults(faults: Sequence[object], *, colour: bool) -> str:
    """Each fault's own words (`file:line:column: ...`), never cut, then the count."""
    lines: list[Line] = [(Word(clean(str(fault))),) for fault in faults]
    if not faults:
        lines.append((Word("no faults", Ink.ADD),))
    else:
        lines.append((Word(plural(len(faults), "fault"), Ink.ALARM),))
    return paint(lines, colour=colour)
