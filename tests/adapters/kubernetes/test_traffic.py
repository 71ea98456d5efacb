"""The published table of shares."""

import pytest

from adapters.base import Refused
from adapters.kubernetes import marks
from adapters.kubernetes.shapes import ConfigMap, Meta
from adapters.kubernetes.traffic import read_shares, shares_of, write_share
from adapters.kubernetes.view import View
from tests.adapters.kubernetes.order_worlds import GPU, SEARCH, SPARE, a_setting
from tests.doubles.api_worlds import Api


def test_an_entry_that_makes_no_sense_is_no_entry() -> None:
    told = {"search_gpu": "0.25", "search_spare": "lots", "search": "1", "chat_gpu": "7"}
    table = ConfigMap(metadata=Meta(name=marks.TRAFFIC, namespace="ml"), data=told)
    view = View(tables={("ml", marks.TRAFFIC): table})
    assert shares_of(view, a_setting()) == {"search": {"gpu": 0.25}}
    assert shares_of(View(), a_setting()) == {}


async def test_the_table_is_made_with_the_first_share_and_carries_our_mark(api: Api) -> None:
    setting = a_setting(api.namespace)
    assert await read_shares(api.client, setting, SEARCH) == {}
    assert await write_share(api.client, setting, SEARCH, GPU, 0.25) == {GPU: 0.25}
    table = await api.get(api.path("v1", "configmaps", marks.TRAFFIC))
    assert table["data"] == {"search_gpu": "0.25"}
    assert table["metadata"]["labels"][marks.MANAGED_BY] == marks.OURS


async def test_each_entry_is_written_for_itself_and_leaves_with_its_share(api: Api) -> None:
    setting = a_setting(api.namespace)
    await write_share(api.client, setting, SEARCH, GPU, 1.0)
    await write_share(api.client, setting, SEARCH, SPARE, 1 / 3)
    assert await read_shares(api.client, setting, SEARCH) == {GPU: 1.0, SPARE: 0.333333}
    assert await write_share(api.client, setting, SEARCH, GPU, 0.0) == {SPARE: 0.333333}
    table = await api.get(api.path("v1", "configmaps", marks.TRAFFIC))
    assert table["data"] == {"search_spare": "0.333333"}


async def test_a_share_that_is_so_already_is_not_written(api: Api) -> None:
    setting = a_setting(api.namespace)
    path = api.path("v1", "configmaps", marks.TRAFFIC)
    await write_share(api.client, setting, SEARCH, GPU, 0.5)
    before = (await api.get(path))["metadata"]["resourceVersion"]
    await write_share(api.client, setting, SEARCH, GPU, 0.5)
    await write_share(api.client, setting, SEARCH, SPARE, 0.0)
    assert (await api.get(path))["metadata"]["resourceVersion"] == before


async def test_a_home_that_is_not_there_is_named(api: Api) -> None:
    setting = a_setting(f"{api.namespace}-gone")
    with pytest.raises(Refused, match=f"{api.namespace}-gone"):
        await write_share(api.client, setting, SEARCH, GPU, 0.5)
