"""The kustomize base is the chart with its defaults, and its daemon starts."""

import re

import kubernetes_validate
import pytest
import yaml

from scheduler.app.tables import load_documents
from scheduler.cli.main import cli
from scheduler.runtime.http import pages
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock
from tests.deploy.manifests import CHART, DEPLOY, KUBERNETES, KUSTOMIZE, built, key, one, rendered

FOLDERS = ["base", "rights", "namespace/read", "namespace/write", "overlays/readonly"]
OF_HELM = {"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"}


def without_labels_of_helm(value):
    match value:
        case dict():
            return {
                name: without_labels_of_helm(item)
                for name, item in value.items()
                if name not in OF_HELM
            }
        case list():
            return [without_labels_of_helm(item) for item in value]
        case _:
            return value


def by_key(manifests):
    return {key(item): without_labels_of_helm(item) for item in manifests}


def daemon():
    (only,) = one(built("base"), "Deployment")["spec"]["template"]["spec"]["containers"]
    return only


def parsed(arguments):
    command, *rest = arguments
    return cli.commands[command].make_context(command, rest, resilient_parsing=True).params


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_manifest_has_the_shape_of_its_kind(folder):
    for manifest in built(folder):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_base_is_the_chart_with_its_defaults():
    base = by_key(built("base"))
    del base["Namespace", "tidegate", ""]
    assert base == by_key(rendered())


def test_a_namespace_is_what_the_chart_binds_in_one():
    of_one = by_key(rendered({"namespaces": ["ml"]})).items()
    none = set(by_key(rendered()))
    assert by_key(built("namespace/write")) == {name: it for name, it in of_one if name not in none}


def test_the_namespace_takes_restricted_pods_alone():
    labels = one(built("base"), "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("folder", [CHART, KUSTOMIZE / "base"])
def test_the_first_documents_have_no_fault(folder):
    assert load_documents([folder / "documents"]).faults == ()


def test_the_overlay_that_watches_is_paused(tmp_path):
    documents = one(built("overlays/readonly"), "ConfigMap", "tidegate-documents")["data"]
    for name, text in documents.items():
        (tmp_path / name).write_text(text)
    declared = load_documents([tmp_path]).declared
    assert declared is not None
    assert declared.loop.guard.paused


def test_the_options_of_pod_and_image_exist():
    command = re.search(r"^CMD (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert command is not None
    for arguments in (daemon()["args"], yaml.safe_load(command[1])):
        options = parsed(arguments)
        assert (options["host"], options["port"]) == ("0.0.0.0", 8080)
        assert [str(path) for path in options["paths"]] == ["/etc/tidegate"]
    assert parsed(daemon()["args"])["home"] == "in-cluster"


def test_the_probes_ask_pages_that_exist():
    status = Status()
    app = pages(status, Metrics(status, WallClock(), lambda: 0.0), lambda: 0.0)
    there = {route.path for route in app.routes}
    probes = {name: item for name, item in daemon().items() if name.endswith("Probe")}
    assert set(probes) == {"startupProbe", "livenessProbe", "readinessProbe"}
    assert {item["httpGet"]["path"] for item in probes.values()} <= there


def test_what_the_daemon_writes_lies_on_a_mounted_volume():
    journal = parsed(daemon()["args"])["journal"]
    mounted = {item["mountPath"] for item in daemon()["volumeMounts"] if not item.get("readOnly")}
    assert str(journal.parent) in mounted
