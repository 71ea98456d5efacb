"""`tidegate replay`: a recorded tick gives the same plan again."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.program import EXAMPLES, RECORDED, as_process, tidegate


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a short simulated run."""
    path = tmp_path_factory.mktemp("run") / "ticks.db"
    answer = tidegate(
        "run", "-f", RECORDED, "--hours", "0.1", "--no-baselines", "--journal", path, "-o", "json"
    )
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout), "the summary is all there is on stdout"
    return path


@pytest.mark.parametrize("tick", ["1", "7", "20"])
def test_a_tick_gives_the_same_plan_again(tick: str, journal: Path) -> None:
    answer = tidegate("replay", tick, "--journal", journal)
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == f"tick {tick}: the same plan, byte for byte\n"
    assert "Pools" in answer.stdout


def test_a_turn_that_moved_traffic_alone_gives_the_same_split_again(tmp_path: Path) -> None:
    documents, path = tmp_path / "documents", tmp_path / "ticks.db"
    shutil.copytree(RECORDED, documents)
    (documents / "pace.yaml").write_text(
        "apiVersion: tidegate.io/v1alpha1\nkind: Policy\nmetadata: {name: pace}\n"
        "spec: {loop: {every: 2m, sharesEvery: 40s}}\n"
    )
    answer = tidegate(
        "run", "-f", documents, "--hours", "0.1", "--no-baselines", "--journal", path, "-o", "json"
    )
    assert answer.exit_code == 0, answer.output
    solvers = set()
    for tick in ("1", "2", "3", "4"):
        again = tidegate("replay", tick, "--journal", path, "-o", "json")
        assert again.stderr == f"tick {tick}: the same plan, byte for byte\n"
        solvers.add(json.loads(again.stdout)["proof"]["solver"])
    assert solvers == {"highs", "traffic"}


def test_without_a_number_the_last_tick_is_computed_again(journal: Path) -> None:
    answer = tidegate("replay", "--journal", journal, "-o", "json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["proof"]
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
        (last,) = db.execute("SELECT max(tick) FROM ticks").fetchone()
    db.close()
    assert answer.stderr.startswith(f"tick {last}: ")


def test_another_plan_than_was_recorded_is_an_error(journal: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(journal.read_bytes())
    db = sqlite3.connect(other)
    db.execute("UPDATE ticks SET plan = (SELECT plan FROM ticks WHERE tick = 1) WHERE tick = 20")
    db.commit()
    db.close()
    answer = tidegate("replay", "20", "--journal", other)
    assert answer.exit_code == 1
    assert "ANOTHER plan" in answer.stderr


def test_a_tick_that_is_not_there_is_told_with_those_that_are(journal: Path) -> None:
    answer = tidegate("replay", "99999", "--journal", journal)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "holds ticks 1 to " in answer.stderr


def test_a_file_that_is_no_journal_ends_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(b"time,signal,subject,value\n" * 100)
    answer = tidegate("replay", "--journal", path)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "not a database" in answer.stderr


def test_a_journal_that_is_not_there_ends_with_a_word(tmp_path: Path) -> None:
    answer = tidegate("replay", "--journal", tmp_path / "none.db")
    assert answer.exit_code == 1
    assert "does not exist" in answer.stderr
    assert not (tmp_path / "none.db").exists()


def test_a_policy_from_outside_the_tree_is_found_beside_its_documents(tmp_path: Path) -> None:
    own, path = EXAMPLES / "own-policy", tmp_path / "ticks.db"
    assert tidegate("run", "--once", "-f", own, "--journal", path).exit_code == 0
    lost = as_process("replay", "--journal", path)
    assert (lost.returncode, lost.stdout) == (1, "")
    assert "green_policy" in lost.stderr
    assert "with -f" in lost.stderr
    found = as_process("replay", "--journal", path, "-f", own)
    assert found.returncode == 0, found.stderr
