"""The server: the pages on a port, inside our event loop and under our signals."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from scheduler.runtime.logs import Logger

log = Logger("tidegate.http")


class PortError(Exception):
    """The address cannot be listened on; says what to do about it."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


@asynccontextmanager
async def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port, chosen by the system if `port` is 0.

    Only this machine can reach 127.0.0.1: the pages tell prices and names, so opening them to
    others is left to the caller. Raises PortError.
    """
    listening = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )
    running = asyncio.ensure_future(server.serve(sockets=[listening]))
    bound: int = listening.getsockname()[1]
    log.info("http.listening", host=host, port=bound)
    try:
        yield bound
    finally:
        server.should_exit = True
        await running
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Bound here, because the server itself would end the process where it cannot.
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        why = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise PortError(f"{why}: choose another port, or end what uses it") from error
