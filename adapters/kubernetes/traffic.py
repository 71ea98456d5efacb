"""Traffic: the published table of which share of a service's requests goes to which pool."""

from collections.abc import Mapping

import msgspec

from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.door import allowed, asked
from adapters.kubernetes.faults import Conflict, NotThere
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import ConfigMap
from scheduler.domain.names import PoolName, WorkloadName

Shares = dict[WorkloadName, dict[PoolName, float]]


async def read_shares(
    client: Client, setting: Setting, workload: WorkloadName
) -> dict[PoolName, float]:
    """The shares of one service as they are now."""
    with asked(f"the traffic table in {setting.access.home}"):
        table = await _table(client, setting)
    return _shares(table).get(workload, {}) if table else {}


async def write_share(
    client: Client, setting: Setting, workload: WorkloadName, pool: PoolName, share: float
) -> None:
    """Set one entry, or take it out when the share is 0. Nothing is sent when it is so already."""
    home, key = setting.access.home, marks.traffic_key(workload, pool)
    allowed(setting, home)
    with asked(f"the traffic table in {home}"):
        table = await _table(client, setting)
        there, text = (table.data if table else {}).get(key), _text(share)
        if there != text or (table is not None and not marks.ours(table.metadata.labels)):
            await _written(client, setting, table, {key: text})


async def _written(
    client: Client, setting: Setting, table: ConfigMap | None, data: Mapping[str, str | None]
) -> None:
    if table is None:
        try:
            await client.create(_collection(setting), _new(setting, data))
        except Conflict:
            pass  # Somebody made it in between: then it is there to be patched.
        else:
            return
    # Without our mark the table is never observed.
    marked = {"labels": {marks.MANAGED_BY: marks.OURS}}
    await client.patch(_path(setting), {"metadata": marked, "data": dict(data)})


async def _table(client: Client, setting: Setting) -> ConfigMap | None:
    try:
        return msgspec.json.decode(await client.get(_path(setting)), type=ConfigMap)
    except NotThere:
        return None


def _new(setting: Setting, data: Mapping[str, str | None]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": marks.TRAFFIC,
            "namespace": setting.access.home,
            "labels": {marks.MANAGED_BY: marks.OURS},
        },
        "data": {key: text for key, text in data.items() if text is not None},
    }


def _shares(table: ConfigMap) -> Shares:
    told: Shares = {}
    for key, text in table.data.items():
        workload, mark, pool = key.partition("_")
        share = _share(text)
        if mark and share is not None:
            told.setdefault(WorkloadName(workload), {})[PoolName(pool)] = share
    return told


def _share(text: str) -> float | None:
    """An entry that a person has spoilt is no entry."""
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0.0 < share <= 1.0 else None


def _text(share: float) -> str | None:
    rounded = round(share, 6)
    return f"{rounded:g}" if rounded > 0.0 else None


def _collection(setting: Setting) -> str:
    return f"/api/v1/namespaces/{setting.access.home}/configmaps"


def _path(setting: Setting) -> str:
    return f"{_collection(setting)}/{marks.TRAFFIC}"
