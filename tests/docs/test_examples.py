"""The examples of the documentation that are marked runnable do what they say."""

import doctest
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from scheduler.app.tables import load_documents
from scheduler.cli.main import cli
from tests.docs.pages import OURS, ROOT, Example, examples

CONSOLES = [item for page in OURS for item in examples(page, "console")]
POLICIES = [item for page in OURS for item in examples(page, "yaml") if "kind: Policy" in item.text]
FLEETS = [page for page in OURS if any("kind: Cluster" in e.text for e in examples(page, "yaml"))]
STAND_IN = ROOT / "examples" / "recorded-signals"
"""The fleet of pages that show policies only."""


@dataclass(frozen=True)
class Command:
    """A command line, and the output that the page shows for it."""

    line: str
    shown: str


def commands(text: str) -> list[Command]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [Command(*part.split("\n", 1)) for part in parts]


def tidegate(line: str):
    name, *arguments = shlex.split(line)
    assert name == "tidegate", f"only tidegate is run here, not {name}"
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def page_folder(page: Path, folder: Path) -> None:
    """The fleet and the Python of a page, as files of a folder."""
    fleet = [e.text for e in examples(page, "yaml") if "kind: Policy" not in e.text]
    if fleet:
        (folder / "fleet.yaml").write_text("---\n".join(fleet))
    else:
        shutil.copytree(STAND_IN, folder, dirs_exist_ok=True)
    for example in examples(page, "python"):
        name = example.text.partition("\n")[0].removeprefix("# ")
        (folder / name).write_text(example.text)


@pytest.mark.parametrize("example", CONSOLES, ids=str)
def test_a_console_prints_what_the_page_shows(example: Example, tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    code = 0
    lines = commands(example.text)
    for at, command in enumerate(lines):
        if command.line == "echo $?":
            assert command.shown.strip() == str(code), lines[at - 1].line
            continue
        result = tidegate(command.line)
        code = result.exit_code
        judged = at + 1 < len(lines) and lines[at + 1].line == "echo $?"
        assert judged or code == 0, f"{command.line}: {result.output}"
        fits = doctest.OutputChecker().check_output(command.shown, result.stdout, doctest.ELLIPSIS)
        assert fits or not command.shown, f"{example}: {command.line} prints\n{result.stdout}"


@pytest.mark.parametrize("page", FLEETS, ids=lambda page: page.name)
def test_the_documents_of_a_page_have_no_fault(page: Path, tmp_path):
    page_folder(page, tmp_path)
    assert load_documents([tmp_path]).faults == ()


@pytest.mark.parametrize("example", POLICIES, ids=str)
def test_a_policy_of_a_page_makes_a_plan(example: Example, tmp_path):
    page_folder(example.page, tmp_path)
    (tmp_path / "policy.yaml").write_text(example.text)
    result = tidegate(f"tidegate plan -f {tmp_path}")
    assert result.exit_code == 0, result.output
