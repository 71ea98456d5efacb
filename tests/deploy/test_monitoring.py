"""Alerts and dashboard ask for metrics that the daemon exports, by labels that they have."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.manifests import DEPLOY, ROOT

ALERTS = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())
BOARD = json.loads((DEPLOY / "dashboards" / "tidegate.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
SCRAPED = {"namespace", "pod", "le"}
"""Labels that Prometheus adds: where a sample comes from, and the bound of a bucket."""
METRIC = r"\btidegate_[a-z_]+"
PAIRS = {")": "(", "]": "[", "}": "{"}


def exported():
    """Metric to its labels: the table that the tests of the documentation hold to the code."""
    text = (ROOT / "docs" / "operations.md").read_text()
    found = re.findall(r"^\| `(tidegate_\w+)` \|([^|]*)\|", text, re.MULTILINE)
    return {name: {label.strip() for label in labels.split(",")} - {""} for name, labels in found}


def expressions():
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    for panel in BOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


EXPRESSIONS = [
    pytest.param(where, expression, id=f"{where}-{number}")
    for number, (where, expression) in enumerate(expressions())
]


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_every_metric_is_exported_with_the_labels_that_are_asked_for(where, expression):
    there = exported()
    named = {re.sub("_bucket$", "", name) for name in re.findall(METRIC, expression)}
    assert named, where
    assert named <= set(there)
    lists = re.findall(r"\bby \(([^)]*)\)", expression)
    asked = {label.strip() for several in lists for label in several.split(",")}
    asked |= set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", expression))
    assert asked <= SCRAPED.union(*(there[name] for name in named))


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_brackets_and_quotes_close(where, expression):
    bare = re.sub(r'"[^"]*"', "", expression)
    assert '"' not in bare, where
    open_ = []
    for sign in bare:
        if sign in PAIRS.values():
            open_.append(sign)
        elif sign in PAIRS:
            assert open_, where
            assert open_.pop() == PAIRS[sign], where
    assert not open_, where


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_means_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description", "runbook"} == set(rule["annotations"])
    used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    kept = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
    assert not kept or used <= {label.strip() for several in kept for label in several.split(",")}


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))


def test_no_panel_lies_on_another():
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_prometheus_takes_the_alerts_and_what_the_panels_ask(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: it comes with Debian's package prometheus")
    asked = [
        {"record": f"panel:{panel['id']}:{target['refId']}", "expr": filled(target["expr"])}
        for panel in BOARD["panels"]
        for target in panel["targets"]
    ]
    panels = tmp_path / "panels.yaml"
    panels.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))
    command = [promtool, "check", "rules", str(DEPLOY / "alerts.yaml"), str(panels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def filled(expression):
    """As Grafana sends it."""
    return expression.replace("$__rate_interval", "5m").replace("$namespace", ".*")
