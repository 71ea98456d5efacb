"""A corner of an API server, double or real, in which a test may do what it likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx

from adapters.kubernetes.client import APPLY, Client, Connection
from adapters.kubernetes.faults import KINDS, ApiError, NotThere

T = TypeVar("T")
Object = dict[str, Any]
PATIENCE_S = 30.0
"""For what a server does by itself. A test that passes waits for a small part of it."""


class Server(Protocol):
    """What the double and the real control plane have in common."""

    @property
    def server(self) -> str:
        """Its address."""
        ...

    def connection(self, token: str | None = None) -> Connection:
        """The way in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One namespace on one server."""

    client: Client
    namespace: str
    server: Server
    real: bool

    def path(self, group_version: str, plural: str, name: str = "") -> str:
        """Of a collection in the namespace, or of one object: `path("apps/v1", "deployments")`."""
        root = "/apis" if "/" in group_version else "/api"
        end = f"/{name}" if name else ""
        return f"{root}/{group_version}/namespaces/{self.namespace}/{plural}{end}"

    async def raw(
        self, method: str, path: str, body: object = None, **more: Mapping[str, str]
    ) -> Object:
        """As somebody else than our client: `params` and `headers` are taken as they are."""
        way = self.server.connection()
        headers = {"Content-Type": "application/json", **more.get("headers", {})}
        params = more.get("params")
        async with httpx.AsyncClient(base_url=way.server, verify=way.tls, trust_env=False) as http:
            answer = await http.request(method, path, json=body, headers=headers, params=params)
        told = dict(answer.json())
        if answer.is_error:
            kind = KINDS.get(answer.status_code, ApiError)
            raise kind(answer.status_code, told["reason"], told["message"])
        return told

    async def apply_as(self, manager: str, path: str, body: Object) -> Object:
        """Server-side apply by another manager than us."""
        headers, asked = {"Content-Type": APPLY}, {"fieldManager": manager}
        return await self.raw("PATCH", path, body, headers=headers, params=asked)

    async def get(self, path: str, **params: str) -> Object:
        """As plain JSON."""
        return loaded(await self.client.get(path, params))

    async def create(self, path: str, body: Object) -> Object:
        """Likewise."""
        return loaded(await self.client.create(path, body))

    async def patch(self, path: str, body: object, kind: str | None = None) -> Object:
        """Likewise."""
        raw = await (self.client.patch(path, body, kind) if kind else self.client.patch(path, body))
        return loaded(raw)


def loaded(raw: bytes) -> Object:
    """The JSON object in an answer."""
    return dict(json.loads(raw))


@asynccontextmanager
async def a_corner(server: Server, namespace: str, *, real: bool) -> AsyncIterator[Api]:
    """A fresh namespace, and away with it at the end."""
    client = Client(server.connection(), deadline_s=10.0)
    made = loaded(await client.create("/api/v1/namespaces", {"metadata": {"name": namespace}}))
    api = Api(client=client, namespace=namespace, server=server, real=real)
    try:
        if real:
            # Pods are refused before that.
            await until(lambda: api.get(api.path("v1", "serviceaccounts", "default")))
        yield api
    finally:
        await client.delete(f"/api/v1/namespaces/{namespace}", uid=made["metadata"]["uid"])
        await client.close()


async def until(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` tells once it is true; what it cannot find yet is asked for again."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if told := await ask():
                        return told
                except NotThere:
                    pass
                await asyncio.sleep(0.02)  # The server acts on its own: there is no event to await.
    except TimeoutError:
        raise AssertionError(f"not so within {PATIENCE_S:g} s") from None


async def refused(kind: type[ApiError], asked: Awaitable[object]) -> ApiError:
    """The refusal of a call that must not succeed."""
    try:
        answer = await asked
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got {str(answer)[:200]}")
