"""`tidegate plan --write-lp`: the file is the plan's own model, for any solver."""

import json
from pathlib import Path

import pytest

from tests.cli.program import MINIMAL, RECORDED, a_folder, tidegate
from tests.solve.reading import optimum


@pytest.mark.parametrize("name", ["model.lp", "model.mps", "model.MPS", "model"])
def test_the_optimum_of_the_file_lies_between_the_plans_bound_and_its_cost(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    answer = tidegate("plan", "-f", RECORDED, "-o", "json", "--write-lp", path)
    assert answer.exit_code == 0, answer.output
    proof = json.loads(answer.stdout)["proof"]
    readable = path if path.suffix else path.rename(tmp_path / "renamed.lp")
    found = optimum(readable)
    assert found is not None
    assert proof["bound"] - 1e-6 <= found <= proof["objective"] + 1e-6


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    for name, start in (("a.lp", "\\ Tidegate"), ("a.mps", "* Tidegate"), ("a.txt", "\\ Tidegate")):
        assert tidegate("plan", "-f", MINIMAL, "--write-lp", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_the_file_names_pools_workloads_policies_and_rules_in_words(tmp_path: Path) -> None:
    path = tmp_path / "model.lp"
    tidegate("plan", "-f", RECORDED, "--write-lp", path)
    text = path.read_text(encoding="utf-8")
    assert "nodes_cloud_t4_spot" in text
    assert "units_search_home_t4" in text
    assert "\\ search carries its load\n unmet_load_1:" in text


def test_the_plan_is_the_same_with_and_without_the_file(tmp_path: Path) -> None:
    plain = tidegate("plan", "-f", MINIMAL, "-o", "json")
    beside = tidegate("plan", "-f", MINIMAL, "-o", "json", "--write-lp", tmp_path / "m.lp")
    assert beside.stdout == plain.stdout
    assert beside.stderr == ""


def test_equal_documents_give_equal_files(tmp_path: Path) -> None:
    texts = []
    for name in ("one.lp", "two.lp"):
        tidegate("plan", "-f", RECORDED, "--write-lp", tmp_path / name)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_urgent_work_that_the_plan_misses_is_held_in_the_file(tmp_path: Path) -> None:
    """One replica may run, and does not carry the load: what it leaves is all that may miss."""
    fleet = a_folder(tmp_path) / "fleet.yaml"
    text = fleet.read_text(encoding="utf-8").replace("max: 8}", "max: 1}\n  priority: critical")
    fleet.write_text(text.replace("limit: 619/s", "limit: 61/s"), encoding="utf-8")
    path = tmp_path / "model.lp"
    answer = tidegate("plan", "-f", tmp_path, "-o", "json", "--write-lp", path)
    assert answer.exit_code == 0, answer.output
    (missing,) = json.loads(answer.stdout)["missing"]
    factor, _, _, limit = path.read_text(encoding="utf-8").partition("tier_0: ")[2].split()[:4]
    assert float(limit) / float(factor) == pytest.approx(missing["amount"], rel=1e-3)
    assert optimum(path) is not None


@pytest.mark.parametrize("where", ["nowhere/model.lp", "."])
def test_a_file_that_cannot_be_written_is_an_error(where: str, tmp_path: Path) -> None:
    answer = tidegate("plan", "-f", MINIMAL, "--write-lp", tmp_path / where)
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert str(tmp_path) in answer.stderr


def test_what_if_and_the_file_are_not_asked_for_together(tmp_path: Path) -> None:
    answer = tidegate(
        "plan", "-f", MINIMAL, "--what-if", "services.*.load=2x", "--write-lp", tmp_path / "m.lp"
    )
    assert answer.exit_code == 1
    assert "--write-lp is about today's plan" in answer.stderr
    assert not (tmp_path / "m.lp").exists()
