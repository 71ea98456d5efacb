"""The client: bytes to and from one API server, each call with a deadline, each write fenced."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import httpx
import msgspec

from adapters.kubernetes.faults import KINDS, ApiError, Silent

T = TypeVar("T")

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
MANAGER = "tidegate"
"""Our name as field manager, on every write."""
WRITTEN_WITHOUT_MANAGER = "DELETE"

BROKEN = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)
"""What the transport raises when there is no answer, or one that is no HTTP."""


class Status(msgspec.Struct, gc=False):
    """The part of a Status object that tells what went wrong."""

    message: str = ""
    reason: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one API server. Made by `adapters.kubernetes.access`."""

    server: str
    """As https://host:6443, without a slash at the end."""
    tls: ssl.SSLContext | bool = True
    server_name: str | None = None
    """The name that its certificate bears, where it is not the host's."""
    proxy: str | None = field(default=None, repr=False)
    """May hold a password."""
    headers: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    """The Authorization header as it is now: tokens are renewed. None: TLS alone tells who."""
    renew: Callable[[Mapping[str, str]], Awaitable[bool]] | None = None
    """Told the headers that a 401 refused; whether there are others, or another certificate, now.
    """


class Fence(Protocol):
    """Asked before every write. Raises Fenced where we may not write (any more)."""

    def __call__(self) -> None:
        """Raises Fenced."""
        ...


def unfenced() -> None:
    """For who needs no leader: tests, and the election itself."""


class Client:
    """One API server. Raises ApiError (by kind), Silent, AccessError, from writes Fenced; no other.

    No call is tried twice here: each answer is told, and the next tick asks anew. One exception:
    a read that is refused with 401 is asked again if the credentials could be renewed. The
    deadline is over the whole call, for a server may drip for ever without a single read timing
    out.
    """

    def __init__(
        self, connection: Connection, *, deadline_s: float = 5.0, fence: Fence = unfenced
    ) -> None:
        self._connection, self._deadline_s, self._fence = connection, deadline_s, fence
        self._http = self._opened_http()

    @property
    def server(self) -> str:
        """The address that it speaks to."""
        return self._connection.server

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> bytes:
        """One object or list. A page of large objects may be given a longer deadline."""
        async with self._within(deadline_s):
            headers = await self._auth()
            response = await self._read(path, params, headers)
            if response.status_code == 401 and await self._renewed(headers):
                response = await self._read(path, params, await self._auth())
        return _content(response)

    async def create(self, path: str, body: object) -> bytes:
        """POST `body` (anything msgspec encodes) to a collection or subresource."""
        return await self._written("POST", path, body, "application/json")

    async def replace(self, path: str, body: object) -> bytes:
        """PUT the whole object; its resourceVersion must be the newest."""
        return await self._written("PUT", path, body, "application/json")

    async def patch(self, path: str, body: object, kind: str = MERGE) -> bytes:
        """PATCH by merge patch or JSON patch."""
        return await self._written("PATCH", path, body, kind)

    async def apply(self, path: str, body: object, *, force: bool = False) -> bytes:
        """Server-side apply as `tidegate`. Conflict where another manager has a field."""
        params = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        return await self._written("PATCH", path, body, APPLY, params)

    async def delete(
        self, path: str, *, uid: str, grace_s: int | None = None, propagation: str = "Background"
    ) -> bytes:
        """DELETE this very object: another one of the same name stays."""
        body: dict[str, object] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        }
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        return await self._written("DELETE", path, body, "application/json")

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A watch: an iterator over chunks of bytes, not cut at lines. Raises as `get` does.

        The deadline holds until the answer begins; how long to wait between chunks is for the
        caller to say.
        """
        response = await self._opened(path, params)
        try:
            yield _chunks(response)
        finally:
            # The connection may be broken already, and the caller knows by then.
            with suppress(*BROKEN):
                await response.aclose()

    async def _opened(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        async with self._within():
            headers = await self._auth()
            response = await self._begun(path, params, headers)
            if response.status_code == 401 and await self._renewed(headers):
                await response.aclose()
                response = await self._begun(path, params, await self._auth())
            if response.is_success:
                return response
            try:
                await response.aread()
            finally:
                await response.aclose()
        raise _fault(response)

    async def _begun(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> httpx.Response:
        request = self._request("GET", path, params=params, headers=headers)
        return await self._http.send(request, stream=True)

    async def _read(
        self, path: str, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        return await self._http.send(self._request("GET", path, params=params, headers=headers))

    async def _written(
        self,
        method: str,
        path: str,
        body: object,
        content_type: str,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        # Here for who may not even ask for credentials; below for who lost the lead meanwhile.
        self._fence()
        named = {} if method == WRITTEN_WITHOUT_MANAGER else {"fieldManager": MANAGER}
        content = msgspec.json.encode(body)
        async with self._within():
            headers = await self._auth()
            request = self._request(
                method,
                path,
                params={**named, **(params or {})},
                content=content,
                headers={"Content-Type": content_type, **headers},
            )
            self._fence()
            response = await self._http.send(request)
            if response.status_code == 401:
                await self._renewed(headers)
        return _content(response)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str],
    ) -> httpx.Request:
        name = self._connection.server_name
        return self._http.build_request(
            method,
            path,
            params=dict(params or {}),
            content=content,
            headers=dict(headers),
            extensions={"sni_hostname": name} if name else None,
        )

    def _opened_http(self) -> httpx.AsyncClient:
        # A handshake that is cut off from outside leaves its socket to the garbage collector; one
        # that times out by itself, a little before our deadline, closes it.
        return _http(self._connection, connect_s=0.8 * self._deadline_s)

    async def _auth(self) -> Mapping[str, str]:
        ask = self._connection.headers
        return await ask() if ask else {}

    async def _renewed(self, refused: Mapping[str, str]) -> bool:
        renew = self._connection.renew
        if renew is None or not await renew(refused):
            return False
        if not refused:
            # TLS tells who we are, and open connections go on telling the old certificate.
            old, self._http = self._http, self._opened_http()
            await old.aclose()
        return True

    @asynccontextmanager
    async def _within(self, deadline_s: float | None = None) -> AsyncIterator[None]:
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            raise Silent(f"no answer within {limit_s:g} s") from error
        except BROKEN as error:
            raise Silent(_words(error)) from error


def _http(connection: Connection, *, connect_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=connection.server,
        transport=httpx.AsyncHTTPTransport(
            verify=connection.tls,
            proxy=connection.proxy,
            trust_env=False,
            socket_options=_kept_alive(),
            # Each watch holds a connection of its own for as long as it goes on.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
        ),
        # The deadline is over the whole call, see `_within`.
        timeout=httpx.Timeout(None, connect=connect_s),
        trust_env=False,
        # The server's compression costs it more time than loopback or a VPC saves.
        headers={"Accept-Encoding": "identity", "User-Agent": MANAGER},
    )


def _kept_alive() -> list[tuple[int, int, int]]:
    """A peer that vanished without a word breaks the connection after about 25 s."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except BROKEN as error:
        raise Silent(_words(error)) from error


def _content(response: httpx.Response) -> bytes:
    if not response.is_success:
        raise _fault(response)
    return response.content


def _fault(response: httpx.Response) -> ApiError | Silent:
    status, content = response.status_code, response.content
    try:
        told = msgspec.json.decode(content, type=Status)
    except msgspec.MsgspecError:
        told = Status(message=content[:200].decode(errors="replace"))
    if status >= 500:
        return Silent(f"{status} {told.reason}: {told.message}")
    kind = KINDS.get(status, ApiError)
    return kind(status, told.reason, told.message, retry_after_s=_retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
