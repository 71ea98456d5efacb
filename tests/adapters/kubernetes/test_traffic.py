"""The published table of shares."""

import pytest

from adapters.base import Refused
from adapters.kubernetes import marks
from adapters.kubernetes.traffic import read_shares, write_share
from scheduler.domain.names import WorkloadName
from tests.adapters.kubernetes.order_worlds import GPU, SEARCH, SPARE, a_setting
from tests.doubles.api_worlds import Api


async def a_table(api: Api, **data: str) -> None:
    """Made by a person, without our mark."""
    body = {"metadata": {"name": marks.TRAFFIC}, "data": data}
    await api.create(api.path("v1", "configmaps"), body)


async def test_an_entry_that_makes_no_sense_is_no_entry(api: Api) -> None:
    await a_table(api, search_gpu="0.25", search_spare="lots", search="1", chat_gpu="7")
    setting = a_setting(api.namespace)
    assert await read_shares(api.client, setting, SEARCH) == {GPU: 0.25}
    assert await read_shares(api.client, setting, WorkloadName("chat")) == {}


async def test_a_table_that_lost_our_mark_gets_it_back_and_keeps_its_entries(api: Api) -> None:
    await a_table(api, search_gpu="0.25", chat_gpu="1")
    await write_share(api.client, a_setting(api.namespace), SEARCH, GPU, 0.25)
    table = await api.get(api.path("v1", "configmaps", marks.TRAFFIC))
    assert table["metadata"]["labels"][marks.MANAGED_BY] == marks.OURS
    assert table["data"] == {"search_gpu": "0.25", "chat_gpu": "1"}


async def test_the_table_is_made_with_the_first_share_and_carries_our_mark(api: Api) -> None:
    setting = a_setting(api.namespace)
    assert await read_shares(api.client, setting, SEARCH) == {}
    await write_share(api.client, setting, SEARCH, GPU, 0.25)
    table = await api.get(api.path("v1", "configmaps", marks.TRAFFIC))
    assert table["data"] == {"search_gpu": "0.25"}
    assert table["metadata"]["labels"][marks.MANAGED_BY] == marks.OURS


async def test_each_entry_is_written_for_itself_and_leaves_with_its_share(api: Api) -> None:
    setting = a_setting(api.namespace)
    await write_share(api.client, setting, SEARCH, GPU, 1.0)
    await write_share(api.client, setting, SEARCH, SPARE, 1 / 3)
    assert await read_shares(api.client, setting, SEARCH) == {GPU: 1.0, SPARE: 0.333333}
    await write_share(api.client, setting, SEARCH, GPU, 0.0)
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
