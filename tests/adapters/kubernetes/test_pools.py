"""A node belongs to the pool that its labels say, and pods reach exactly these nodes."""

from dataclasses import replace

import pytest

from adapters.kubernetes.marks import POOL
from adapters.kubernetes.pools import (
    bears,
    expected_gpus,
    pool_of,
    reachable,
    run_by_others,
    selector_of,
    tolerations_of,
)
from adapters.kubernetes.shapes import Taint
from scheduler.domain.bindings import Toleration
from scheduler.domain.names import PoolName
from scheduler.domain.places import Contract
from tests.adapters.adapter_worlds import a_pool
from tests.adapters.kubernetes.view_worlds import POOL_LABEL, a_node, a_setting, bound, taint

POOL_NAME = PoolName("pool")
PROVIDERS = [
    ("aws", POOL_LABEL),
    ("azure", "kubernetes.azure.com/agentpool"),
    ("gcp", "cloud.google.com/gke-nodepool"),
    ("aliyun", "alibabacloud.com/nodepool-id"),
    ("on-premises", POOL),
]


def of(label: str, value: str):
    return a_node(pool="elsewhere", labels={label: value})


@pytest.mark.parametrize(("provider", "label"), PROVIDERS)
def test_the_providers_label_of_the_group_tells_the_pool(provider: str, label: str) -> None:
    setting = a_setting(provider=provider, bindings=(bound(group="np-1"),))
    node = of(label, "np-1" if label != POOL else "pool")
    assert pool_of(node, setting) == POOL_NAME
    if label != POOL:
        assert selector_of(POOL_NAME, setting) == {label: "np-1"}
        assert reachable(node, POOL_NAME, setting)


def test_a_pool_without_a_binding_is_a_group_of_its_name() -> None:
    assert pool_of(a_node(pool="pool"), a_setting()) == POOL_NAME
    assert pool_of(a_node(pool="other"), a_setting()) is None


def test_our_own_label_comes_before_all_others() -> None:
    setting = a_setting(a_pool("pool"), a_pool("spare"))
    node = a_node(pool="pool", labels={POOL: "spare"})
    assert pool_of(node, setting) == "spare"
    assert pool_of(a_node(pool="pool", labels={POOL: "gone"}), setting) is None


def test_labels_of_the_binding_take_the_place_of_the_group() -> None:
    wanted = {"shape": "a100", "tier": "spot"}
    setting = a_setting(bindings=(bound(labels=wanted),))
    assert selector_of(POOL_NAME, setting) == wanted
    assert pool_of(a_node(pool="x", labels=wanted), setting) == POOL_NAME
    assert pool_of(a_node(pool="pool", labels={"shape": "a100"}), setting) is None


def test_a_group_may_name_its_label() -> None:
    setting = a_setting(bindings=(bound(group="karpenter.sh/nodepool=gpu"),))
    assert selector_of(POOL_NAME, setting) == {"karpenter.sh/nodepool": "gpu"}
    assert pool_of(of("karpenter.sh/nodepool", "gpu"), setting) == POOL_NAME
    assert pool_of(of("karpenter.sh/nodepool", "cpu"), setting) is None


@pytest.mark.parametrize(
    ("provider", "label"),
    [("aliyun", "node.alibabacloud.com/nodepool-id"), ("aws", "karpenter.sh/nodepool")],
)
def test_a_node_known_by_another_label_counts_though_pods_do_not_reach_it(
    provider: str, label: str
) -> None:
    setting = a_setting(provider=provider, bindings=(bound(group="np-1"),))
    node = of(label, "np-1")
    assert pool_of(node, setting) == POOL_NAME
    assert not reachable(node, POOL_NAME, setting)


def test_two_settings_do_not_mix_up_their_pools() -> None:
    one = a_setting(bindings=(bound(group="np-1"),))
    two = replace(one, bindings=a_setting(bindings=(bound(group="np-2"),)).bindings)
    node = a_node(pool="np-2")
    assert pool_of(node, one) is None
    assert pool_of(node, two) == POOL_NAME


def test_pods_bear_what_the_binding_says_and_what_gpu_nodes_usually_carry() -> None:
    own = Toleration(key="dedicated", value="ml", effect="NoExecute")
    setting = a_setting(bindings=(bound(tolerations=(own, Toleration(key="any"))),))
    assert tolerations_of(POOL_NAME, setting) == [
        {"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoExecute"},
        {"key": "any", "operator": "Exists"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]


def test_pods_for_spot_nodes_bear_the_taints_of_spot_nodes() -> None:
    spot = {"key": "kubernetes.azure.com/scalesetpriority", "value": "spot"}
    setting = a_setting(a_pool(contract=Contract.SPOT), provider="azure")
    assert any(spot.items() <= told.items() for told in tolerations_of(POOL_NAME, setting))
    owned = a_setting(provider="azure")
    assert not any(spot.items() <= told.items() for told in tolerations_of(POOL_NAME, owned))


@pytest.mark.parametrize(
    ("told", "borne"),
    [
        (taint("nvidia.com/gpu", value="present"), True),
        (taint("nvidia.com/gpu", "NoExecute"), False),
        (taint("dedicated", value="ml"), True),
        (taint("dedicated", value="web"), False),
        (taint("any", "NoExecute", "x"), True),
        (taint("else"), False),
    ],
)
def test_a_taint_is_borne_by_key_value_and_effect(told: dict[str, str], borne: bool) -> None:
    tolerations = (Toleration(key="dedicated", value="ml"), Toleration(key="any"))
    setting = a_setting(bindings=(bound(tolerations=tolerations),))
    assert bears(Taint(**told), POOL_NAME, setting) is borne


@pytest.mark.parametrize(
    ("node", "name"),
    [
        (of("karpenter.sh/nodepool", "x"), "Karpenter"),
        (of("eks.amazonaws.com/compute-type", "auto"), "EKS Auto Mode"),
        (a_node(taints=(taint("ToBeDeletedByClusterAutoscaler"),)), "cluster-autoscaler"),
        (a_node(), ""),
    ],
)
def test_another_autoscaler_shows_by_its_labels_and_taints(node, name: str) -> None:
    assert run_by_others(node) == name


def test_a_pool_expects_the_gpus_that_it_declares() -> None:
    assert expected_gpus(a_pool(), bound()) == 8.0
    assert expected_gpus(a_pool(), bound(resource="")) == 0.0
