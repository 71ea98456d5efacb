"""`tidegate explain`: why here, why not there, and what the next-best plan costs."""

import json
from pathlib import Path

from tests.cli.program import EXAMPLES, RECORDED, tidegate


def test_a_service_is_explained_option_by_option() -> None:
    answer = tidegate("explain", "recommendations", "-f", RECORDED, "-o", "json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert (told["subject"], told["kind"]) == ("recommendations", "service")
    verdicts = {line["pool"]: line["verdict"] for line in told["options"]}
    assert set(verdicts) == {"home-t4", "cloud-t4", "cloud-t4-spot"}
    assert "chosen" in verdicts.values()
    for line in told["options"]:
        assert line["because"]


def test_a_pool_is_explained() -> None:
    told = json.loads(tidegate("explain", "home-t4", "-f", RECORDED, "-o", "json").stdout)
    assert (told["subject"], told["kind"]) == ("home-t4", "pool")
    assert told["headline"]


def test_an_option_that_is_out_says_why_it_never_could_be(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text(
        "apiVersion: tidegate.io/v1alpha1\nkind: TrainingJob\nmetadata: {name: secret}\n"
        "spec:\n  dataClass: private\n  gang: {workers: 1}\n  speed: {T4: 1.0}\n"
        "  work: 4 GPUh\n  worker: {gpus: 4, gpuMemory: 12Gi, cpu: 8, memory: 32Gi}\n",
        encoding="utf-8",
    )
    answer = tidegate("explain", "secret", "-f", RECORDED, "-f", secret, "-o", "json")
    lines = {line["pool"]: line for line in json.loads(answer.stdout)["options"]}
    for pool in ("cloud-t4", "cloud-t4-spot"):
        assert lines[pool]["verdict"] == "excluded"
        assert "private data may not be in cloud" in lines[pool]["because"]


def test_an_option_that_is_too_dear_says_at_which_price_it_would_win() -> None:
    answer = tidegate("explain", "training", "-f", EXAMPLES / "own-policy", "-o", "json")
    told = json.loads(answer.stdout)
    loser = next(line for line in told["options"] if line["verdict"] == "possible")
    assert loser["extra_usd_per_hour"] > 0.0
    assert loser["price_to_win_usd_per_node_hour"] < 3.90
    assert told["next_best_extra_usd_per_hour"] > 0.0


def test_the_table_is_for_people() -> None:
    answer = tidegate("explain", "search", "-f", RECORDED)
    assert answer.exit_code == 0
    assert answer.stdout.startswith("search")
    assert "home-t4" in answer.stdout


def test_an_unknown_subject_is_told_with_what_was_probably_meant() -> None:
    answer = tidegate("explain", "serch", "-f", RECORDED)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "serch" in answer.stderr
    assert "search" in answer.stderr.replace("serch", "")
