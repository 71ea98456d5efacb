"""Following: the newest objects of one kind, by list and watch, for players and tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Gone, KubernetesError

Object = dict[str, Any]
BREATH_S = 0.05
"""Between a broken watch and the next list: a server that is down is not hammered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one object. `gone`: as it was last."""

    object: Object
    gone: bool = False


class Following:
    """Calls `told` for each object that is there, and for each change, until it is cancelled."""

    def __init__(
        self,
        client: Client,
        path: str,
        told: Callable[[Change], None],
        params: Mapping[str, str] | None = None,
    ) -> None:
        self._client, self._path, self._told = client, path, told
        self._params = dict(params or {})
        self._known: dict[str, Object] = {}

    async def run(self) -> None:
        """Never ends by itself; whatever breaks is begun again."""
        version: str | None = None
        while True:
            try:
                if version is None:
                    version = await self._list()
                async for kind, thing in self._events(version):
                    version = thing["metadata"]["resourceVersion"]
                    self._take(kind, thing)
            except Gone:
                version = None
            except KubernetesError:
                version = None
                await asyncio.sleep(BREATH_S)

    async def _list(self) -> str:
        answer = json.loads(await self._client.get(self._path, self._params))
        listed = {one["metadata"]["uid"]: one for one in answer["items"]}
        for uid in self._known.keys() - listed.keys():
            self._take("DELETED", self._known[uid])
        for one in listed.values():
            self._take("ADDED", one)
        return str(answer["metadata"]["resourceVersion"])

    async def _events(self, version: str) -> AsyncIterator[tuple[str, Object]]:
        asked = {
            **self._params,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
        }
        async with self._client.stream(self._path, asked) as chunks:
            rest = b""
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise Gone(410, "Expired", "the watch is too old")
                    yield event["type"], event["object"]

    def _take(self, kind: str, thing: Object) -> None:
        if kind == "BOOKMARK":
            return
        uid = thing["metadata"]["uid"]
        if kind == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = thing
        self._told(Change(object=thing, gone=kind == "DELETED"))
