"""Replicas on the command line: what is refused, and that one alone loads nothing more."""

import subprocess
import sys
from pathlib import Path

from tests.cli.program import MINIMAL, as_process, tidegate


def test_a_single_tick_has_no_replicas() -> None:
    answer = tidegate("run", "-f", MINIMAL, "--once", "--home", "in-cluster")
    assert answer.exit_code == 1
    assert "--home is for a daemon that goes on" in answer.stderr


def test_a_simulated_day_has_no_replicas() -> None:
    answer = tidegate("run", "--hours", "1", "--no-baselines", "--home", "in-cluster")
    assert answer.exit_code == 1
    assert "leave out --home" in answer.stderr


def test_a_home_that_is_not_there_ends_it_and_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"KUBECONFIG": str(tmp_path / "none.yaml")}
    answer = as_process("run", "-f", MINIMAL, "--port", "0", "--home", "kind-dev", env=nowhere)
    assert answer.returncode == 1
    last = answer.stderr.splitlines()[-1]
    assert last.startswith("tidegate: --home kind-dev: ")
    assert "none.yaml" in last


def test_a_daemon_by_itself_does_not_load_the_client_of_kubernetes() -> None:
    code = "import scheduler.app.live, sys; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
