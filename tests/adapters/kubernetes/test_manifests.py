"""What is made of a template for one pool."""

from copy import deepcopy
from typing import Any

import pytest

from adapters.base import Refused
from adapters.kubernetes import marks
from adapters.kubernetes.manifests import deployment, gpu_amount, job, service, template_of
from scheduler.domain.bindings import Owned
from tests.adapters.kubernetes.order_worlds import (
    GPU,
    IMAGE,
    SPARE,
    WORLD,
    a_setting,
    an_owned,
    an_owned_job,
    replicas,
    workers,
)

SETTING = a_setting()


def pod_of(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["spec"]["template"]["spec"])


def owned(**template: Any) -> Owned:
    return Owned(namespace="ml", template=template)


def test_a_replica_goes_to_its_pool_and_gets_its_gpus() -> None:
    pod = pod_of(deployment(replicas(3), SETTING, an_owned("ml")))
    assert pod["nodeSelector"] == {WORLD: "ml.gpu"}
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod[
        "tolerations"
    ]
    resources = pod["containers"][0]["resources"]
    assert resources["limits"] == {"nvidia.com/gpu": "1"}
    assert resources["requests"] == {"cpu": "500m", "memory": "256Mi", "nvidia.com/gpu": "1"}


def test_a_deployment_is_marked_as_ours_and_for_its_workload_and_pool() -> None:
    body = deployment(replicas(3, key="place/search"), SETTING, an_owned("ml"))
    assert body["metadata"]["name"] == marks.option_name(replicas(1).workload, GPU)
    assert body["metadata"]["labels"] == {
        marks.MANAGED_BY: marks.OURS,
        marks.WORKLOAD: "search",
        marks.POOL: "gpu",
        "app.kubernetes.io/name": "search",
    }
    assert body["metadata"]["annotations"][marks.KEY] == "place/search"
    selected = body["spec"]["selector"]["matchLabels"].items()
    assert selected <= body["spec"]["template"]["metadata"]["labels"].items()


def test_what_the_template_says_itself_stays() -> None:
    bearing = {"key": "team", "operator": "Exists"}
    runs = owned(
        metadata={"labels": {"team": "ml"}},
        spec={
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [bearing],
            "containers": [
                {"name": "main", "image": IMAGE, "resources": {"requests": {"cpu": "3"}}}
            ],
        },
    )
    given = deepcopy(runs.template)
    template = deployment(replicas(1), SETTING, runs)["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "ml"
    assert template["spec"]["nodeSelector"]["disk"] == "ssd"
    assert template["spec"]["tolerations"][0] == bearing
    assert template["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "3"
    assert runs.template == given


def test_a_sidecar_s_cpu_is_what_the_template_asks_for() -> None:
    asking = {"name": "proxy", "resources": {"limits": {"cpu": "1"}}}
    runs = owned(spec={"containers": [{"name": "main"}, asking]})
    requests = pod_of(deployment(replicas(1), SETTING, runs))["containers"][0]["resources"]
    assert "cpu" not in requests["requests"]


def test_the_gpus_go_to_the_container_that_the_template_names() -> None:
    runs = owned(
        metadata={"annotations": {marks.CONTAINER: "model"}},
        spec={"containers": [{"name": "proxy"}, {"name": "model"}]},
    )
    proxy, model = pod_of(deployment(replicas(1), SETTING, runs))["containers"]
    assert "resources" not in proxy
    assert model["resources"]["limits"] == {"nvidia.com/gpu": "1"}


@pytest.mark.parametrize(
    "template",
    [
        {"spec": {"containers": []}},
        {
            "metadata": {"annotations": {marks.CONTAINER: "model"}},
            "spec": {"containers": [{"name": "main"}]},
        },
    ],
)
def test_a_template_without_the_container_is_refused(template: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="no container"):
        deployment(replicas(1), SETTING, owned(**template))


@pytest.mark.parametrize(
    ("gpus", "unit", "count"),
    [
        (0.0, 1.0, 0),
        (1.0, 1.0, 1),
        (8.0, 1.0, 8),
        (0.5, 1.0, 1),
        (0.25, 0.25, 1),
        (1.0, 0.25, 4),
        (0.3, 0.25, 2),
        (1 / 7, 1 / 7, 1),
        (3 / 7, 3 / 7, 1),
        (3 / 7, 1 / 7, 3),
    ],
)
def test_fractions_of_a_gpu_take_whole_slices_and_never_too_few(
    gpus: float, unit: float, count: int
) -> None:
    assert gpu_amount(gpus, unit) == count


def test_the_only_replica_stays_until_its_successor_serves() -> None:
    rolling = deployment(replicas(1), SETTING, an_owned("ml"))["spec"]["strategy"]
    assert rolling["rollingUpdate"]["maxUnavailable"] == 0
    rolling = deployment(replicas(2), SETTING, an_owned("ml"))["spec"]["strategy"]
    assert rolling["rollingUpdate"]["maxUnavailable"] == 1


def test_the_digest_changes_with_the_documents_and_not_with_numbers() -> None:
    runs = an_owned("ml", port=80)
    digest = template_of(deployment(replicas(1), SETTING, runs))
    assert template_of(deployment(replicas(9, key="x"), SETTING, runs, 0.25)) == digest
    assert template_of(deployment(replicas(1), SETTING, an_owned("ml", port=81))) != digest
    changed = an_owned("ml", port=80, priorityClassName="high")
    assert template_of(deployment(replicas(1), SETTING, changed)) != digest
    assert template_of(deployment(replicas(1, pool=SPARE), SETTING, runs)) != digest


def test_a_service_leads_to_the_replicas_of_its_own_pool() -> None:
    body = service(replicas(1), an_owned("ml"), 8000)
    assert body["spec"]["selector"] == {marks.WORKLOAD: "search", marks.POOL: "gpu"}
    assert body["spec"]["ports"][0]["port"] == 8000


def test_a_gang_is_an_indexed_job_that_stands_still() -> None:
    spec = job(workers(2), SETTING, an_owned_job("ml"))["spec"]
    assert (spec["completionMode"], spec["suspend"]) == ("Indexed", True)
    assert (spec["parallelism"], spec["completions"]) == (2, 2)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_a_worker_that_was_evicted_has_not_failed() -> None:
    rules = job(workers(2), SETTING, an_owned_job("ml"))["spec"]["podFailurePolicy"]["rules"]
    assert rules[0]["action"] == "Ignore"
    assert rules[0]["onPodConditions"][0]["type"] == "DisruptionTarget"
    restarting = an_owned_job("ml", restartPolicy="OnFailure")
    assert "podFailurePolicy" not in job(workers(2), SETTING, restarting)["spec"]


def test_a_gang_of_kueue_is_nominated_for_the_queue_of_its_pool() -> None:
    setting = a_setting(queue="team-a")
    body = job(workers(2), setting, an_owned_job("ml", kueue=True))
    assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    with pytest.raises(Refused, match="queue"):
        job(workers(2), SETTING, an_owned_job("ml", kueue=True))
