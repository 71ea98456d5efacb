"""Faults: what is wrong in a document, where, and what was probably meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a document."""

SHOWN = 60
"""Characters of a wrong value that are repeated in its fault."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """One thing that is wrong, at its place. Its text is what `tidegate check` prints."""

    file: str
    """Or kind, namespace and name of an object of an API server, as nodepools/ml/gpus."""
    line: int
    """0 where there are no lines."""
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        """`file:line:column: path: message`, without the parts that there are not."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


def dotted(path: Path) -> str:
    """The path as people write it: `spec.policies.1.use`."""
    return ".".join(str(part) for part in path)


def sentence(message: str, *, got: str = "", meant: str = "") -> str:
    """The message with what was found and what was probably meant."""
    found = f" (got {got})" if got else ""
    hint = f", did you mean {meant}?" if meant else ""
    return f"{message}{found}{hint}"


def closest(word: str, words: Iterable[str]) -> str:
    """The most similar of `words`, or nothing when none is similar. Case does not count."""
    known = {candidate.lower(): candidate for candidate in sorted(words, reverse=True)}
    found = get_close_matches(word[:SHOWN].lower(), sorted(known), n=1, cutoff=0.6)
    return known[found[0]] if found else ""


def shown(value: object) -> str:
    """A value as it stands in a fault: scalars as written in YAML, cut to a readable length."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            text = value if value.isprintable() else repr(value)
            return (text if len(text) <= SHOWN else f"{text[:SHOWN]}...") or "an empty text"
        case _:
            return str(value)[:SHOWN]
