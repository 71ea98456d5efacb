"""`tidegate plan`: every form of the output, the exit codes, and that nothing is touched."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.base import Refused, Scale
from adapters.decorators import ReadOnly, Recording
from scheduler.app.dry import FixedClock, dry_run, instant_of
from scheduler.app.live import Doors, run_once
from scheduler.app.standing import own_sites
from scheduler.app.tables import example_folder, load_documents
from scheduler.config import Declared
from scheduler.domain.names import ActionKey, Instant
from scheduler.runtime.codec import actions_json, held_json, plan_json
from tests.cli.program import EXAMPLES, MINIMAL, RECORDED, a_folder, policy, tidegate

AT = "2026-11-11T12:02:00Z"


def _declared(*paths: Path) -> Declared:
    declared = load_documents(paths).declared
    assert declared is not None
    return declared


def _sites(declared: Declared, at: Instant) -> Sequence[Recording]:
    return [Recording(site) for site in own_sites(declared, FixedClock(at))]


def test_the_table_tells_nodes_pods_bill_gap_and_reasons() -> None:
    answer = tidegate("plan", "-f", RECORDED)
    assert answer.exit_code == 0, answer.output
    for said in ("Pools", "Workloads", "USD/h", "Bill by policy", "prove", "Actions, in order"):
        assert said in answer.stdout, said
    assert answer.stderr == ""


def test_wide_says_more_than_the_table() -> None:
    narrow, wide = (tidegate("plan", "-f", RECORDED, "-o", form) for form in ("table", "wide"))
    assert "on-demand" in wide.stdout
    assert len(wide.stdout) > len(narrow.stdout)


def test_json_and_yaml_say_the_same() -> None:
    as_json = json.loads(tidegate("plan", "-f", RECORDED, "-o", "json").stdout)
    as_yaml = yaml.safe_load(tidegate("plan", "-f", RECORDED, "-o", "yaml").stdout)
    assert as_json == as_yaml
    assert as_json["usd_per_hour_after"] > 0.0
    assert {line["policy"] for line in as_json["bill"]} >= {"cost", "unmet"}
    assert as_json["actions"]["allowed"]


def test_the_same_documents_give_the_same_bytes() -> None:
    first, second = (tidegate("plan", "-f", RECORDED, "-o", "json").stdout for _ in range(2))
    assert first == second


def test_the_detailed_exit_code_is_2_where_something_would_change() -> None:
    assert tidegate("plan", "-f", MINIMAL, "--detailed-exitcode").exit_code == 2
    assert tidegate("plan", "-f", MINIMAL).exit_code == 0


def test_the_detailed_exit_code_is_0_once_the_plan_is_carried_out(tmp_path: Path) -> None:
    folder = _with_memory(tmp_path)
    told = tidegate("run", "-f", folder, "--once", "--at", AT)
    assert (told.exit_code, "ranking" in told.stdout) == (0, True), told.output
    answer = tidegate("plan", "-f", folder, "--detailed-exitcode")
    assert answer.exit_code == 0, answer.output
    assert "Actions  none" in answer.stdout


@pytest.mark.parametrize(
    "wrong", [("-f", "nowhere"), ("--at", "yesterday"), ("-o", "xml"), ("--colour",)]
)
def test_the_detailed_exit_code_is_1_on_an_error(wrong: tuple[str, ...]) -> None:
    assert tidegate("plan", "--detailed-exitcode", *wrong).exit_code == 1


def test_a_plan_as_of_another_instant_sees_the_load_of_that_time() -> None:
    rps = [
        json.loads(tidegate("plan", "-f", RECORDED, "--at", at, "-o", "json").stdout)
        for at in ("2026-11-11T18:01:00Z", "2026-11-11T18:10:00Z")
    ]
    early, late = ({line["service"]: line["rps"] for line in plan["services"]} for plan in rps)
    assert early["search"] < late["search"]


def test_a_plan_gives_no_order_to_any_site() -> None:
    for folder in (MINIMAL, RECORDED, EXAMPLES / "two-tasks", example_folder()):
        declared = _declared(folder)
        at = instant_of(declared)
        sites = _sites(declared, at)
        found = asyncio.run(dry_run(declared, at, adapters=sites))
        assert found.guarded.allowed, folder.name
        for site in sites:
            assert site.orders == ()
            assert site.calls, "it was looked at"


def test_an_order_sent_by_mistake_in_a_dry_run_is_refused() -> None:
    declared = _declared(MINIMAL)
    at = instant_of(declared)
    recording = _sites(declared, at)[0]
    order = Scale(key=ActionKey("k"), pool=next(iter(declared.fleet.pools)), nodes=2)
    with pytest.raises(Refused):
        asyncio.run(ReadOnly(recording).scale(order))
    assert recording.orders == ()


@pytest.mark.parametrize(
    "folder", [MINIMAL, RECORDED, EXAMPLES / "two-tasks"], ids=lambda p: p.name
)
def test_the_plan_equals_what_a_run_would_do_byte_for_byte(folder: Path) -> None:
    declared = _declared(folder)
    at = Instant(datetime(2026, 11, 11, 18, 5, tzinfo=UTC).timestamp())
    thought = asyncio.run(dry_run(declared, at))
    done = asyncio.run(run_once(declared, at, Doors()))
    assert plan_json(thought.plan) == plan_json(done.plan)
    assert actions_json(thought.guarded.allowed) == actions_json(done.guarded.allowed)
    assert held_json(thought.guarded.held) == held_json(done.guarded.held)
    assert [receipt.action for receipt in done.receipts] == list(done.guarded.allowed)


def test_planning_leaves_no_trace_on_disk(tmp_path: Path) -> None:
    folder = _with_memory(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    tidegate("plan", "-f", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_budget_in_yaml_changes_the_plan(tmp_path: Path) -> None:
    for path in RECORDED.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    free = json.loads(tidegate("plan", "-f", tmp_path, "-o", "json").stdout)
    (tmp_path / "policy.yaml").write_text(
        policy("{preset: balanced, policies: [{use: budget, usdPerHour: 4}]}"), encoding="utf-8"
    )
    capped = json.loads(tidegate("plan", "-f", tmp_path, "-o", "json").stdout)
    assert _rented(free) > 4.0 >= _rented(capped)
    assert capped["missing"], "what the budget leaves without a place is told"


def _rented(plan: dict[str, list[dict[str, Any]]]) -> float:
    return sum(
        float(line["after"] * line["usd_per_node_hour"])
        for line in plan["pools"]
        if line["contract"] != "owned"
    )


def _with_memory(folder: Path) -> Path:
    """The minimal example, whose site remembers on disk what it was told."""
    a_folder(folder)
    text = (folder / "fleet.yaml").read_text(encoding="utf-8")
    text = text.replace("{nodes: {gpus: 2}}", "{nodes: {gpus: 2}, state: site.json}")
    (folder / "fleet.yaml").write_text(text, encoding="utf-8")
    return folder
