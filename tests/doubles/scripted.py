"""A scripted server: HTTP/1.1 on loopback that does to each request what the test says."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from adapters.kubernetes.client import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Answer:
    """What goes back to who asked."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def whole(
        self, body: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Status, length and body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {"Content-Length": str(len(content)), **(headers or {})}
        await self.raw(_head(status, lines) + content)

    async def begin(self) -> None:
        """A body in chunks begins."""
        await self.raw(_head(200, {"Transfer-Encoding": "chunked"}))

    async def chunk(self, content: bytes) -> None:
        """A chunk of it; an empty one is the end."""
        await self.raw(b"%x\r\n%s\r\n" % (len(content), content))

    async def raw(self, content: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(content)
        await self._writer.drain()

    def drop(self) -> None:
        """The connection ends here and now."""
        self._writer.close()

    async def hang(self) -> None:
        """Nothing more is told, and the connection stays."""
        await asyncio.Event().wait()


Turn = Callable[[Asked, Answer], Awaitable[None]]


class Scripted:
    """Takes one turn a request, in order; who comes when all are taken is left to wait.

    `always`: the turns by path instead, each for any number of requests.
    """

    def __init__(
        self,
        *turns: Turn,
        always: Mapping[str, Turn] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.news = asyncio.Event()
        """Set at each request."""
        self._turns, self._always, self._tls = iter(turns), always or {}, tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def connection(self) -> Connection:
        """The way in."""
        return Connection(server=self.address)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                asked = await _read(reader)
                self.asked.append(asked)
                self.news.set()
                await self._turn(asked)(asked, Answer(writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _turn(self, asked: Asked) -> Turn:
        return self._always.get(asked.path) or next(self._turns, silence)


async def silence(asked: Asked, answer: Answer) -> None:
    """Never answers."""
    await answer.hang()


def answers(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Turn:
    """Answers at once."""

    async def turn(asked: Asked, answer: Answer) -> None:
        await answer.whole(body, status, headers)

    return turn


def fails(status: int, reason: str = "", headers: Mapping[str, str] | None = None) -> Turn:
    """Answers with a Status."""
    told = {"kind": "Status", "reason": reason, "message": f"{reason} it is", "code": status}
    return answers(told, status, headers)


def lists(*items: object, version: str, more: str = "") -> Turn:
    """A page of a list."""
    return answers({"metadata": {"resourceVersion": version, "continue": more}, "items": items})


def watches(*events: tuple[str, object], then: str = "hang") -> Turn:
    """Events; `then` it hangs, ends, or is dropped."""

    async def turn(asked: Asked, answer: Answer) -> None:
        await answer.begin()
        for kind, of in events:
            await answer.chunk(json.dumps({"type": kind, "object": of}).encode() + b"\n")
        if then == "hang":
            await answer.hang()
        elif then == "end":
            await answer.raw(b"0\r\n\r\n")
        else:
            answer.drop()

    return turn


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in _filled(head[1:]))
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query))
    return Asked(method=method, path=parts.path, query=query, headers=headers, body=body)


def _filled(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if line)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class Shelf:
    """The objects of one kind; who watches is told what is put on it or taken away."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], dict[str, Any]] = {}
        self._version = 0
        self._past: list[bytes] = []
        self._more = asyncio.Event()

    def put(self, item: dict[str, Any]) -> None:
        """New, or in place of the one of its name."""
        meta = item["metadata"]
        key = meta.get("namespace", ""), meta["name"]
        kind = "MODIFIED" if key in self._items else "ADDED"
        self._version += 1
        meta = {**meta, "resourceVersion": str(self._version)}
        self._items[key] = {**item, "metadata": meta}
        told = {"type": kind, "object": self._items[key]}
        self._past.append(json.dumps(told).encode() + b"\n")
        self._more.set()

    async def turn(self, asked: Asked, answer: Answer) -> None:
        """A list, or a watch that goes on."""
        if "watch" not in asked.query:
            await lists(*self._items.values(), version=str(self._version))(asked, answer)
            return
        await answer.begin()
        # Each change is one version, so the version asked for counts those known already.
        known = int(asked.query["resourceVersion"])
        while True:
            for line in self._past[known:]:
                await answer.chunk(line)
            known = self._version
            self._more.clear()
            await self._more.wait()
