"""The kubernetes sections become bindings, or faults at their place."""

import json

import pytest

from scheduler.domain.bindings import (
    Adopted,
    KubernetesAccess,
    Owned,
    OwnedJob,
    Route,
    Supply,
    Suspendable,
    Toleration,
)

from .fleet_text import declared_in, load_files
from .kubernetes_text import (
    CHAT,
    HYBRID,
    IMAGE,
    declare_hybrid,
    faults_with,
    load_hybrid,
    place_of,
)


@pytest.fixture(scope="module")
def declared():
    return declare_hybrid()


def test_a_cluster_is_reached_by_the_service_account_or_by_a_context(declared):
    private, public = declared.sites["private"].options, declared.sites["public"].options
    assert private == KubernetesAccess(cluster="private", namespaces=("ml",))
    assert public == KubernetesAccess(
        cluster="public",
        context="eks-virginia",
        kubeconfig="room/clouds.kubeconfig",
        namespaces=("ml", "batch"),
        home="scheduling",
        supply=Supply.AUTOSCALER,
        drain_deadline_s=1200.0,
        gang_deadline_s=120.0,
    )
    assert {site.access for site in declared.sites.values()} == {"kubernetes", "static"}


def test_pools_are_bound_by_labels_or_by_the_name_of_their_group(declared):
    owned, rented = declared.bindings.pools["owned"], declared.bindings.pools["rented"]
    assert (owned.group, owned.labels, owned.queue) == (
        "owned",
        {"example.com/row": "a"},
        "owned-queue",
    )
    assert owned.resource == "nvidia.com/gpu"
    assert (rented.group, rented.shared, rented.resource) == (
        "gpu-spot",
        True,
        "nvidia.com/gpu.shared",
    )
    assert rented.tolerations == (Toleration(key="spot", value="true", effect="NoSchedule"),)


def test_an_adopted_service_is_bound_to_its_deployments_and_its_route(declared):
    search = declared.bindings.workloads["search"]
    assert search.runs == Adopted(
        namespace="ml", deployments={"owned": "search-a100", "rented": "search-a10g"}
    )
    backends = {"owned": "svc-a100", "rented": "svc-a10g"}
    assert search.route == Route(namespace="ml", name="search", backends=backends)


def test_an_owned_service_has_the_template_of_the_file_beside_it(declared):
    runs = declared.bindings.workloads["chat"].runs
    assert isinstance(runs, Owned)
    assert runs.port == 8000
    assert runs.template == {
        "metadata": {"labels": {"team": "chat"}},
        "spec": {"containers": [{"name": "server", "image": IMAGE}]},
    }


def test_a_gang_is_a_job_of_ours_or_a_custom_resource(declared):
    nightly = declared.bindings.workloads["nightly"].runs
    assert isinstance(nightly, OwnedJob)
    assert nightly.kueue
    assert nightly.template["spec"]["containers"][0]["image"] == IMAGE
    assert declared.bindings.workloads["tuning"].runs == Suspendable(
        namespace="batch",
        api_version="kubeflow.org/v1",
        resource="pytorchjobs",
        name="tuning",
        suspend=("spec", "runPolicy", "suspend"),
        node_selectors=(
            ("spec", "pytorchReplicaSpecs", "Worker", "template", "spec", "nodeSelector"),
        ),
        pods={"training.kubeflow.org/job-name": "tuning"},
    )


def test_an_adopting_service_is_only_where_it_adopts_and_where_no_kubernetes_is(declared):
    assert declared.fleet.services["search"].pools == ("old", "owned", "rented")
    only = HYBRID.replace("{owned: search-a100, rented: search-a10g}", "{owned: search-a100}")
    assert declare_hybrid(only).fleet.services["search"].pools == ("old", "owned")
    assert declared.fleet.services["chat"].pools == ()


def test_a_digest_tells_two_templates_apart(declared):
    changed = declare_hybrid(template=CHAT.replace("team: chat", "team: talk"))
    assert changed.digest != declared.digest
    assert declare_hybrid().digest == declared.digest


def test_another_home_for_a_workload_changes_the_digest(declared):
    assert declare_hybrid(HYBRID.replace("port: 8000", "port: 8001")).digest != declared.digest


