"""The program as its users call it: in this process, or as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from scheduler.cli.main import cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MINIMAL = EXAMPLES / "minimal"
RECORDED = EXAMPLES / "recorded-signals"
PROGRAM = Path(sys.executable).with_name("tidegate")


def tidegate(*arguments: str | int | Path) -> Result:
    """One command in this process; stdout and stderr apart."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def as_process(
    *arguments: str | Path, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """One command as a process."""
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
        cwd=folder,
    )


def a_folder(folder: Path, *, without: str = "", **files: str) -> Path:
    """The minimal example's documents in a folder of their own, some texts replaced.

    `files` are added by name, with `.yaml` behind it; `without` is a text that is left out.
    """
    for path in MINIMAL.glob("*.*"):
        if path.suffix in (".yaml", ".csv"):
            text = path.read_text(encoding="utf-8")
            (folder / path.name).write_text(text.replace(without, "") if without else text)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def policy(spec: str) -> str:
    """A Policy document with this spec."""
    return (
        f"apiVersion: tidegate.io/v1alpha1\nkind: Policy\nmetadata: {{name: test}}\nspec: {spec}\n"
    )
