"""The chart renders what Kubernetes takes, and refuses values that it does not know."""

import helm_python
import kubernetes_validate
import pytest
import yaml

from tests.deploy.manifests import CHART, FULL, KUBERNETES, notes, one, rendered

ABSENT_KINDS = {"ServiceMonitor", "PrometheusRule"}
"""Of the Prometheus operator: Kubernetes itself has no shape for them."""
WRONG = {
    "an unknown value": {"replica": 2},
    "no replica": {"replicas": 0},
    "replicas in words": {"replicas": "two"},
    "a namespace that is no label": {"namespaces": ["ML"]},
    "every namespace": {"namespaces": ["*"]},
    "a namespace twice": {"namespaces": ["ml", "ml"]},
    "a digest of another kind": {"image": {"digest": "sha256:abc"}},
    "a tag with a digest in it": {"image": {"repository": "tidegate@sha256:abc"}},
    "every resource": {"suspendables": [{"group": "kubeflow.org", "resources": ["*"]}]},
    "every group": {"suspendables": [{"group": "*", "resources": ["jobs"]}]},
    "a document without a suffix": {"documents": {"fleet": "kind: Cluster"}},
    "a document as an object": {"documents": {"fleet.yaml": {"kind": "Cluster"}}},
    "an unknown right": {"write": {"secrets": True}},
    "an amount in words": {"resources": {"limits": {"memory": "plenty"}}},
    "an unknown level": {"logLevel": "loud"},
    "a port beyond the last": {"networkPolicy": {"apiServers": {"ports": [70000]}}},
    "a range that is none": {"networkPolicy": {"apiServers": {"cidrs": ["10.0.0.1"]}}},
}


def pod(values=None):
    return one(rendered(values), "Deployment")["spec"]["template"]["spec"]


def container(values=None):
    (only,) = pod(values)["containers"]
    return only


