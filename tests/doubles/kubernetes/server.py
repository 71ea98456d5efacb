"""The double: a Kubernetes API server on loopback, in a thread of its own."""

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from adapters.kubernetes.client import Connection
from tests.doubles.kubernetes import answers, faults, statuses
from tests.doubles.kubernetes.discovery import answer
from tests.doubles.kubernetes.kinds import BUILT_IN, CRDS, NAMESPACES, Kind, defined
from tests.doubles.kubernetes.routes import Routes, parsed
from tests.doubles.kubernetes.store import Store
from tests.doubles.kubernetes.writing import Asked, Writing

NAMES = ("default", "kube-system", "kube-public", "kube-node-lease")


class KubernetesDouble:
    """`with KubernetesDouble() as double:` serves at `double.server`, over plain HTTP.

    `store` and `writing` may be used beside it from any thread; `faults` says what goes wrong;
    `tokens` (None: anyone may come) which bearer tokens are known.
    """

    def __init__(self, *, bookmark_every_s: float = 60.0) -> None:
        self.store = Store()
        self.writing = Writing(self.store)
        self.faults = faults.Faults()
        self.tokens: set[str] | None = None
        self.asked: list[faults.Call] = []
        """All requests so far."""
        self._routes = Routes(self.writing, bookmark_every_s)
        self._lines: dict[int, asyncio.Transport] = {}
        self._port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: tuple[_Announced, threading.Thread] | None = None
        for name in NAMES:
            body = {"metadata": {"name": name}}
            self.writing.create(NAMESPACES, "", body, Asked(manager="kube-apiserver"))

    @property
    def server(self) -> str:
        """Its address. It stays the same when it is stopped and started."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serves (again); returns when it does."""
        listening = _listening(self._port)
        self._port = listening.getsockname()[1]
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        config = uvicorn.Config(
            *(self._app,),
            http=_protocol(self._lines),
            interface="asgi3",
            proxy_headers=False,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = _Announced(config)
        thread = threading.Thread(
            target=server.run, args=([listening],), name="kubernetes-double", daemon=True
        )
        thread.start()
        server.begun.wait(10)
        self._loop = server.loop
        self._serving = (server, thread)

    def stop(self) -> None:
        """All connections break, and new ones are refused."""
        if self._serving is None:
            return
        (server, thread), self._serving = self._serving, None
        self.hang_up()
        server.end()
        thread.join(10)

    def hang_up(self) -> None:
        """All connections break."""
        if self._loop is not None:
            for line in list(self._lines.values()):
                self._loop.call_soon_threadsafe(line.abort)

    def connection(self, token: str | None = None) -> Connection:
        """The way in; with a token, as who holds it."""
        if token is None:
            return Connection(server=self.server, tls=False)

        async def headers() -> Mapping[str, str]:
            return {"Authorization": f"Bearer {token}"}

        return Connection(server=self.server, tls=False, headers=headers)

    def kinds(self) -> tuple[Kind, ...]:
        """All that is served, custom kinds too."""
        custom = (kind for crd in self.store.all(CRDS) for kind in defined(crd))
        return (*BUILT_IN, *custom)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = faults.Call(
            method=request.method, path=request.url.path, params=dict(request.query_params)
        )
        self.asked.append(call)
        effect = self.faults.struck_by(call)
        match effect:
            case faults.Delay(seconds):
                await asyncio.sleep(seconds)
            case faults.Hang():
                await _until_disconnected(receive)
                return
            case faults.Drop(after=False):
                self._break(request)
                return
            case faults.Refuse(failure):
                await request.body()
                await answers.failed(failure)(scope, receive, send)
                return
            case _:
                pass
        response = await self._answer(request, call, effect)
        if isinstance(effect, faults.Drop):
            self._break(request)
            return
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, call: faults.Call, effect: faults.Effect | None
    ) -> Response:
        body = await request.body()
        try:
            self._check_token(request)
            if call.path in ("/healthz", "/livez", "/readyz"):
                return Response("ok", media_type="text/plain")
            kinds = self.kinds()
            if (found := answer(call.path, kinds)) is not None:
                return answers.plain(found)
            route = parsed(call.path, kinds)
            if route is None:
                return Response("404 page not found\n", 404, media_type="text/plain")
            if call.watches:
                cut = self._cut(request) if isinstance(effect, faults.Truncate) else None
                return self._routes.watch(route, request, effect, cut)
            return self._routes.answer(route, request, body)
        except statuses.Failure as failure:
            return answers.failed(failure)

    def _check_token(self, request: Request) -> None:
        if self.tokens is None:
            return
        word, _, token = request.headers.get("authorization", "").partition(" ")
        if word != "Bearer" or token not in self.tokens:
            raise statuses.unauthorized()

    def _cut(self, request: Request) -> Callable[[], None]:
        return lambda: self._break(request)

    def _break(self, request: Request) -> None:
        assert request.client is not None
        self._lines[request.client.port].abort()


def _listening(port: int) -> socket.socket:
    # The protocol is named, or asyncio leaves Nagle's algorithm on: 40 ms on every answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    return listening


class _Announced(uvicorn.Server):
    """A server that tells when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.begun.set()

    def end(self) -> None:
        """It ends at once; called from another thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._over.set)

    async def main_loop(self) -> None:
        # Not by looking ten times a second whether it is over: a test starts and stops many.
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _protocol(lines: dict[int, asyncio.Transport]) -> type[H11Protocol]:
    """HTTP by h11, with the connections kept by the client's port, so that they can be broken."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._of = transport.get_extra_info("peername")[1]
            lines[self._of] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            lines.pop(self._of, None)
            super().connection_lost(exc)

    return Protocol


async def _until_disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
