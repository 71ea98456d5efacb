"""One bench by itself: `python -m tests.bench.NAME [--input PATH ...] [--json [PATH]]`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench.figures import Asked, Figure, as_json, as_table

SHARED = Path(__file__).resolve().parents[3] / "shared"
"""Recorded public data beside the checkout; it may be absent."""
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ecommerce"


def alone(bench: Callable[[Asked], Iterator[Figure]], arguments: Sequence[str]) -> int:
    """Measure one bench and tell: a table, or JSON on stdout or in a file."""
    parser = argparse.ArgumentParser(description=bench.__doc__)
    parser.add_argument("--input", type=Path, nargs="+", metavar="PATH", default=[])
    parser.add_argument("--seed", type=int, default=1, help="of drawn inputs (default: 1)")
    parser.add_argument(
        "--json", type=Path, nargs="?", const=Path("-"), metavar="PATH", help="- is stdout"
    )
    chosen = parser.parse_args(arguments)
    asked = Asked(example=EXAMPLE, seed=chosen.seed, inputs=tuple(chosen.input))
    figures = list(bench(asked))
    if chosen.json == Path("-"):
        print(as_json(figures))
        return 0
    if chosen.json:
        chosen.json.write_text(as_json(figures) + "\n", encoding="utf-8")
    print(as_table(figures))
    return 0


def recorded(asked: Asked, *parts: str) -> tuple[Path, ...]:
    """The files asked for, else those of the shared data that match the last part.

    Of a folder that is asked for, those in it that match. Without any the bench has nothing to
    run on: it says so on stderr and has no figures.
    """
    if asked.inputs:
        return tuple(
            file
            for path in asked.inputs
            for file in (sorted(path.glob(parts[-1])) if path.is_dir() else [path])
        )
    folder = SHARED.joinpath(*parts[:-1])
    found = tuple(sorted(folder.glob(parts[-1])))
    if not found:
        print(f"skipped: no {parts[-1]} in {folder}", file=sys.stderr)
    return found
