"""Decorators: adapters around another adapter that watch, time, slow down or stop its calls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from adapters.base import (
    Adapter,
    DrainOrder,
    Order,
    PlaceOrder,
    Refused,
    ReleaseOrder,
    Scale,
    Throttled,
    Unreachable,
)
from scheduler.domain.names import ClusterName
from scheduler.domain.snapshot import SiteReport

_Sent = TypeVar("_Sent", Scale, PlaceOrder, DrainOrder, ReleaseOrder)


class Around:
    """Passes every call on. What differs goes into `_observed` and `_ordered`."""

    def __init__(self, inner: Adapter) -> None:
        self._inner = inner

    @property
    def cluster(self) -> ClusterName:
        """The cluster that the inner adapter speaks for."""
        return self._inner.cluster

    async def observe(self) -> SiteReport:
        """Nodes, placements and progress as they are now."""
        return await self._observed(self._inner.observe)

    async def scale(self, order: Scale) -> None:
        """Grow a pool."""
        await self._ordered(self._inner.scale, order)

    async def place(self, order: PlaceOrder) -> None:
        """Set the pods and the traffic share of one workload on one pool."""
        await self._ordered(self._inner.place, order)

    async def drain(self, order: DrainOrder) -> None:
        """Empty nodes."""
        await self._ordered(self._inner.drain, order)

    async def release(self, order: ReleaseOrder) -> None:
        """Give empty nodes back."""
        await self._ordered(self._inner.release, order)

    async def tend(self) -> None:
        """Carry on with what was ordered."""
        await self._inner.tend()

    async def _observed(self, ask: Callable[[], Awaitable[SiteReport]]) -> SiteReport:
        return await ask()

    async def _ordered(self, send: Callable[[_Sent], Awaitable[None]], order: _Sent) -> None:
        await send(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that came in: an order, or an observation if there is none."""

    cluster: ClusterName
    order: Order | None = None

    @property
    def mutates(self) -> bool:
        """Whether it asked the site to change anything."""
        return self.order is not None


class Recording(Around):
    """Writes down every call before it goes on, those that fail included."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []

    @property
    def orders(self) -> tuple[Order, ...]:
        """The calls that mutate: empty after a dry run."""
        return tuple(call.order for call in self.calls if call.order is not None)

    async def _observed(self, ask: Callable[[], Awaitable[SiteReport]]) -> SiteReport:
        self.calls.append(Call(cluster=self.cluster))
        return await ask()

    async def _ordered(self, send: Callable[[_Sent], Awaitable[None]], order: _Sent) -> None:
        self.calls.append(Call(cluster=self.cluster, order=order))
        await send(order)


class Deadline(Around):
    """Ends every call after `seconds`; no answer by then is Unreachable."""

    def __init__(self, inner: Adapter, seconds: float) -> None:
        super().__init__(inner)
        self._seconds = seconds

    async def _observed(self, ask: Callable[[], Awaitable[SiteReport]]) -> SiteReport:
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await ask()
        except TimeoutError as error:
            raise self._unreachable(limit, error) from error

    async def _ordered(self, send: Callable[[_Sent], Awaitable[None]], order: _Sent) -> None:
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await send(order)
        except TimeoutError as error:
            raise self._unreachable(limit, error) from error

    async def tend(self) -> None:
        """Carry on with what was ordered, for as long as one call may take."""
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._inner.tend()
        except TimeoutError as error:
            raise self._unreachable(limit, error) from error

    def _unreachable(self, limit: asyncio.Timeout, error: TimeoutError) -> Unreachable:
        if limit.expired():
            return Unreachable(f"cluster {self.cluster} gave no answer in {self._seconds:g} s")
        return Unreachable(f"cluster {self.cluster} timed out: {error}")


class Throttle(Around):
    """Lets orders through at `per_second`, up to `burst` at once; others are Throttled.

    Observations pass: a site that is not seen is frozen, which costs more than one call.
    """

    def __init__(
        self, inner: Adapter, *, per_second: float, burst: float, clock: Callable[[], float]
    ) -> None:
        super().__init__(inner)
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._filled_at = burst, clock()

    async def _ordered(self, send: Callable[[_Sent], Awaitable[None]], order: _Sent) -> None:
        self._fill()
        if self._tokens < 1.0:
            wait_s = (1.0 - self._tokens) / self._per_second
            raise Throttled(
                f"cluster {self.cluster} takes {self._per_second:g} orders a second; "
                f"send {order.key} again in {wait_s:.1f} s"
            )
        self._tokens -= 1.0
        await send(order)

    def _fill(self) -> None:
        now = self._clock()
        gained = max(0.0, now - self._filled_at) * self._per_second
        self._tokens = min(self._burst, self._tokens + gained)
        self._filled_at = now


class ReadOnly(Around):
    """Observes, and refuses every order."""

    async def tend(self) -> None:
        """Nothing is carried on."""

    async def _ordered(
        self,
        send: Callable[[_Sent], Awaitable[None]],  # noqa: ARG002 - the point is not to send
        order: _Sent,
    ) -> None:
        raise Refused(
            f"cluster {self.cluster} is read-only here: {type(order).__name__} {order.key} "
            "was not sent; give it write access to act on it"
        )
