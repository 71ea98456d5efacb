"""Lines of inked words: measuring, cutting, wrapping and painting text for a terminal or a pipe."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from rich.cells import cell_len

ELLIPSIS = "…"


class Output(StrEnum):
    """The forms in which an answer can be asked for."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


class Ink(StrEnum):
    """A colour by its meaning; the value is the terminal's code. Colour is never the only sign."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    ADD = "32"
    CHANGE = "33"
    RELEASE = "31"
    ALARM = "1;31"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text in one ink."""

    text: str
    ink: Ink = Ink.PLAIN


Line = tuple[Word, ...]
"""One line of the page. An empty tuple is an empty line."""


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colour is for terminals, unless NO_COLOR is set to anything or the terminal is dumb."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(lines: Iterable[Line], *, colour: bool) -> str:
    """The page as text: no blanks at line ends, no final line break, codes only with colour."""
    return "\n".join(_paint_line(line, colour) for line in lines)


def _paint_line(line: Line, colour: bool) -> str:
    if not colour:
        return "".join(word.text for word in line).rstrip()
    words = list(line)
    while words and not words[-1].text.strip():
        words.pop()
    if words:
        words[-1] = Word(words[-1].text.rstrip(), words[-1].ink)
    return "".join(_inked(word) for word in words)


def _inked(word: Word) -> str:
    if word.ink is Ink.PLAIN or not word.text.strip():
        return word.text
    return f"\x1b[{word.ink.value}m{word.text}\x1b[0m"


def clean(text: str) -> str:
    """Text without control characters: a name must not be able to steer the terminal."""
    if text.isprintable():
        return text
    return "".join(_safe(char) for char in text)


def _safe(char: str) -> str:
    if char.isspace():
        return " "
    return char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"


def cells(text: str) -> int:
    """Columns that the text takes in a terminal: wide characters take two."""
    return cell_len(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled up with blanks to a width in cells."""
    blanks = " " * max(0, width - cells(text))
    return blanks + text if right else text + blanks


def cut(text: str, width: int) -> str:
    """At most `width` cells, the end left out behind an ellipsis, never inside a number."""
    if cells(text) <= width:
        return text
    kept = _head(text, width - 1)
    blank = text.rfind(" ", 0, kept + 1)
    if blank > kept // 2:
        kept = blank
    return text[:kept].rstrip() + ELLIPSIS


def cut_name(name: str, width: int) -> str:
    """At most `width` cells, the middle left out: names differ at both ends."""
    if cells(name) <= width:
        return name
    front = name[: _head(name, width // 2)]
    back = name[len(name) - _tail(name, width - 1 - cells(front)) :]
    return f"{front}{ELLIPSIS}{back}"


def without(text: str, said: str) -> str:
    """The text less what was already said above it."""
    return text.replace(said, "").strip(" ;:,") if said else text


def wrap(text: str, width: int, *, at_most: int | None = None) -> list[str]:
    """Lines of at most `width` cells, broken at blanks; what exceeds `at_most` lines is cut."""
    lines = list(_wrapped(_unparted(text.split()), width)) or [""]
    if at_most is None or len(lines) <= at_most:
        return lines
    rest = " ".join(lines[at_most - 1 :])
    return [*lines[: at_most - 1], cut(rest, width)]


def _unparted(words: Iterable[str]) -> list[str]:
    """Words, a figure and its per cent sign as one."""
    joined: list[str] = []
    for word in words:
        if word.startswith("%") and joined and joined[-1][-1].isdigit():
            joined[-1] = f"{joined[-1]} {word}"
        else:
            joined.append(word)
    return joined


def _wrapped(words: Iterable[str], width: int) -> Iterator[str]:
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = cut(word, width)
    if line:
        yield line


def _head(text: str, width: int) -> int:
    """How many characters fit into `width` cells without ending inside a number."""
    kept = bisect_right(range(1, len(text) + 1), max(width, 0), key=lambda n: cells(text[:n]))
    while 0 < kept < len(text) and _in_number(text, kept):
        kept -= 1
    return kept


def _tail(text: str, width: int) -> int:
    """The same from the end of the text."""
    size = len(text)
    kept = bisect_right(range(1, size + 1), max(width, 0), key=lambda n: cells(text[size - n :]))
    while 0 < kept < size and _in_number(text, size - kept):
        kept -= 1
    return kept


def _in_number(text: str, at: int) -> bool:
    """Whether a cut before `at` would part one number: digits with points and commas in them."""
    before, after = text[at - 1], text[at]
    if after.isdigit():
        return before.isdigit() or (before in ".," and at > 1 and text[at - 2].isdigit())
    return before.isdigit() and after in ".," and text[at + 1 : at + 2].isdigit()
