"""Access: the way into a cluster, as kubeconfig or service account say; tokens are renewed."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

from adapters.kubernetes.client import Connection
from adapters.kubernetes.faults import AccessError
from adapters.kubernetes.loading import Loaded, headers_of, load, proxy_of
from scheduler.domain.bindings import KubernetesAccess

T = TypeVar("T")

DEADLINE_S = 30.0
"""A person may have to log in to a plugin."""
KEPT_S = 10.0
"""So long a token is used without asking the loader, which knows when it ends, again."""
BETWEEN_RELOADS_S = 10.0
"""A server that refuses whatever we show must not make us run the plugin all the time."""


async def connection_of(
    access: KubernetesAccess,
    *,
    deadline_s: float = DEADLINE_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Connection:
    """How to reach the cluster: its context in the kubeconfig, or the pod's service account.

    Raises AccessError, which says what is missing and what to do.
    """
    try:
        async with asyncio.timeout(deadline_s):
            loaded = await _in_thread(lambda: load(access))
    except TimeoutError as error:
        raise AccessError(
            f"cluster {access.cluster}: no credentials within {deadline_s:g} s; "
            "run the exec plugin of its context by hand to see what it waits for"
        ) from error
    credentials = _Credentials(access, loaded, monotonic)
    return Connection(
        server=loaded.configuration.host.rstrip("/"),
        tls=loaded.tls if loaded.tls is not None else True,
        server_name=getattr(loaded.configuration, "tls_server_name", None) or None,
        proxy=proxy_of(access, loaded.configuration),
        headers=credentials.headers,
        renew=credentials.renew,
    )


class _Credentials:
    """The Authorization header as it is now. Loaders and plugins block: they get a thread."""

    def __init__(
        self, access: KubernetesAccess, loaded: Loaded, monotonic: Callable[[], float]
    ) -> None:
        self._access, self._loaded, self._monotonic = access, loaded, monotonic
        self._known: tuple[float, Mapping[str, str]] | None = None
        self._tried_s: float | None = None
        self._asking: asyncio.Task[Mapping[str, str]] | None = None
        self._reloading: asyncio.Task[bool] | None = None

    async def headers(self) -> Mapping[str, str]:
        """Raises AccessError. Who gives up waiting leaves the answer to the next who asks."""
        if self._known is not None and self._monotonic() - self._known[0] < KEPT_S:
            return self._known[1]
        if self._asking is None or self._asking.done():
            self._asking = _heeded(self._ask())
        return await asyncio.shield(self._asking)

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Everything is loaded anew, plugins included. Whether there is anything else to show."""
        if self._known is not None and refused and dict(self._known[1]) != dict(refused):
            return True
        if self._reloading is None or self._reloading.done():
            now_s = self._monotonic()
            if self._tried_s is not None and now_s - self._tried_s < BETWEEN_RELOADS_S:
                return False
            self._tried_s = now_s
            self._reloading = _heeded(self._reload(refused))
        return await asyncio.shield(self._reloading)

    async def _ask(self) -> Mapping[str, str]:
        configuration = self._loaded.configuration
        headers = await _in_thread(lambda: headers_of(configuration, self._access))
        self._known = self._monotonic(), headers
        return headers

    async def _reload(self, refused: Mapping[str, str]) -> bool:
        before = self._loaded
        self._loaded = await _in_thread(lambda: load(self._access, into=before.tls))
        headers = await self._ask()
        return dict(headers) != dict(refused) or self._loaded.certificate != before.certificate


def _heeded(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task whose fault is nobody's surprise, should all who waited have given up."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _in_thread(call: Callable[[], T]) -> T:
    """A daemon's thread: a plugin that hangs must not keep the process from ending."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(found: T | None, fault: BaseException | None) -> None:
        if answer.done():
            return
        if fault is not None:
            answer.set_exception(fault)
        else:
            answer.set_result(cast(T, found))

    def work() -> None:
        found, fault = None, None
        try:
            found = call()
        except BaseException as error:  # noqa: BLE001 - carried over to who waits for it
            fault = error
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle, found, fault)

    threading.Thread(target=work, name="access", daemon=True).start()
    return await answer
