"""`tidegate plan --what-if` and `--next-best`: every kind of question, every form, every fault."""

import json
from typing import Any

import pytest
import yaml

from scheduler.render.paper import cells
from tests.cli.program import MINIMAL, RECORDED, as_process, tidegate

SUPPOSED = (
    "pools.cloud-t4-spot.price=0.1x",
    "pools.home-t4.max=+2",
    "pools.cloud-t4.soldOut=true",
    "clusters.home.lost=true",
    "services.*.load=2x",
    "services.search.load=2500/s",
    "services.search.objective=21ms",
    "budget=2",
)


def asked(*suppositions: str, form: str = "json") -> dict[str, Any]:
    options = [word for text in suppositions for word in ("--what-if", text)]
    answer = tidegate("plan", "-f", RECORDED, "-o", form, *options)
    assert answer.exit_code == 0, answer.output
    found: dict[str, Any] = (json.loads if form == "json" else yaml.safe_load)(answer.stdout)
    return found


@pytest.mark.parametrize("text", SUPPOSED)
def test_every_kind_of_question_is_answered_with_a_difference(text: str) -> None:
    today = json.loads(tidegate("plan", "-f", RECORDED, "-o", "json").stdout)
    found = asked(text)
    assert not found["same"]
    assert found["today"]["usd_per_hour"] == pytest.approx(today["proof"]["objective"])
    bill = {line["policy"]: line for line in found["bill"]}
    assert sum(line["then"] for line in bill.values()) == pytest.approx(
        found["then"]["usd_per_hour"]
    )
    nodes = {line["pool"]: line["after"] for line in today["pools"]}
    for line in found["pools"]:
        assert line["today"] == nodes[line["pool"]]


def test_questions_asked_together_are_one_world() -> None:
    both = asked("clusters.cloud.lost=true", "services.search.load=2x")
    assert [text.partition(":")[0] for text in both["supposed"]] == [
        "cloud is lost",
        "load of search",
    ]
    assert both["missing"]
    assert all(line["then"] == 0 for line in both["pools"] if line["cluster"] == "cloud")


def test_a_question_that_changes_nothing_says_so() -> None:
    answer = tidegate("plan", "-f", RECORDED, "--what-if", "pools.cloud-t4.price=1.001x")
    assert answer.exit_code == 0
    assert "the plan would be the same" in answer.stdout


def test_json_and_yaml_say_the_same() -> None:
    assert asked("services.*.load=2x") == asked("services.*.load=2x", form="yaml")


@pytest.mark.parametrize("form", ["table", "wide"])
def test_the_page_fits_a_hundred_columns(form: str) -> None:
    answer = tidegate(
        "plan", "-f", RECORDED, "-o", form, "--what-if", "services.*.load=3x",
        "--what-if", "clusters.home.lost=true",
    )  # fmt: skip
    assert answer.exit_code == 0
    assert max(map(cells, answer.stdout.splitlines())) <= 100
    assert answer.stdout.startswith("What if  load of recommendations: ")


def test_the_detailed_exit_code_tells_whether_the_plan_would_be_another() -> None:
    other = ("plan", "-f", RECORDED, "--detailed-exitcode", "--what-if")
    assert tidegate(*other, "services.*.load=2x").exit_code == 2
    assert tidegate(*other, "pools.cloud-t4.price=1.001x").exit_code == 0
    assert tidegate(*other, "pools.cloud-t4.price=cheap").exit_code == 1


def test_all_faults_are_told_at_once_and_nothing_is_planned() -> None:
    answer = tidegate(
        "plan", "-f", RECORDED, "--what-if", "pools.cloud-t5.prize=1.2x", "--what-if", "budget=x",
    )  # fmt: skip
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.count("--what-if ") == 3
    assert "did you mean cloud-t4?" in answer.stderr
    assert "did you mean price?" in answer.stderr


def test_the_next_best_plan_is_printed_on_request() -> None:
    answer = tidegate("plan", "-f", RECORDED, "--next-best")
    assert answer.exit_code == 0, answer.output
    assert "Next best\n  without " in answer.stdout
    assert "USD/h more, proven at least" in answer.stdout
    machine = json.loads(tidegate("plan", "-f", RECORDED, "--next-best", "-o", "json").stdout)
    best = machine["next_best"]
    assert 0.0 <= best["least_extra_usd_per_hour"] <= best["extra_usd_per_hour"]
    assert "next_best" not in json.loads(tidegate("plan", "-f", RECORDED, "-o", "json").stdout)


def test_the_next_best_plan_is_of_today_only() -> None:
    answer = tidegate("plan", "--next-best", "--what-if", "budget=1")
    assert answer.exit_code == 1
    assert "--next-best is about today's plan" in answer.stderr


def test_a_question_is_answered_in_a_process_of_its_own() -> None:
    answer = as_process("plan", "-f", MINIMAL, "--what-if", "services.ranking.load=2x")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "load of ranking" in answer.stdout
