"""The program as a process: its streams, its colours, its way with a closed pipe."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import MINIMAL, PROGRAM, a_folder, as_process, policy


def test_results_are_pure_json_on_stdout_and_logs_are_on_stderr(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "load.csv").write_text("time,signal,subject,value\nnever,load_rps,ranking,1\n")
    answer = as_process(
        "plan",
        "-f",
        folder,
        "--at",
        "2026-11-11T12:00:00Z",
        "-o",
        "json",
        env={"LOG_LEVEL": "DEBUG"},
    )
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["services"][0]["freshness"] == "unknown"
    assert "source.failed" in answer.stderr
    assert all(json.loads(line)["event"] for line in answer.stderr.splitlines())


def test_a_solver_that_prints_cannot_spoil_the_result(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, policy=policy("{solver: {use: PULP_CBC_CMD}}"))
    answer = as_process("plan", "-f", folder, "-o", "json")
    assert json.loads(answer.stdout)["proof"]["solver"] == "PULP_CBC_CMD", answer.stderr
    assert "\x1b[" not in answer.stdout, "a pipe gets no colour"


@pytest.mark.parametrize(("env", "painted"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(env: dict[str, str], painted: bool) -> None:
    text = _on_a_terminal(["plan", "-f", str(MINIMAL)], {"TERM": "xterm", **env})
    assert "ranking" in text
    assert ("\x1b[" in text) is painted


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{PROGRAM} schema | head -c 1"
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=60, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, b"{", b"")


def test_an_unknown_log_level_is_told_in_one_line() -> None:
    answer = as_process("plan", "-f", MINIMAL, env={"LOG_LEVEL": "loud"})
    assert answer.returncode == 1
    assert answer.stderr.startswith("tidegate: LOG_LEVEL=LOUD: use one of")


def _on_a_terminal(arguments: list[str], env: dict[str, str]) -> str:
    own, others = pty.openpty()
    wanted = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [str(PROGRAM), *arguments], stdin=others, stdout=others, stderr=others, env=wanted | env
    ) as process:
        os.close(others)
        text = b""
        while chunk := _read(own):
            text += chunk
        process.wait(timeout=60)
    os.close(own)
    return text.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        # How a terminal says that nobody writes to it any more.
        return b""
