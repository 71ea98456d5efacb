"""Weights of an HTTPRoute."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Refused
from adapters.kubernetes.routes import weigh, weights
from adapters.kubernetes.setting import Setting
from scheduler.domain.bindings import Route
from scheduler.domain.names import PoolName
from tests.adapters.kubernetes.order_worlds import (
    GPU,
    SEARCH,
    SPARE,
    a_kind,
    a_setting,
    an_adopted,
    an_owned,
)
from tests.doubles.api_worlds import Api

GROUP = "gateway.networking.k8s.io"
Ref = dict[str, Any]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(1e-6, 1.0), min_size=1))
def test_weights_add_up_and_no_share_is_lost(shares: dict[str, float]) -> None:
    given_to = weights({PoolName(pool): share for pool, share in shares.items()})
    assert sum(given_to.values()) == 1000
    assert all(weight >= 1 for weight in given_to.values())
    total = sum(shares.values())
    for pool, share in shares.items():
        assert given_to[PoolName(pool)] == pytest.approx(1000 * share / total, abs=len(shares) + 1)


def ref(name: str, weight: int, port: int = 8000) -> Ref:
    return {"name": name, "port": port, "weight": weight}


async def a_route(api: Api, *refs: Ref) -> None:
    if api.real:
        await a_kind(api, GROUP, "v1", "httproutes", "HTTPRoute")
    rules = [{"backendRefs": [ref("other", 1)]}, {"backendRefs": list(refs)}]
    await api.create(
        api.path(f"{GROUP}/v1", "httproutes"),
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "front"},
            "spec": {"parentRefs": [{"name": "gateway"}], "rules": rules},
        },
    )


async def weights_of(api: Api) -> dict[str, int]:
    route = await api.get(api.path(f"{GROUP}/v1", "httproutes", "front"))
    assert route["spec"]["rules"][0] == {"backendRefs": [ref("other", 1)]}
    return {each["name"]: each["weight"] for each in route["spec"]["rules"][1]["backendRefs"]}


def adopting(api: Api) -> Setting:
    """Two Services of somebody else stand for the pools."""
    backends = {GPU: "search-a", SPARE: "search-b"}
    return a_setting(
        api.namespace,
        search=an_adopted(api.namespace, gpu="search-a", spare="search-b"),
        route=Route(namespace=api.namespace, name="front", rule=1, backends=backends),
    )


def owning(api: Api) -> Setting:
    """The Services of the pools are of our making."""
    return a_setting(
        api.namespace,
        search=an_owned(api.namespace, port=8000),
        route=Route(namespace=api.namespace, name="front", rule=1),
    )


async def test_weights_follow_the_shares_and_other_backends_stay(api: Api) -> None:
    await a_route(api, ref("canary", 3), ref("search-a", 1), ref("search-b", 1))
    await weigh(api.client, adopting(api), SEARCH, {GPU: 0.3, SPARE: 0.1})
    assert await weights_of(api) == {"canary": 3, "search-a": 750, "search-b": 250}
    await weigh(api.client, adopting(api), SEARCH, {GPU: 1.0})
    assert await weights_of(api) == {"canary": 3, "search-a": 1000, "search-b": 0}


async def test_a_missing_backend_is_asked_on_the_port_of_its_sibling(api: Api) -> None:
    await a_route(api, ref("search-a", 1, port=9000))
    await weigh(api.client, adopting(api), SEARCH, {GPU: 0.5, SPARE: 0.5})
    assert await weights_of(api) == {"search-a": 500, "search-b": 500}


async def test_a_service_of_our_making_is_a_backend_while_it_has_a_share(api: Api) -> None:
    await a_route(api)
    await weigh(api.client, owning(api), SEARCH, {GPU: 0.5, SPARE: 0.5})
    assert await weights_of(api) == {"search-gpu": 500, "search-spare": 500}
    await weigh(api.client, owning(api), SEARCH, {SPARE: 0.5})
    assert await weights_of(api) == {"search-spare": 1000}


async def test_weights_that_are_so_already_or_all_zero_are_not_written(api: Api) -> None:
    await a_route(api, ref("search-a", 1), ref("search-b", 1))
    path = api.path(f"{GROUP}/v1", "httproutes", "front")
    await weigh(api.client, adopting(api), SEARCH, {GPU: 0.5, SPARE: 0.5})
    before = (await api.get(path))["metadata"]["resourceVersion"]
    for shares in ({GPU: 0.2, SPARE: 0.2}, {GPU: 0.0}, {}):
        await weigh(api.client, adopting(api), SEARCH, shares)
    assert (await api.get(path))["metadata"]["resourceVersion"] == before


async def test_a_route_or_rule_that_is_not_there_is_refused_by_its_name(api: Api) -> None:
    with pytest.raises(Refused, match="front"):
        await weigh(api.client, adopting(api), SEARCH, {GPU: 1.0})
    await a_route(api)
    setting = a_setting(
        api.namespace,
        search=an_owned(api.namespace, port=8000),
        route=Route(namespace=api.namespace, name="front", rule=7),
    )
    with pytest.raises(Refused, match="no rule 7"):
        await weigh(api.client, setting, SEARCH, {GPU: 1.0})


async def test_a_pool_without_a_backend_is_refused(api: Api) -> None:
    await a_route(api, ref("search-a", 1))
    setting = a_setting(
        api.namespace,
        search=an_adopted(api.namespace, gpu="search-a"),
        route=Route(namespace=api.namespace, name="front", rule=1, backends={GPU: "search-a"}),
    )
    with pytest.raises(Refused, match="spare"):
        await weigh(api.client, setting, SEARCH, {SPARE: 1.0})
