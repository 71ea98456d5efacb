"""What we rely on of nodes, pods and what makes them, on the double as on the real server."""

from itertools import count

import pytest

from adapters.kubernetes.client import MERGE
from adapters.kubernetes.faults import Conflict, Invalid, NotThere, TooMany
from tests.doubles.api_objects import a_deployment, a_job, a_map, a_template
from tests.doubles.api_worlds import Api, Object, refused, until

STRATEGIC = "application/strategic-merge-patch+json"
numbers = count(1)


async def a_node(api: Api) -> tuple[str, str]:
    """Name and path of a node that is gone with the namespace's test."""
    name = f"{api.namespace}-n{next(numbers)}"
    await api.create("/api/v1/nodes", {"metadata": {"name": name}})
    return name, f"/api/v1/nodes/{name}"


async def let_go(api: Api, path: str) -> None:
    node = await api.get(path)
    await api.client.delete(path, uid=node["metadata"]["uid"])


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
async def test_taints_are_replaced_whole_by_a_patch(api: Api, kind: str) -> None:
    _, path = await a_node(api)
    theirs, ours = ({"key": key, "effect": "NoSchedule"} for key in ("theirs", "ours"))
    await api.patch(path, {"spec": {"taints": [theirs]}}, kind)
    patched = await api.patch(path, {"spec": {"taints": [ours]}}, kind)
    keys = [one["key"] for one in patched["spec"]["taints"]]
    assert "theirs" not in keys
    await let_go(api, path)


async def test_a_taint_written_against_an_old_version_is_409(api: Api) -> None:
    _, path = await a_node(api)
    old = (await api.get(path))["metadata"]["resourceVersion"]
    await api.patch(path, {"metadata": {"labels": {"a": "b"}}})
    taint = {"key": "ours", "effect": "NoSchedule"}
    body = {"metadata": {"resourceVersion": old}, "spec": {"taints": [taint]}}
    await refused(Conflict, api.patch(path, body))
    await let_go(api, path)


async def test_conditions_of_a_status_are_merged_by_type_strategically(api: Api) -> None:
    _, path = await a_node(api)
    for name in ("Ready", "DiskPressure", "Ready"):
        one = {"type": name, "status": "False", "reason": "Told"}
        await api.patch(f"{path}/status", {"status": {"conditions": [one]}}, STRATEGIC)
    found = (await api.get(path))["status"]["conditions"]
    assert sorted(one["type"] for one in found) == ["DiskPressure", "Ready"]
    await let_go(api, path)


async def test_a_status_is_written_by_its_own_path_alone(api: Api) -> None:
    pods = api.path("v1", "pods")
    await api.create(pods, {"metadata": {"name": "a"}, "spec": a_template()["spec"]})
    status = {"phase": "Running"}
    beside = await api.patch(f"{pods}/a", {"status": status})
    assert beside["status"]["phase"] == "Pending"
    await api.patch(f"{pods}/a/status", {"status": status})
    assert (await api.get(f"{pods}/a"))["status"]["phase"] == "Running"


async def test_the_spec_of_a_pod_stays(api: Api) -> None:
    pods = api.path("v1", "pods")
    await api.create(pods, {"metadata": {"name": "a"}, "spec": a_template()["spec"]})
    await refused(Invalid, api.patch(f"{pods}/a", {"spec": {"nodeSelector": {"a": "b"}}}))


async def test_a_delete_is_of_that_very_object(api: Api) -> None:
    path = api.path("v1", "configmaps", "a")
    made = await api.create(api.path("v1", "configmaps"), a_map("a"))
    fault = await refused(Conflict, api.client.delete(path, uid="another"))
    assert "another" in fault.message
    assert made["metadata"]["uid"] in fault.message
    await api.client.delete(path, uid=made["metadata"]["uid"])
    await refused(NotThere, api.get(path))


async def test_a_finalizer_holds_what_is_deleted(api: Api) -> None:
    path = api.path("v1", "configmaps", "a")
    held = a_map("a")
    held["metadata"]["finalizers"] = ["example.com/held"]
    uid = (await api.create(api.path("v1", "configmaps"), held))["metadata"]["uid"]
    await api.client.delete(path, uid=uid)
    assert (await api.get(path))["metadata"]["deletionTimestamp"]
    await api.patch(path, {"metadata": {"finalizers": None}})
    await refused(NotThere, api.get(path))


