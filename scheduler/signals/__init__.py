"""Where readings come from."""

from scheduler.signals.csv import CsvSource
from scheduler.signals.merge import Merged, merge
from scheduler.signals.source import Source, SourceBroken, SourceError, SourceUnreachable

__all__ = [
    "CsvSource",
    "Merged",
    "Source",
    "SourceBroken",
    "SourceError",
    "SourceUnreachable",
    "merge",
]