@pytest.mark.parametrize(
    "values", [{}, FULL, {"rightsOnly": True}], ids=["default", "full", "remote"]
)
def test_lint_finds_nothing(values):
    report = helm_python.lint(CHART, values, strict=True, namespace="tidegate")
    assert report["errors"] == []
    assert [item["error"] for item in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize(
    "values", [{}, FULL, {"rightsOnly": True}], ids=["default", "full", "remote"]
)
def test_every_manifest_has_the_shape_of_its_kind(values):
    for manifest in rendered(values):
        if manifest["kind"] not in ABSENT_KINDS:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
def test_wrong_values_are_refused(values):
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema({})
        with pytest.raises(helm_python.HelmValuesError):
            chart.validate_schema(values)
        with pytest.raises(helm_python.HelmValuesError):
            chart.render(values)


def test_every_value_has_a_default_and_a_place_in_the_schema():
    with helm_python.Chart.load(CHART) as chart:
        assert set(chart.schema["properties"]) - {"global"} == set(chart.values)


def test_two_replicas_stand_apart_and_are_never_gone_together():
    spec = one(rendered(), "Deployment")["spec"]
    assert spec["replicas"] == 2
    keys = [item["topologyKey"] for item in pod()["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    budget = one(rendered(), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_the_pod_has_no_privilege(values):
    limits = container(values)["securityContext"]
    assert limits["readOnlyRootFilesystem"]
    assert not limits["allowPrivilegeEscalation"]
    assert limits["capabilities"] == {"drop": ["ALL"]}
    whole = pod(values)["securityContext"]
    assert whole["runAsNonRoot"]
    assert whole["runAsUser"] == 65532
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert set(container(values)["resources"]) == {"requests", "limits"}
    for volume in pod(values)["volumes"]:
        assert volume.get("emptyDir") is None or "sizeLimit" in volume["emptyDir"]


def test_the_token_is_for_the_pod_alone():
    assert one(rendered(), "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod()["automountServiceAccountToken"] is True


def test_the_documents_are_mounted_as_a_folder():
    (mount,) = [item for item in container()["volumeMounts"] if item["name"] == "documents"]
    assert "subPath" not in mount
    assert mount["readOnly"]
    (volume,) = [item for item in pod()["volumes"] if item["name"] == "documents"]
    assert (
        volume["configMap"]["name"]
        == one(rendered(), "ConfigMap", "tidegate-documents")["metadata"]["name"]
    )


def test_own_documents_take_the_place_of_the_first_ones():
    text = "apiVersion: tidegate.io/v1alpha1\nkind: Cluster\nmetadata: {name: home}\n"
    manifests = rendered({"documents": {"mine.yaml": text}})
    assert one(manifests, "ConfigMap", "tidegate-documents")["data"] == {"mine.yaml": text}


def test_documents_that_somebody_else_writes_are_only_mounted():
    values = {"existingDocuments": "fleet"}
    assert not [item for item in rendered(values) if item["kind"] == "ConfigMap"]
    (volume,) = [item for item in pod(values)["volumes"] if item["name"] == "documents"]
    assert volume["configMap"] == {"name": "fleet"}


def test_a_digest_takes_the_place_of_the_tag():
    digest = f"sha256:{'a' * 64}"
    assert container({"image": {"digest": digest}})["image"] == f"tidegate@{digest}"
    assert container({"image": {"tag": "0.2.0"}})["image"] == "tidegate:0.2.0"


def test_a_kubeconfig_is_mounted_for_its_group_alone():
    values = {"kubeconfig": {"secret": "clusters", "key": "kubeconfig"}}
    variables = {item["name"]: item.get("value") for item in container(values)["env"]}
    assert variables["KUBECONFIG"] == "/etc/tidegate-kubeconfig/kubeconfig"
    (volume,) = [item for item in pod(values)["volumes"] if item["name"] == "kubeconfig"]
    assert volume["secret"] == {"secretName": "clusters", "defaultMode": 0o440}


def test_the_daemon_is_told_who_it_is():
    told = {
        item["name"]: item["valueFrom"]["fieldRef"]["fieldPath"]
        for item in container()["env"]
        if "valueFrom" in item
    }
    assert told == {
        "POD_NAME": "metadata.name",
        "POD_UID": "metadata.uid",
        "POD_NAMESPACE": "metadata.namespace",
    }


def test_nobody_but_prometheus_reaches_the_pages():
    policy = one(rendered(), "NetworkPolicy")["spec"]
    (rule,) = policy["ingress"]
    assert rule["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == ["monitoring"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]
    closed = rendered({"networkPolicy": {"metricsFrom": {"namespaces": []}}})
    assert one(closed, "NetworkPolicy")["spec"]["ingress"] == []


def test_the_daemon_reaches_names_and_api_servers_and_what_is_added():
    policy = one(rendered(FULL), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    ports = [[port["port"] for port in rule["ports"]] for rule in policy["egress"]]
    assert ports == [[53, 53], [443, 6443], [9090]]
    assert "to" not in policy["egress"][0]


def test_alerts_and_dashboard_come_where_they_are_asked_for():
    assert not {item["kind"] for item in rendered()} & ABSENT_KINDS
    full = rendered(FULL)
    rules = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    assert one(full, "PrometheusRule")["spec"] == rules
    assert one(full, "PrometheusRule")["metadata"]["labels"]["release"] == "prometheus"
    board = one(full, "ConfigMap", "tidegate-dashboard")
    assert board["data"]["tidegate.json"] == (CHART / "files" / "dashboard.json").read_text()
    service = one(full, "Service")
    monitor = one(full, "ServiceMonitor")["spec"]
    labels = service["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()


def test_the_notes_say_what_it_may_do():
    assert "the workloads of: ml, web." in notes({"namespaces": ["ml", "web"]})
    assert "touches nothing" in notes()
    assert "create token tidegate" in notes({"rightsOnly": True})


def test_documents_are_read_from_custom_resources_where_that_is_asked_for():
    assert "--crds=in-cluster" not in container()["args"]
    assert "--crds=in-cluster" in container({"customResources": True})["args"]
