"""The roles grant what the code asks, where it asks it, and nothing else."""

from collections import Counter

import pytest

from tests.deploy.manifests import FULL, built, one, rendered
from tests.deploy.rights import NEEDED, OPTIONAL, granted

ROLES = ("Role", "ClusterRole")
BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def roles_of(manifests):
    return {
        item["metadata"]["name"].removeprefix("tidegate-"): granted(item)
        for item in manifests
        if item["kind"] in ROLES
    }


def places_of(manifests):
    """Role to the namespaces where it holds; an empty name stands for all of them."""
    found = {}
    for item in manifests:
        if item["kind"] in BINDINGS:
            role = item["roleRef"]["name"].removeprefix("tidegate-")
            found.setdefault(role, set()).add(item["metadata"].get("namespace", ""))
    return found


def test_the_roles_grant_exactly_what_is_needed():
    assert roles_of(rendered()) == NEEDED


def test_each_option_adds_its_own_rights_alone():
    roles = roles_of(rendered(FULL))
    together = {
        name: NEEDED.get(name, set()) | OPTIONAL.get(name, set()) for name in {*NEEDED, *OPTIONAL}
    }
    assert roles == together


def test_no_rule_says_everything_and_none_reads_secrets():
    for rights in roles_of(rendered(FULL)).values():
        for right in rights:
            assert "*" not in "".join(right)
            assert right[1] not in ("secrets", "pods/exec", "serviceaccounts/token", "roles")


def test_what_is_written_is_bound_in_the_namespaces_that_were_named():
    places = places_of(rendered({"namespaces": ["ml", "web"]}))
    assert places == {
        "read": {""},
        "workloads-read": {"ml", "web"},
        "workloads-write": {"ml", "web"},
        "nodes-write": {""},
        "evict": {"tidegate", "ml", "web", "kube-system"},
        "home": {"tidegate"},
        "lead": {"tidegate"},
        "events": {"default", "tidegate", "ml", "web"},
    }


def test_without_namespaces_no_workload_is_seen_or_touched():
    places = places_of(rendered())
    assert not {"workloads-read", "workloads-write"} & set(places)
    assert places["evict"] == {"tidegate", "kube-system"}


def test_a_daemon_that_may_not_write_reads_and_keeps_its_own_objects():
    watching = rendered({"namespaces": ["ml"], "write": {"workloads": False, "nodes": False}})
    assert set(roles_of(watching)) == {"read", "workloads-read", "home", "events", "lead"}
    assert set(places_of(watching)) == set(roles_of(watching))


def test_the_overlay_that_watches_may_not_write_either():
    watching = built("overlays/readonly")
    assert set(roles_of(watching)) == {"read", "workloads-read", "home", "events", "lead"}
    assert {name for name, there in places_of(watching).items() if "" in there} == {"read"}


def test_a_plan_only_gets_lists_and_watches():
    for role in ("read", "workloads-read"):
        assert {verb for _, _, verb, _ in NEEDED[role]} == {"get", "list", "watch"}


@pytest.mark.parametrize(
    "manifests_of",
    [lambda: rendered({**FULL, "rightsOnly": True}), lambda: built("rights")],
    ids=["chart", "kustomize"],
)
def test_a_remote_cluster_gets_rights_and_no_daemon(manifests_of):
    manifests = manifests_of()
    kinds = Counter(item["kind"] for item in manifests)
    assert set(kinds) <= {"Namespace", "ServiceAccount", *ROLES, *BINDINGS}
    assert "lead" not in roles_of(manifests), "who leads is settled at home"
    assert one(manifests, "ServiceAccount")["automountServiceAccountToken"] is False


def test_every_binding_is_for_our_own_service_account():
    for manifests in (rendered(FULL), built("base"), built("namespace/write")):
        for item in manifests:
            if item["kind"] in BINDINGS:
                assert item["subjects"] == [
                    {"kind": "ServiceAccount", "name": "tidegate", "namespace": "tidegate"}
                ]


def test_every_binding_leads_to_a_role_that_is_there():
    base = {(item["kind"], item["metadata"]["name"]) for item in built("base")}
    for manifests, there in (
        (rendered(FULL), {(item["kind"], item["metadata"]["name"]) for item in rendered(FULL)}),
        (built("base"), base),
        (built("namespace/write"), base),
    ):
        for item in manifests:
            if item["kind"] in BINDINGS:
                assert (item["roleRef"]["kind"], item["roleRef"]["name"]) in there
