"""The daemon against real time: its pages, a changed policy, SIGTERM, and its journal."""

import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.app.process import running
from tests.cli.program import a_folder, policy, tidegate


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The minimal example in a folder of its own."""
    return a_folder(tmp_path)


def test_it_serves_its_pages_ends_in_order_on_sigterm_and_counts_on(
    shop: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "ticks.db"
    with running(shop, "--journal", str(journal)) as daemon:
        assert daemon.ask("/healthz").status_code == 200
        assert daemon.told("tick.done")["not_accepted"] == 0
        ready = daemon.ask("/readyz")
        assert (ready.status_code, ready.text) == (200, "ok\n")
        families = {one.name for one in text_string_to_metric_families(daemon.ask("/metrics").text)}
        assert {"tidegate_plan_usd_per_hour", "tidegate_tick_phase_seconds"} <= families
        assert daemon.ask("/status").json()["ready"] is True
        start = time.monotonic()
        assert daemon.ended(signal.SIGTERM) == 0
        assert time.monotonic() - start < 10.0
    with closing(sqlite3.connect(journal)) as db:
        assert db.execute("SELECT min(tick), max(tick) FROM ticks").fetchone() == (1, 1)
    assert tidegate("replay", "1", "--journal", journal).exit_code == 0
    with running(shop, "--journal", str(journal)) as daemon:
        assert daemon.told("tick.done")["cycle"] == 2
        assert daemon.ended(signal.SIGINT) == 0


def test_a_changed_policy_is_in_force_within_two_seconds(shop: Path, tmp_path: Path) -> None:
    with running(shop) as daemon:
        daemon.told("tick.done")
        start = time.monotonic()
        (shop / "policy.yaml").write_text(policy("{preset: cost-first}"), encoding="utf-8")
        daemon.told("documents.adopted")
        assert daemon.told("tick.done")["cycle"] == 2
        # The promise is two seconds; the rest is for a machine that is busy with other things.
        assert time.monotonic() - start < 5.0
        (shop / "policy.yaml").write_text(policy("{preset: cost-frist}"), encoding="utf-8")
        refused = daemon.told("documents.refused")
        assert any("did you mean cost-first" in fault for fault in refused["faults"])
        assert daemon.told("tick.done")["cycle"] == 3
        assert "cost-frist" in daemon.ask("/status").json()["faults"][0]
        assert daemon.ask("/readyz").status_code == 200


def test_a_port_in_use_is_told_in_one_line(shop: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = tidegate("run", "-f", shop, "--port", port)
    assert answer.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in answer.stderr
    assert "choose another port" in answer.stderr
