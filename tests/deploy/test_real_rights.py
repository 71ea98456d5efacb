"""A real API server takes the manifests, and our service account may do there what it needs."""

import asyncio
import json
import subprocess
import time
from dataclasses import replace

import pytest
import yaml

from adapters.kubernetes.client import MERGE, Client
from adapters.kubernetes.faults import ApiError, Barred
from adapters.kubernetes.lease import LeaseObject
from adapters.kubernetes.memory_map import MemoryMap
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.sight import Listed, Watched
from adapters.kubernetes.status_map import StatusMap
from adapters.kubernetes.traffic import write_share
from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.lease import Lease
from scheduler.domain.names import ActionKey, ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.snapshot import Memory
from tests.deploy.manifests import CHART, FULL, built, kubectl, rendered
from tests.deploy.rights import KINDS_OF_OURS, NEEDED

pytestmark = pytest.mark.usefixtures("plane")
OURS = {"namespaces": ["ml"]}
CUSTOM = {"ServiceMonitor", "PrometheusRule"}
WHERE = {"ml", "web", "tidegate", "monitoring"}
POD = {"containers": [{"name": "main", "image": "web@sha256:" + "0" * 64}]}


def applied(plane, manifests, *options):
    """Server-side apply of them all; the server's words."""
    text = yaml.safe_dump_all(json.loads(json.dumps(manifests)), sort_keys=False)
    command = [kubectl(), f"--kubeconfig={plane.kubeconfig}", "apply", "--server-side", "-f", "-"]
    done = subprocess.run(
        [*command, *options], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def set_up(plane):
    """The chart's manifests and the namespaces that it is told of."""
    strict = {"pod-security.kubernetes.io/warn": "restricted"}
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": strict}}
        for name in sorted(WHERE)
    ]
    applied(plane, spaces)
    applied(plane, [item for item in rendered(OURS) if item["kind"] != "Deployment"])
    return plane


@pytest.fixture
async def admin(set_up):
    client = Client(set_up.connection(), deadline_s=10)
    yield client
    await client.close()


@pytest.fixture
async def daemon(set_up):
    """Our service account, as a pod of it would speak."""
    token = set_up.token_for("tidegate", "tidegate")
    client = Client(set_up.connection(token), deadline_s=10)
    yield client
    await client.close()


async def allowed(client, rights, namespace):
    """Those of the rights that the server grants there."""
    asked = [
        {"group": group, "resource": resource, "verb": verb, "name": name, "namespace": namespace}
        for group, resource, verb, name in rights
    ]
    answers = await asyncio.gather(*(_may(client, item) for item in asked))
    return {right for right, may in zip(rights, answers, strict=True) if may}


async def _may(client, asked):
    resource, _, sub = asked["resource"].partition("/")
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**asked, "resource": resource, "subresource": sub}},
    }
    answer = await client.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    return json.loads(answer)["status"]["allowed"]


async def done(call):
    """The class of what the server answered; None where it did as it was told."""
    try:
        await call
    except ApiError as fault:
        return type(fault)
    return None


@pytest.mark.parametrize("values", [OURS, FULL, {**FULL, "rightsOnly": True}])
def test_the_server_takes_the_chart_without_a_warning(set_up, values):
    known = [item for item in rendered(values) if item["kind"] not in CUSTOM]
    told = applied(set_up, known, "--dry-run=server", "--force-conflicts")
    assert "warning" not in told.lower()


def test_the_server_takes_the_definitions_of_our_kinds(set_up):
    definitions = [yaml.safe_load(file.read_text()) for file in (CHART / "crds").glob("*.yaml")]
    assert {item["spec"]["names"]["plural"] for item in definitions} == set(KINDS_OF_OURS.split())
    assert "warning" not in applied(set_up, definitions, "--dry-run=server").lower()


@pytest.mark.parametrize("folder", ["rights", "base", "namespace/write", "overlays/readonly"])
def test_the_server_takes_what_kustomize_builds(set_up, folder):
    told = applied(set_up, built(folder), "--dry-run=server", "--force-conflicts")
    assert "warning" not in told.lower()


async def test_everything_that_is_needed_is_allowed(daemon):
    places = {"home": "tidegate", "lead": "tidegate", "read": "", "nodes-write": ""}
    for role, rights in NEEDED.items():
        assert await allowed(daemon, rights, places.get(role, "ml")) == rights, role
    assert await allowed(daemon, NEEDED["evict"], "kube-system") == NEEDED["evict"]
    assert await allowed(daemon, NEEDED["events"], "default") == NEEDED["events"]


async def test_whole_views_are_listed_and_watched(daemon):
    sight = Listed(daemon, a_setting("ml"))
    assert ("tidegate", "tidegate-documents") not in (await sight.view()).tables
    watch = Watched(daemon, a_setting("ml"), monotonic=time.monotonic, ring=lambda _: None)
    try:
        assert (await watch.view()).nodes == {}
    finally:
        await watch.close()


async def test_a_view_of_a_namespace_that_was_not_granted_says_what_to_grant(daemon):
    with pytest.raises(Barred, match=r"needed: get and list .* in namespace web"):
        await Listed(daemon, a_setting("ml", "web")).view()