async def test_a_bound_pod_has_grace_and_is_gone_when_its_kubelet_says_so(api: Api) -> None:
    pods = api.path("v1", "pods")
    pod = {"metadata": {"name": "a"}, "spec": {**a_template()["spec"], "nodeName": "far"}}
    uid = (await api.create(pods, pod))["metadata"]["uid"]
    await api.client.delete(f"{pods}/a", uid=uid)
    meta = (await api.get(f"{pods}/a"))["metadata"]
    assert (bool(meta["deletionTimestamp"]), meta["deletionGracePeriodSeconds"]) == (True, 1)
    await api.client.delete(f"{pods}/a", uid=uid, grace_s=0)
    await refused(NotThere, api.get(f"{pods}/a"))


async def test_what_an_object_owns_goes_with_it(api: Api) -> None:
    collection = api.path("v1", "configmaps")
    owner = await api.create(collection, a_map("owner"))
    uid = owner["metadata"]["uid"]
    owned = a_map("owned")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned["metadata"]["ownerReferences"] = [reference]
    await api.create(collection, owned)
    await api.client.delete(f"{collection}/owner", uid=uid)

    async def gone() -> bool:
        found = await api.get(collection, labelSelector="mine=yes")
        return not found["items"]

    await until(gone)


async def test_an_eviction_asks_the_disruption_budget(api: Api) -> None:
    pods, budgets = api.path("v1", "pods"), api.path("policy/v1", "poddisruptionbudgets")
    for name in "ab":
        spec = {**a_template()["spec"], "nodeName": "far"}
        await api.create(pods, {"metadata": {"name": name, "labels": {"app": "x"}}, "spec": spec})
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        await api.patch(f"{pods}/{name}/status", {"status": ready})
    chosen = {"matchLabels": {"app": "x"}}
    await api.create(
        budgets, {"metadata": {"name": "x"}, "spec": {"minAvailable": 2, "selector": chosen}}
    )

    async def budget_says(allowed: int) -> bool:
        found = await api.get(f"{budgets}/x")
        status = found.get("status") or {}
        fresh = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = (status.get("disruptionsAllowed"), status.get("currentHealthy"))
        return bool(fresh and counts == (allowed, 2))

    await until(lambda: budget_says(0))
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "a", "namespace": api.namespace},
    }
    fault = await refused(TooMany, api.client.create(f"{pods}/a/eviction", eviction))
    assert fault.message == ("Cannot evict pod as it would violate the pod's disruption budget.")
    assert fault.reason == "TooManyRequests"
    await api.patch(f"{budgets}/x", {"spec": {"minAvailable": 1}})
    await until(lambda: budget_says(1))
    await api.client.create(f"{pods}/a/eviction", eviction)
    assert (await api.get(f"{pods}/a"))["metadata"]["deletionTimestamp"]


async def test_an_eviction_of_what_is_gone_is_404(api: Api) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "none"}}
    await refused(NotThere, api.client.create(api.path("v1", "pods", "none/eviction"), eviction))


async def test_a_deployment_makes_pods_that_say_why_they_wait(api: Api) -> None:
    await api.create(api.path("apps/v1", "deployments"), a_deployment("d", 2))

    async def waiting() -> list[Object]:
        found = (await api.get(api.path("v1", "pods"), labelSelector="app=d"))["items"]
        said = [
            (one["status"], one["reason"])
            for pod in found
            for one in pod["status"].get("conditions", ())
            if one["type"] == "PodScheduled"
        ]
        return found if said == [("False", "Unschedulable")] * 2 else []

    pods = await until(waiting)
    assert {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods} == {"ReplicaSet"}


