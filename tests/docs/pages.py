"""The pages of the documentation, taken apart: examples, code, links, headings, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "docs").is_dir():
    pytest.skip("the documentation is not beside these tests", allow_module_level=True)

OURS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
ALL = (*OURS, ROOT / "deploy" / "README.md", *sorted((ROOT / "examples").rglob("*.md")))

_FENCE = re.compile(r"^```(\w*)( runnable)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A fenced example that is marked runnable."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def examples(page: Path, *languages: str) -> list[Example]:
    text = text_of(page)
    return [
        Example(page, text.count("\n", 0, found.start()) + 1, found[1], found[3])
        for found in _FENCE.finditer(text)
        if found[2] and found[1] in languages
    ]


def prose(page: Path) -> str:
    """The page without its fenced code."""
    return _FENCE.sub("", text_of(page))


def spans(page: Path) -> list[str]:
    """Inline code."""
    return _SPAN.findall(prose(page))


def lines_of_code(page: Path) -> Iterator[str]:
    """Inline code, and every line of fenced code."""
    yield from spans(page)
    for found in _FENCE.finditer(text_of(page)):
        yield from found[3].splitlines()


def links(page: Path) -> list[str]:
    return [target for target in _LINK.findall(prose(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """Headings as a reader's browser addresses them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(page)))
    return {heading.replace(" ", "-") for heading in plain}


def section(page: Path, heading: str) -> str:
    """What stands under a heading of the second level."""
    _, _, rest = text_of(page).partition(f"\n## {heading}\n")
    assert rest, f"{name_of(page)} has no section {heading}"
    return rest.partition("\n## ")[0]


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose first heading is `first`; the heading itself left out."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines, "")
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def table(text: str, first: str) -> dict[str, str]:
    """First cell, without its code marks, to second cell."""
    return {cells[0].strip("`"): cells[1] for cells in rows(text, first)}
