"""What the code asks of an API server: group, resource, verb and, where it is fixed, name.

The one list of it. A call that is not here is refused in a cluster that our manifests set up.
"""

from collections.abc import Iterable, Mapping

Right = tuple[str, str, str, str]
"""Group, resource, verb; name of the object, empty for any."""

WATCHED = ("get", "list", "watch")


def _rights(group: str, resources: str, verbs: Iterable[str], names: str = "") -> set[Right]:
    return {
        (group, resource, verb, name)
        for resource in resources.split()
        for verb in verbs
        for name in names.split() or [""]
    }


TABLES = "tidegate-memory tidegate-status tidegate-traffic"

NEEDED: Mapping[str, set[Right]] = {
    # Every plan: whoever sits on a node takes its room.
    "read": {
        *_rights("", "nodes pods", WATCHED),
        *_rights("policy", "poddisruptionbudgets", WATCHED),
        *_rights("resource.k8s.io", "resourceslices resourceclaims", WATCHED),
    },
    # The same, in the namespaces of the allow-list.
    "workloads-read": {
        *_rights("apps", "deployments", WATCHED),
        *_rights("batch", "jobs", WATCHED),
        *_rights("autoscaling", "horizontalpodautoscalers", WATCHED),
    },
    # Orders on workloads, in the same namespaces.
    "workloads-write": {
        *_rights("apps", "deployments", ("create", "patch", "delete")),
        *_rights("apps", "deployments/scale", ("patch",)),
        *_rights("batch", "jobs", ("create", "patch", "delete")),
        *_rights("", "services", ("get", "create", "patch", "delete")),
        *_rights("", "pods", ("delete",)),
        *_rights("gateway.networking.k8s.io", "httproutes", ("get", "update")),
    },
    # Drains: the taint, and the evictions namespace by namespace.
    "nodes-write": _rights("", "nodes", ("patch",)),
    "evict": _rights("", "pods/eviction", ("create",)),
    # What the daemon keeps and tells.
    "home": {
        *_rights("", "configmaps", ("create", "list", "watch")),
        *_rights("", "configmaps", ("get", "update", "patch"), TABLES),
    },
    "events": _rights("", "events", ("create", "patch")),
    "lead": {
        *_rights("coordination.k8s.io", "leases", ("create",)),
        *_rights("coordination.k8s.io", "leases", ("get", "update"), "tidegate"),
    },
}

KINDS_OF_OURS = "policies inferenceservices trainingjobs nodepools"

OPTIONAL: Mapping[str, set[Right]] = {
    "workloads-read": {
        *_rights("kubeflow.org", "pytorchjobs", WATCHED),
    },
    "workloads-write": {
        *_rights("kueue.x-k8s.io", "workloads", ("list", "patch")),
        *_rights("kubeflow.org", "pytorchjobs", ("update",)),
    },
    "custom-resources": {
        *_rights("tidegate.io", KINDS_OF_OURS, WATCHED),
        *_rights(
            "tidegate.io",
            " ".join(f"{kind}/status" for kind in KINDS_OF_OURS.split()),
            ("patch",),
        ),
    },
}
"""More where `kueue`, `suspendables` and `customResources` are set as in `manifests.FULL`."""


def granted(role: Mapping) -> set[Right]:
    """What the rules of a Role or ClusterRole allow."""
    return {
        (group, resource, verb, name)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
