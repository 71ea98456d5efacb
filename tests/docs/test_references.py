"""What the documentation names exists, and what exists is named."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from scheduler.app.live import Doors, run_once
from scheduler.app.tables import POLICY_TYPES, load_documents, presets
from scheduler.cli.main import cli
from scheduler.config.documents import KINDS
from scheduler.config.policy_build import settable
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock
from tests.docs.pages import (
    ALL,
    ROOT,
    anchors,
    lines_of_code,
    links,
    name_of,
    rows,
    section,
    spans,
    table,
    text_of,
)

DOCS = ROOT / "docs"
COMMANDS = cli.commands
WORDS = r"(?:^|\$ |/)tidegate ([a-z]+)((?: [^|#`\n]*)?)"


def options_of(command: str) -> set[str]:
    parameters = COMMANDS[command].params
    return {"--help", "-h", *(word for item in parameters for word in item.opts)}


EVERY_OPTION = set().union(*(options_of(name) for name in COMMANDS))


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_links_lead_somewhere(page: Path):
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_commands_and_options_exist(page: Path):
    for line in lines_of_code(page):
        for command, rest in re.findall(WORDS, line):
            assert command in COMMANDS, line
            named = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest))
            assert named <= options_of(command), line
    alone = {span.split()[0] for span in spans(page) if re.match("--?[a-z]", span)}
    assert alone <= EVERY_OPTION


def test_the_readme_lists_every_command_and_every_kind():
    readme = text_of(ROOT / "README.md")
    listed = {cell.strip("`") for cell in table(section_of(readme, "Commands"), "command")}
    assert listed == {f"tidegate {name}" for name in COMMANDS}
    assert set(table(section_of(readme, "Documents"), "kind")) == set(KINDS)


def test_every_option_of_run_is_in_the_operations():
    text = text_of(DOCS / "operations.md")
    listed = re.findall(r"`(--?[a-z-]+)`", "".join(row[0] for row in rows(text, "option of `run`")))
    long = {word for word in options_of("run") if word.startswith("--")} - {"--help", "--output"}
    assert {word for word in listed if word.startswith("--")} == long


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", "\n".join(lines_of_code(ROOT / "README.md"))))
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_document_is_told_with_its_default(kind: str):
    told = table(section(DOCS / "documents.md", kind), "field")
    spec = next(shapes(KINDS[kind].model_fields["spec"].annotation))
    there = dict(leaves(spec))
    assert list(told) == list(there), "fields, in the order of the model"
    for name, default in there.items():
        if default == "required" or told[name] == "required":
            assert told[name] == default, name
        elif default not in (None, [], {}):
            assert told[name].strip("`") == yaml_word(default), name


@pytest.mark.parametrize("use", POLICY_TYPES)
def test_every_setting_of_a_policy_is_told_with_its_default(use: str):
    told = table(section(DOCS / "policies.md", use), "setting")
    assert {name: told[name].strip("`") for name in told} == defaults_of(use)


def test_the_presets_are_told_as_they_are():
    header = re.search(r"^\| setting \|(.*)\|$", text_of(DOCS / "policies.md"), re.MULTILINE)
    assert header is not None
    names = [cell.strip() for cell in header[1].split("|")]
    assert sorted(names) == list(presets())
    for path, *cells in rows(section(DOCS / "policies.md", "Presets"), "setting"):
        use, key = path.strip("`").split(".")
        assert cells == [preset_value(name, use, key) for name in names], path


def test_no_setting_of_a_preset_is_left_untold():
    told = {row[0].strip("`") for row in rows(section(DOCS / "policies.md", "Presets"), "setting")}
    for text in presets().values():
        spec = yaml.safe_load(text)["spec"]
        entries = {entry.pop("use"): entry for entry in spec.pop("policies")}
        given = {f"{use}.{key}" for use, keys in (spec | entries).items() for key in keys}
        assert given <= told


def test_every_metric_is_told_with_its_labels():
    told = {
        name: {label.strip() for label in labels.split(",")} - {""}
        for name, labels in table(text_of(DOCS / "operations.md"), "metric").items()
    }
    there = {}
    for name, kind, labels in samples():
        if kind != "created":
            there.setdefault(name, set()).update(labels)
    for name, labels in there.items():
        assert labels == told[name], name
    quiet = {
        "tidegate_workload_missing_rps",
        "tidegate_workload_missing_gangs",
        "tidegate_site_notes",
    }
    assert set(told) - set(there) == quiet, "no sample where nothing is missing or noted"


def section_of(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def shapes(annotation: object) -> Iterator[type[BaseModel]]:
    """The models inside a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from shapes(part)


def leaves(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, object]]:
    """Every field that is not a mapping of known keys, with its default or `required`."""
    for name, item in model.model_fields.items():
        path = above + (item.alias or name)
        inner = list(shapes(item.annotation))
        for shape in inner:
            yield from leaves(shape, f"{path}.")
        if not inner:
            yield path, "required" if item.is_required() else item.get_default()


def yaml_word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def defaults_of(use: str) -> dict[str, str]:
    kind = POLICY_TYPES[use]
    default = {item.name: item.default for item in fields(kind)}
    words = {}
    for key, name in settable(kind).items():
        value = default[name]
        words[key] = "required" if value is MISSING else yaml_word(value) if value != () else "none"
    return words


def preset_value(preset: str, use: str, key: str) -> str:
    """What holds under the preset: its own value, else the default; `off` without the policy."""
    spec = yaml.safe_load(presets()[preset])["spec"]
    if use == "forecast":
        default = dict(leaves(next(shapes(KINDS["Policy"].model_fields["spec"].annotation))))
        return yaml_word(spec.get(use, {}).get(key, default[f"{use}.{key}"]))
    entries = {entry["use"]: entry for entry in spec["policies"]}
    if use not in entries:
        return "off"
    assert key in map(to_camel, settable(POLICY_TYPES[use]).values())
    return yaml_word(entries[use].get(key, defaults_of(use)[key]))


def samples() -> Iterator[tuple[str, str, set[str]]]:
    """Name as scraped, suffix and labels of every metric after one real tick."""
    declared = load_documents([ROOT / "examples" / "minimal"]).declared
    assert declared is not None
    status, clock = Status(), WallClock()
    metrics = Metrics(status, clock, lambda: 0.0)
    tick = asyncio.run(run_once(declared, None, Doors()))
    status.ticked(tick)
    status.beat_s = 0.0
    metrics.ticked(tick)
    for line in metrics.text().decode().splitlines():
        found = re.match(r"(\w+?)(_bucket|_sum|_count|_created)?(?:\{(.*)\})? ", line)
        if found and not line.startswith("#"):
            labels = set(re.findall(r'(\w+)="', found[3] or "")) - {"le"}
            yield found[1], (found[2] or "").removeprefix("_"), labels