CASES = [
    (
        "inCluster: true, namespaces",
        "namespaces",
        "spec.access.kubernetes: needs exactly one of `context: NAME` and `inCluster: true`",
    ),
    (
        "inCluster: true, ",
        "inCluster: true, kubeconfig: x, ",
        "spec.access.kubernetes.kubeconfig: goes with `context`",
    ),
    ("namespaces: [ml]", "namespaces: []", "spec.access.kubernetes.namespaces: "),
    (
        "namespaces: [ml]",
        "namespaces: [ML]",
        "spec.access.kubernetes.namespaces.0: must be made of lower case letters, digits and '-'",
    ),
    (
        "supply: autoscaler",
        "supply: autoscalr",
        "spec.access.kubernetes.supply: must be 'static' or 'autoscaler' (got autoscalr), "
        "did you mean autoscaler?",
    ),
    ("drainDeadline: 20m", "drainDeadline: 20", "spec.access.kubernetes.drainDeadline: must be a"),
    ("group: gpu-spot", "groups: gpu-spot", "spec.kubernetes.groups: unknown key"),
    ("effect: NoSchedule", "effect: Never", "spec.kubernetes.tolerations.0.effect: must match"),
    (
        "{example.com/row: a}",
        "{exa mple: a}",
        "spec.kubernetes.labels.exa mple: must be a key as Kubernetes has them",
    ),
    (
        "    own: {port: 8000, templateFile: chat.pod.yaml}\n",
        "",
        "spec.kubernetes: needs exactly one of `adopt: {POOL: DEPLOYMENT}` and `own: {...}`",
    ),
    (
        "{port: 8000, templateFile: chat.pod.yaml}",
        "{port: 8000}",
        "spec.kubernetes.own: needs exactly one of `template: {...}` and `templateFile:",
    ),
    (
        "chat.pod.yaml",
        "chat.yaml",
        "spec.kubernetes.own.templateFile: must end in .pod.yaml, so that it is not read as a",
    ),
    (
        "chat.pod.yaml",
        "talk.pod.yaml",
        "spec.kubernetes.own.templateFile: no such file or folder: room/talk.pod.yaml",
    ),
    (
        "apiVersion: kubeflow.org/v1\n",
        "apiVersion: kubeflow\n",
        "spec.kubernetes.suspend.apiVersion: must be a group and a version",
    ),
    (
        "nodeSelectors: [spec.",
        "nodeSelectors: [.spec.",
        "spec.kubernetes.suspend.nodeSelectors.0: must be the path of a field",
    ),
    ("pods: {training.kubeflow.org/job-name: tuning}", "pods: {}", "spec.kubernetes.suspend.pods:"),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_a_section_that_is_wrong_alone_is_told_at_its_place(old, new, expected):
    (fault,) = faults_with(old, new)
    assert fault.startswith("room/fleet.yaml:")
    assert expected in fault


TOGETHER = [
    (
        "adopt: {owned:",
        "adopt: {ownd:",
        "unknown pool ownd, did you mean owned?",
    ),
    (
        "adopt: {owned: search-a100, ",
        "adopt: {owned: search-a100, old: search, ",
        "spec.kubernetes.adopt.old: the cluster old-room of this pool is not Kubernetes",
    ),
    (
        "  kubernetes:\n    namespace: ml\n    adopt",
        "  pools: [owned]\n  kubernetes:\n    namespace: ml\n    adopt",
        "spec.kubernetes.adopt.rented: this pool is not one of the service's `pools`",
    ),
    (
        "  kubernetes:\n    namespace: ml\n    adopt: {owned: search-a100, rented: search-a10g}",
        "  pools: [owned, rented]\n"
        "  kubernetes:\n    namespace: ml\n    adopt: {owned: search-a100}",
        "spec.pools.1: the service adopts no Deployment on this pool: add it to "
        "spec.kubernetes.adopt (got rented)",
    ),
    (
        "backends: {owned: svc-a100, rented: svc-a10g}",
        "backends: {owned: svc-a100}",
        "spec.kubernetes.route.backends: names no Service for the pool rented, which is adopted",
    ),
    (
        "own: {port: 8000, ",
        "own: {",
        "spec.kubernetes.route: backends: are missing"
        if False
        else "without `own.port` no Service",
    ),
    (
        "name: chat, namespace: ml",
        "name: chat, namespace: web",
        "spec.kubernetes.route.namespace: the cluster private does not let Tidegate write to this",
    ),
    (
        "    namespace: batch\n",
        "    namespace: bath\n",
        "spec.kubernetes.namespace: the cluster public does not let Tidegate write to this "
        "namespace: add it to its access.kubernetes.namespaces (got bath), did you mean batch?",
    ),
    (
        "    queue: owned-queue\n",
        "",
        "spec.kubernetes.job.kueue: the pool owned names no LocalQueue: set its kubernetes.queue",
    ),
    (
        "gang: {workers: 4}",
        "gang: {workers: 4, spread: cluster}",
        "spec.gang.spread: a custom resource is on one pool at a time",
    ),
    (
        IMAGE,
        "registry.example.com/ranker:latest",
        "containers.0.image: must be an image by digest, NAME@sha256:...",
    ),
    ("[{name: worker, image:", "[{image:", "containers.0.name: is missing: a container needs"),
    (
        f'containers: [{{name: worker, image: "{IMAGE}"}}]',
        "containers: []",
        "spec.kubernetes.job.template.spec.containers: is missing: a pod template needs at least",
    ),
    (
        "      template:\n        spec:",
        "      template:\n        sepc: {}\n        spec:",
        "unknown key: a pod template has `metadata` and `spec`, did you mean spec?",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), TOGETHER)
def test_what_does_not_agree_is_told_at_its_place(old, new, expected):
    found = faults_with(old, new)
    assert any(expected in fault for fault in found), found
    assert all(fault.startswith("room/fleet.yaml:") for fault in found)


def test_a_workload_that_may_be_in_kubernetes_says_how_it_runs_there():
    text = HYBRID[: HYBRID.index("  kubernetes:\n    namespace: batch")]
    (fault,) = load_hybrid(text).faults
    where = text.rindex("\nspec:") + 1
    assert fault.line in (text[:where].count("\n") + 1, text[:where].count("\n") + 2)
    assert fault.path == "spec.kubernetes"
    assert fault.message == (
        "is missing: it may be placed in the Kubernetes cluster public; say how it runs there, "
        "or where else it shall run with `clusters`"
    )


def test_a_workload_that_cannot_be_in_kubernetes_needs_no_section():
    start = HYBRID.index("  kubernetes:\n    namespace: batch")
    text = HYBRID[:start].replace("clusters: [public]", "clusters: [old-room]")
    assert load_hybrid(text).faults == ()


def test_one_deployment_is_adopted_once():
    text = HYBRID + "---\n" + _document("search").replace("name: search}", "name: find}")
    found = [str(fault) for fault in load_hybrid(text).faults]
    assert len(found) == 2
    first = place_of("search-a100")
    assert f"this Deployment is already adopted at {first} (got search-a100)" in found[0]


def test_a_fault_in_a_template_file_is_told_in_that_file():
    (fault,) = load_hybrid(template=CHAT.replace("@sha256:" + "ab" * 32, ":v3")).faults
    assert (fault.file, fault.line, fault.column) == ("room/chat.pod.yaml", 6, 14)
    assert fault.path == "spec.containers.0.image"


def test_a_template_file_is_no_document_and_not_needed_by_anyone():
    assert (
        load_files({"fleet.yaml": "", "x.pod.yaml": CHAT}).faults
        == load_files({"fleet.yaml": ""}).faults
    )


def test_a_file_with_two_templates_is_refused():
    (fault,) = load_hybrid(template=f"{CHAT}---\n{CHAT}").faults
    assert fault.message == "holds 2 YAML documents: one is a template"


def test_an_object_of_a_cluster_is_a_document_without_lines():
    body = json.loads(json.dumps(_plain("search")))
    rest = HYBRID.replace(_document("search"), "").replace("---\n---\n", "---\n")
    loaded = load_files(
        {"room/fleet.yaml": rest, "room/chat.pod.yaml": CHAT},
        objects={"inferenceservices/ml/search": body},
    )
    assert declared_in(loaded).digest == declare_hybrid().digest


def test_a_fault_of_an_object_names_it_and_no_line():
    body = _plain("search")
    body["spec"]["replicas"]["max"] = 0
    found = load_files({}, objects={"inferenceservices/ml/search": body}).faults
    expected = "inferenceservices/ml/search: spec.replicas.max: must be greater than or equal to 1"
    assert any(str(fault).startswith(expected) for fault in found)


def test_a_name_in_a_file_and_in_an_object_names_both_places():
    loaded = load_hybrid(objects={"inferenceservices/ml/search": _plain("search")})
    assert [str(fault) for fault in loaded.faults] == [
        "inferenceservices/ml/search: metadata.name: this name is taken by the InferenceService "
        f"at {place_of('search}')} (got search)"
    ]


def test_an_object_has_no_template_file():
    body = _plain("chat")
    found = load_files({}, objects={"inferenceservices/ml/chat": body}).faults
    assert any("no files lie beside a custom resource" in str(fault) for fault in found)


def test_an_object_that_is_nested_beyond_measure_is_a_fault():
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"a": deep}
    found = load_files({}, objects={"policies/ml/deep": deep}).faults
    assert "policies/ml/deep: nested deeper than 48 levels" in map(str, found)


def _document(name: str) -> str:
    return next(part for part in HYBRID.split("---\n") if f"{{name: {name}}}" in part)


def _plain(name: str) -> dict:
    from scheduler.config.yaml_nodes import parse

    return parse("x", _document(name)).documents[0].plain()
