"""`tidegate check`: all faults at once, each at its place."""

import re
from pathlib import Path

import pytest

from tests.cli.program import EXAMPLES, MINIMAL, a_folder, policy, tidegate

PLACE = re.compile(r"^\S+:\d+:\d+: ")


@pytest.mark.parametrize(
    "example", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
)
def test_every_example_is_without_a_fault(example: str) -> None:
    answer = tidegate("check", "-f", EXAMPLES / example)
    assert (answer.exit_code, answer.stdout[:9]) == (0, "no faults"), answer.output


def test_without_a_path_the_embedded_example_is_checked() -> None:
    answer = tidegate("check")
    assert answer.exit_code == 0
    assert "the embedded example" in answer.stdout
    assert "clusters 4" in answer.stdout


def test_all_faults_are_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path,
        more=(
            "apiVersion: tidegate.io/v1alpha1\n"
            "kind: NodePool\n"
            "metadata: {name: other}\n"
            "spec:\n"
            "  cluster: home\n"
            "  gpu: {type: T4, count: 0, memory: 16Gi}\n"
            "  cpu: 48\n"
            "  memory: 192Gi\n"
            "  contract: owned\n"
            "  nodes: {max: 1}\n"
            "  price: -1 USD/h\n"
            "  colour: blue\n"
        ),
        data=(
            "apiVersion: tidegate.io/v1alpha1\n"
            "kind: Dataset\n"
            "metadata: {name: clicks}\n"
            "spec: {size: 2TB, homes: [hom]}\n"
        ),
        policy=policy("{policies: [{use: cots}]}"),
    )
    answer = tidegate("check", "-f", folder)
    lines = answer.stdout.splitlines()
    assert answer.exit_code == 1
    assert all(PLACE.match(line) for line in lines[:-1]), lines
    assert lines[-1] == f"{len(lines) - 1} faults"
    for said in ("did you mean home", "spec.gpu.count", "colour", "price", "did you mean cost"):
        assert said in answer.stdout, said


def test_documents_may_come_from_several_places(tmp_path: Path) -> None:
    extra = tmp_path / "policy.yaml"
    extra.write_text(policy("{preset: cost-first}"), encoding="utf-8")
    answer = tidegate("check", "-f", MINIMAL, "-f", extra)
    assert answer.exit_code == 0, answer.output
    assert "reserve" not in answer.stdout


def test_a_policy_from_outside_the_tree_lies_beside_its_documents() -> None:
    answer = tidegate("check", "-f", EXAMPLES / "own-policy")
    assert answer.exit_code == 0
    assert "green_policy:Green" in answer.stdout
