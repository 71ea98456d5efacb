"""Golden files: the exact text of an answer, kept under `tests/golden/render`."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden" / "render"
REWRITE = "TIDEGATE_REWRITE_GOLDEN"
"""Set to anything, the files are written anew instead of compared. Read the diff."""


def check_golden(name: str, text: str) -> None:
    file = FOLDER / name
    if os.environ.get(REWRITE):
        file.write_text(f"{text}\n", encoding="utf-8")
    assert file.exists(), f"no golden {name}: set {REWRITE}=1 once, and read what is written"
    assert f"{text}\n" == file.read_text(encoding="utf-8"), (
        f"{name} differs: if it should, set {REWRITE}=1 and read the diff"
    )
