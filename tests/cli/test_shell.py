"""The small commands: schema, version, completion, help."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from scheduler import __version__
from scheduler.cli.main import cli
from tests.cli.program import EXAMPLES, as_process, tidegate


class Core(yaml.SafeLoader):
    """YAML as editors read it: `off` and times are text."""


Core.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    """What `tidegate schema` prints."""
    answer = tidegate("schema")
    assert answer.exit_code == 0
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def test_the_schema_is_a_valid_json_schema(schema: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "path",
    sorted(set(EXAMPLES.rglob("*.yaml")) - set(EXAMPLES.rglob("*.pod.yaml"))),
    ids=lambda p: f"{p.parent.name}-{p.name}",
)
def test_every_document_of_the_examples_is_valid_by_the_schema(
    path: Path, schema: dict[str, object]
) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Core))
    assert documents
    for document in documents:
        assert [error.message for error in validator.iter_errors(document)] == []


def test_the_schema_knows_a_wrong_document_from_a_right_one(schema: dict[str, object]) -> None:
    wrong = {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "x"},
        "spec": {"exposure": "secret"},
    }
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


@pytest.mark.parametrize("command", [("version",), ("--version",)])
def test_the_version_is_told(command: tuple[str, ...]) -> None:
    answer = tidegate(*command)
    assert answer.exit_code == 0
    assert __version__ in answer.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_that_its_shell_can_read(shell: str) -> None:
    answer = tidegate("completion", shell)
    assert answer.exit_code == 0
    assert "_TIDEGATE_COMPLETE" in answer.stdout
    if shutil.which(shell):
        read = subprocess.run(
            [shell, "-n"], input=answer.stdout, text=True, capture_output=True, check=False
        )
        assert (read.returncode, read.stderr) == (0, "")


def test_a_word_begun_is_completed() -> None:
    answer = as_process(
        env={
            "_TIDEGATE_COMPLETE": "bash_complete",
            "COMP_WORDS": "tidegate re",
            "COMP_CWORD": "1",
        }
    )
    assert answer.stdout.split() == ["plain,replay"]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_has_a_help_of_its_own(command: str) -> None:
    answer = tidegate(command, "--help")
    assert answer.exit_code == 0
    assert len(answer.stdout.splitlines()) > 4


def test_an_unknown_command_is_told() -> None:
    answer = tidegate("paln")
    assert answer.exit_code == 1
    assert "No such command" in answer.stderr