async def test_a_job_that_stands_still_has_no_pods_and_may_move(api: Api) -> None:
    jobs = api.path("batch/v1", "jobs")
    await api.create(jobs, a_job("j", suspend=True))

    async def stands() -> bool:
        return said(await api.get(f"{jobs}/j"), "Suspended") == "True"

    await until(stands)
    moved = {"spec": {"template": {"spec": {"nodeSelector": {"pool": "a"}}}}}
    await api.patch(f"{jobs}/j", moved)
    larger = await api.patch(f"{jobs}/j", {"spec": {"parallelism": 3, "completions": 3}})
    assert larger["spec"]["completions"] == 3
    assert not (await api.get(api.path("v1", "pods")))["items"]


async def test_a_job_starts_stops_and_stays_where_it_is_while_it_runs(api: Api) -> None:
    jobs, pods = api.path("batch/v1", "jobs"), api.path("v1", "pods")
    await api.create(jobs, a_job("j", suspend=False))

    async def runs() -> bool:
        return bool((await api.get(f"{jobs}/j"))["status"].get("active") == 2)

    await until(runs)
    indexes = {
        pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
        for pod in (await api.get(pods, labelSelector="job-name=j"))["items"]
    }
    assert indexes == {"0", "1"}
    moved = {"spec": {"template": {"spec": {"nodeSelector": {"pool": "b"}}}}}
    await refused(Invalid, api.patch(f"{jobs}/j", moved))
    await api.patch(f"{jobs}/j", {"spec": {"suspend": True}})

    async def stopped() -> bool:
        job = await api.get(f"{jobs}/j")
        still: bool = said(job, "Suspended") == "True" and not job["status"].get("active")
        return still and not (await api.get(pods))["items"]

    await until(stopped)
    await api.patch(f"{jobs}/j", moved)


async def test_jobs_leave_their_pods_behind_unless_told_otherwise(api: Api) -> None:
    jobs, pods = api.path("batch/v1", "jobs"), api.path("v1", "pods")
    uid = (await api.create(jobs, a_job("j", suspend=False)))["metadata"]["uid"]

    async def started() -> bool:
        return len((await api.get(pods))["items"]) == 2

    await until(started)
    await api.client.delete(f"{jobs}/j", uid=uid)

    async def gone() -> bool:
        return not (await api.get(pods))["items"]

    await until(gone)


async def test_a_lease_is_taken_by_one_of_two(api: Api) -> None:
    leases = api.path("coordination.k8s.io/v1", "leases")
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15}
    seen = await api.create(leases, {"metadata": {"name": "l"}, "spec": spec})
    await api.client.replace(f"{leases}/l", {**seen, "spec": {**spec, "holderIdentity": "b"}})
    late = {**seen, "spec": {**spec, "holderIdentity": "c"}}
    await refused(Conflict, api.client.replace(f"{leases}/l", late))
    assert (await api.get(f"{leases}/l"))["spec"]["holderIdentity"] == "b"


async def test_a_definition_adds_a_kind_with_status_and_scale(api: Api) -> None:
    group = f"{api.namespace}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    scale = {"specReplicasPath": ".spec.nodes", "statusReplicasPath": ".status.nodes"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}, "scale": scale},
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"plural": "wishes", "singular": "wish", "kind": "Wish"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = await api.create(crds, {"metadata": {"name": f"wishes.{group}"}, "spec": spec})
    wishes = api.path(f"{group}/v1", "wishes")
    wish = {"apiVersion": f"{group}/v1", "kind": "Wish", "metadata": {"name": "w"}}
    await until(lambda: api.create(wishes, {**wish, "spec": {"nodes": 2}, "status": {"nodes": 9}}))
    found = await api.get(f"{wishes}/w")
    assert "status" not in found
    await api.patch(f"{wishes}/w/status", {"status": {"nodes": 1}})
    assert (await api.get(f"{wishes}/w/scale"))["spec"] == {"replicas": 2}
    listed = (await api.get(wishes))["items"]
    assert [(one["kind"], one["metadata"]["generation"]) for one in listed] == [("Wish", 1)]
    path = f"{crds}/wishes.{group}"
    await api.client.delete(path, uid=made["metadata"]["uid"])


def said(thing: Object, condition: str) -> str:
    found = (thing.get("status") or {}).get("conditions") or ()
    return next((str(one["status"]) for one in found if one["type"] == condition), "")