async def test_nothing_is_written_in_other_namespaces(daemon):
    for place in ("web", "kube-system"):
        written = NEEDED["workloads-write"] | NEEDED["events"] | NEEDED["home"] | NEEDED["lead"]
        assert await allowed(daemon, written, place) == set(), place
    assert await allowed(daemon, NEEDED["evict"], "web") == set()
    assert await allowed(daemon, NEEDED["workloads-write"], "tidegate") == set()


async def test_dangerous_things_are_not_allowed(daemon):
    never = {
        ("", "nodes", "delete", ""),
        ("", "nodes", "create", ""),
        ("", "nodes", "update", ""),
        ("", "nodes/status", "patch", ""),
        ("", "pods", "create", ""),
        ("", "pods/exec", "create", ""),
        ("", "secrets", "get", ""),
        ("", "secrets", "list", ""),
        ("", "serviceaccounts/token", "create", ""),
        ("", "serviceaccounts", "impersonate", ""),
        ("", "configmaps", "delete", ""),
        ("", "namespaces", "delete", ""),
        ("apps", "deployments", "update", ""),
        ("apps", "deployments", "deletecollection", ""),
        ("apps", "daemonsets", "patch", ""),
        ("policy", "poddisruptionbudgets", "patch", ""),
        ("rbac.authorization.k8s.io", "roles", "create", ""),
        ("rbac.authorization.k8s.io", "clusterrolebindings", "create", ""),
        ("coordination.k8s.io", "leases", "update", "kube-scheduler"),
        ("coordination.k8s.io", "leases", "delete", "tidegate"),
    }
    for place in ("", "ml", "tidegate", "kube-system"):
        assert await allowed(daemon, never, place) == set(), place


async def test_the_calls_themselves_do_what_the_reviews_say(daemon, admin):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "deploy-1"}}
    await admin.create("/api/v1/nodes", node)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": POD}
    await admin.create("/api/v1/namespaces/ml/pods", pod)
    await admin.create("/api/v1/namespaces/web/pods", pod)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}
    taint = {"spec": {"taints": [{"key": "tidegate.io/draining", "effect": "NoSchedule"}]}}

    assert await done(daemon.patch("/api/v1/nodes/deploy-1", taint, MERGE)) is None
    assert await done(daemon.delete("/api/v1/nodes/deploy-1", uid="")) is Barred
    assert await done(daemon.create("/api/v1/namespaces/ml/pods/web/eviction", eviction)) is None
    refused = daemon.create("/api/v1/namespaces/web/pods/web/eviction", eviction)
    assert await done(refused) is Barred
    assert await done(daemon.get("/api/v1/namespaces/ml/secrets")) is Barred
    assert await done(daemon.get("/api/v1/pods")) is None
    assert await done(daemon.get("/apis/apps/v1/namespaces/ml/deployments")) is None
    assert await done(daemon.get("/apis/apps/v1/namespaces/web/deployments")) is Barred
    await admin.delete("/api/v1/nodes/deploy-1", uid=await uid_of(admin, "/api/v1/nodes/deploy-1"))


async def test_a_deployment_is_applied_scaled_and_deleted_in_the_allowed_namespace(daemon):
    path = "/apis/apps/v1/namespaces/ml/deployments/search"
    labels = {"app.kubernetes.io/name": "search"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "search"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": POD},
        },
    }
    assert await done(daemon.apply(path, body)) is None
    assert await done(daemon.patch(f"{path}/scale", {"spec": {"replicas": 1}})) is None
    elsewhere = path.replace("/ml/", "/web/")
    assert await done(daemon.apply(elsewhere, body)) is Barred
    assert await done(daemon.patch(f"{elsewhere}/scale", {"spec": {"replicas": 1}})) is Barred
    assert await done(daemon.delete(path, uid=await uid_of(daemon, path))) is None


async def test_the_daemon_keeps_its_lease_and_its_tables(daemon):
    held = LeaseObject(daemon, "tidegate")
    assert await held.read() is None
    first = await held.write(Lease(holder="a", lease_s=15, transitions=0))
    await held.write(replace(first, holder="b", transitions=1))
    memory = MemoryMap(daemon, "tidegate")
    assert await memory.load() is None
    await memory.intend([ActionKey("grow/t4/1")])
    await memory.save(Memory(tick=1), Instant(0.0))
    await StatusMap(daemon, "tidegate").write({"status": "leads"})
    await write_share(daemon, a_setting("ml"), WorkloadName("search"), PoolName("t4"), 0.5)
    await write_share(daemon, a_setting("ml"), WorkloadName("search"), PoolName("t4"), 1.0)


async def test_it_may_not_change_what_steers_it(daemon, admin):
    path = "/api/v1/namespaces/tidegate/configmaps/tidegate-documents"
    assert await done(daemon.patch(path, {"data": {"policy.yaml": ""}}, MERGE)) is Barred
    assert await done(admin.get(path)) is None


def a_setting(*namespaces):
    access = KubernetesAccess(cluster=ClusterName("home"), namespaces=namespaces)
    return Setting(access=access, provider="", pools={}, services={}, jobs={}, bindings=Bindings())


async def uid_of(client, path):
    return json.loads(await client.get(path))["metadata"]["uid"]
