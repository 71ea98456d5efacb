"""The kustomize base starts the daemon with options and documents that exist, without rights."""

import re
import shlex

import yaml

from scheduler.app.tables import load_documents
from scheduler.cli.main import cli
from scheduler.runtime.http import pages
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock
from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kustomize" / "base"


def loaded(name):
    return yaml.safe_load((BASE / name).read_text())


def pod():
    return loaded("deployment.yaml")["spec"]["template"]["spec"]


def container():
    (only,) = pod()["containers"]
    return only


def parsed(arguments):
    command, *rest = arguments
    return cli.commands[command].make_context(command, rest, resilient_parsing=True).params


def test_the_documents_of_the_base_have_no_fault():
    assert load_documents([BASE / "documents"]).faults == ()


def test_the_config_map_holds_every_document():
    (documents,) = loaded("kustomization.yaml")["configMapGenerator"]
    there = {f"documents/{path.name}" for path in (BASE / "documents").iterdir()}
    assert set(documents["files"]) == there


def test_every_resource_is_in_the_base():
    there = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(loaded("kustomization.yaml")["resources"]) == there


def test_the_options_of_pod_and_image_exist():
    command = re.search(r"^CMD (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert command is not None
    for arguments in (container()["args"], yaml.safe_load(command[1])):
        options = parsed(arguments)
        assert (options["host"], options["port"]) == ("0.0.0.0", 8080), shlex.join(arguments)
        assert [str(path) for path in options["paths"]] == ["/etc/tidegate"]


def test_the_probes_ask_pages_that_exist():
    status = Status()
    app = pages(status, Metrics(status, WallClock(), lambda: 0.0), lambda: 0.0)
    there = {route.path for route in app.routes}
    probes = {name: item for name, item in container().items() if name.endswith("Probe")}
    assert set(probes) == {"startupProbe", "livenessProbe", "readinessProbe"}
    assert {item["httpGet"]["path"] for item in probes.values()} <= there


def test_the_pod_has_no_rights_it_does_not_need():
    limits = container()["securityContext"]
    assert limits["readOnlyRootFilesystem"]
    assert not limits["allowPrivilegeEscalation"]
    assert limits["capabilities"] == {"drop": ["ALL"]}
    assert pod()["securityContext"]["runAsNonRoot"]
    assert pod()["automountServiceAccountToken"] is False
    assert set(container()["resources"]) == {"requests", "limits"}


def test_there_is_never_a_second_daemon():
    spec = loaded("deployment.yaml")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_what_the_daemon_writes_lies_on_a_mounted_volume():
    written = [parsed(container()["args"])["journal"]]
    declared = load_documents([BASE / "documents"]).declared
    assert declared is not None
    written += [site.options.state for site in declared.sites.values()]
    mounted = {
        item["mountPath"] for item in container()["volumeMounts"] if not item.get("readOnly")
    }
    assert {str(path.parent) for path in written} <= mounted


def test_the_image_gets_every_folder_that_it_copies():
    copied = re.findall(
        r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = {source for line in copied for source in line.split()}
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{source}" for source in sources} <= set(let_in)
    assert all((ROOT / source).exists() for source in sources)
