"""Malformed and hostile documents: located faults and exit code 1, never a traceback."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import RECORDED, a_folder, policy, tidegate

PLACE = re.compile(r"^\S+:\d+:\d+: ", re.MULTILINE)
HEAD = "apiVersion: tidegate.io/v1alpha1\n"

Make = Callable[[Path], Path]


def _file(content: str | bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "bad.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def _bomb(_: Path) -> str:
    levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(levels) + "\n"


def _huge(folder: Path) -> Path:
    path = folder / "huge.yaml"
    with path.open("wb") as file:
        # Sparse: a hundred megabytes that take no room.
        file.truncate(100 * 2**20)
    return path


def _empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.yaml")
    return folder / "pipe.yaml"


def _folder_named_as_a_file(folder: Path) -> Path:
    (folder / "trap.yaml").mkdir()
    return folder / "trap.yaml"


BAD: dict[str, Make] = {
    "broken YAML": _file(HEAD + "kind: Cluster\nmetadata: {name: [\n"),
    "a tab": _file(HEAD + "kind: Cluster\n\tmetadata: {name: x}\n"),
    "not UTF-8": _file(HEAD.encode() + b"kind: Cl\xff\xfester\n"),
    "a zero byte": _file(HEAD.encode() + b"kind: \x00\n"),
    "no document": _file(""),
    "only a comment": _file("# nothing\n"),
    "a list": _file("- 1\n- 2\n"),
    "a number": _file("42\n"),
    "an object tag": _file(HEAD + "kind: !!python/object/apply:os.system ['true']\n"),
    "an alias bomb": lambda folder: _file(_bomb(folder))(folder),
    "deep nesting": _file("a: " + "[" * 5000 + "]" * 5000 + "\n"),
    "a duplicate key": _file(HEAD + "kind: Cluster\nkind: Cluster\n"),
    "an unknown kind": _file(HEAD + "kind: Clutser\nmetadata: {name: x}\nspec: {}\n"),
    "wrong types": _file(HEAD + "kind: Cluster\nmetadata: [x]\nspec: 7\n"),
    "no name": _file(HEAD + "kind: Cluster\nmetadata: {}\nspec: {exposure: private}\n"),
    "another version": _file("apiVersion: v2\nkind: Cluster\nmetadata: {name: x}\nspec: {}\n"),
    "a huge file": _huge,
    "an empty folder": _empty_folder,
    "a missing file": lambda folder: folder / "missing.yaml",
    "a pipe": _pipe,
    "a folder named as a file": _folder_named_as_a_file,
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_it_ends_in_located_faults(make: Make, tmp_path: Path) -> None:
    answer = tidegate("check", "-f", make(tmp_path))
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert PLACE.search(answer.stdout), answer.stdout


@pytest.mark.parametrize("command", [("plan",), ("run",), ("run", "--once"), ("explain", "x")])
def test_the_other_commands_tell_the_same_faults_on_stderr(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    path = BAD["broken YAML"](tmp_path)
    answer = tidegate(*command, "-f", path)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr == tidegate("check", "-f", path).stdout


@pytest.mark.parametrize(
    "price", [".nan USD/h", "nan USD/h", "-3 USD/h", "inf USD/h", "1e999 USD/h", "3 EUR/h", "3"]
)
def test_a_price_that_is_none_is_refused(price: str, tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    text = (folder / "fleet.yaml").read_text(encoding="utf-8")
    (folder / "fleet.yaml").write_text(text.replace("1.30 USD/h", price), encoding="utf-8")
    answer = tidegate("check", "-f", folder)
    assert answer.exit_code == 1
    assert "fleet.yaml" in answer.stdout
    assert "spec.price" in answer.stdout


def test_a_broken_table_of_signals_is_told_with_its_line(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "load.csv").write_text("time,signal,subject,value\nnever,load_rps,x,1\n")
    answer = tidegate("plan", "-f", folder)
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert "load.csv:2: " in answer.stderr


def test_a_simulated_day_without_its_table_ends_with_a_word(tmp_path: Path) -> None:
    for path in RECORDED.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "signals.csv").write_bytes(b"\xff\xfe")
    answer = tidegate("run", "-f", tmp_path, "--no-baselines")
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert "signals.csv:1: " in answer.stderr


def test_a_policy_module_that_breaks_on_import_is_a_fault(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, policy=policy("{policies: [{use: bad_on_import:Mine}]}"))
    (folder / "bad_on_import.py").write_text("raise RuntimeError('not today')\n")
    answer = tidegate("check", "-f", folder)
    assert answer.exit_code == 1
    assert PLACE.search(answer.stdout)
    assert "not today" in answer.stdout


CONTRADICTION = """
import numpy as np
from dataclasses import dataclass
from typing import ClassVar
from scheduler.model.policy import Contribution, at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    name: ClassVar[str] = "mine"

    def contribute(self, board):
        total = board.nodes @ np.ones(len(board.pools.names))
        return Contribution(rules=(at_least("more", total, np.array([1e6]), words=str),))
"""


@pytest.mark.parametrize("command", [("plan",), ("run", "--once"), ("explain", "ranking")])
def test_rules_that_contradict_each_other_end_with_a_word(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, policy=policy("{policies: [{use: contradiction:Mine}]}"))
    (folder / "contradiction.py").write_text(CONTRADICTION, encoding="utf-8")
    answer = tidegate(*command, "-f", folder)
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert "contradict" in answer.stderr
