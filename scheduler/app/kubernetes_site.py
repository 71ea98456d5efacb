"""A Kubernetes site that connects on its first use, so that a start needs no cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from adapters.base import Adapter, DrainOrder, PlaceOrder, ReleaseOrder, Scale
from scheduler.config import Declared
from scheduler.domain.bindings import KubernetesAccess, Supply
from scheduler.domain.names import ClusterName, Instant
from scheduler.domain.snapshot import SiteReport

if TYPE_CHECKING:
    from adapters.kubernetes.client import Client, Fence
    from adapters.kubernetes.setting import Setting
    from adapters.kubernetes.site import KubernetesSite
    from adapters.kubernetes.view import Sight
    from adapters.supply import Supply as Supplies

CALL_S = 5.0
"""Deadline of a call to an API server, and so how long before another can lead none is begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the sites of this process look and act."""

    ring: Callable[[str], None] | None = None
    """Hears why, when something cannot wait for the next tick."""
    fence: Fence | None = None
    """Asked before every write; None: nobody else leads."""
    once: bool = False
    """One look and no more: lists, no watches."""


def setting_of(declared: Declared, access: KubernetesAccess) -> Setting:
    """What the documents say of one Kubernetes cluster."""
    from adapters.kubernetes.setting import Setting

    fleet = declared.fleet
    return Setting(
        access=access,
        provider=fleet.clusters[access.cluster].provider,
        pools={pool.name: pool for pool in fleet.pools_of(access.cluster)},
        services=fleet.services,
        jobs=fleet.jobs,
        bindings=declared.bindings,
    )


class ConnectingSite:
    """The adapter of a Kubernetes cluster, which is connected to when it is first asked.

    What keeps it from connecting is told like any failure of a site, and tried again at the next
    call. Imports nothing of Kubernetes before.
    """

    def __init__(self, setting: Setting, terms: Terms, now: Callable[[], Instant]) -> None:
        self._setting, self._terms, self._now = setting, terms, now
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._site: KubernetesSite | None = None

    @property
    def cluster(self) -> ClusterName:
        """Its cluster."""
        return self._setting.access.cluster

    async def observe(self) -> SiteReport:
        """As the cluster is now."""
        return await (await self._connected()).observe()

    async def scale(self, order: Scale) -> None:
        """Grow a pool."""
        await (await self._connected()).scale(order)

    async def place(self, order: PlaceOrder) -> None:
        """Set pods and share."""
        await (await self._connected()).place(order)

    async def drain(self, order: DrainOrder) -> None:
        """Empty nodes."""
        await (await self._connected()).drain(order)

    async def release(self, order: ReleaseOrder) -> None:
        """Give nodes back."""
        await (await self._connected()).release(order)

    async def tend(self) -> None:
        """Carry on. A site that was never reached has nothing to carry on."""
        if self._site is not None:
            await self._site.tend()

    async def close(self) -> None:
        """No more is watched, and the connections are given up."""
        site, client = self._site, self._client
        self._site = self._client = None
        if site is not None:
            await site.close()
        if client is not None:
            await client.close()

    async def _connected(self) -> KubernetesSite:
        async with self._connecting:
            if self._site is None:
                self._site = await self._connect()
            return self._site

    async def _connect(self) -> KubernetesSite:
        from adapters.kubernetes.client import unfenced
        from adapters.kubernetes.faults import KubernetesError, for_caller
        from adapters.kubernetes.site import KubernetesSite

        try:
            client = await client_of(self._setting.access, self._terms.fence or unfenced)
        except KubernetesError as fault:
            raise for_caller(fault, "no way in") from fault
        self._client = client
        return KubernetesSite(
            setting=self._setting,
            client=client,
            sight=self._sight(client),
            supply=_supply(self._setting.access),
            now=self._now,
        )

    def _sight(self, client: Client) -> Sight:
        from adapters.kubernetes.sight import Listed, Watched

        if self._terms.once:
            return Listed(client, self._setting)
        ring = self._terms.ring or _unheard
        return Watched(client, self._setting, monotonic=time.monotonic, ring=ring)


async def client_of(access: KubernetesAccess, fence: Fence) -> Client:
    """A client of the cluster. Raises AccessError."""
    from adapters.kubernetes.access import connection_of
    from adapters.kubernetes.client import Client

    return Client(await connection_of(access), deadline_s=CALL_S, fence=fence)


async def close_sites(adapters: Sequence[Adapter]) -> None:
    """Let go of what these sites hold open, each for itself."""
    sites = [site for site in adapters if isinstance(site, ConnectingSite)]
    await asyncio.gather(*(site.close() for site in sites), return_exceptions=True)


def read_only() -> None:
    """The fence of a dry run: nothing passes. Raises Fenced."""
    from adapters.kubernetes.faults import Fenced

    raise Fenced("this is a dry run: nothing is written")


def _unheard(why: str) -> None:
    """Nobody waits for news."""


def _supply(access: KubernetesAccess) -> Supplies:
    from adapters.supply import AutoscalerSupply, StaticSupply

    match access.supply:
        case Supply.STATIC:
            return StaticSupply()
        case Supply.AUTOSCALER:
            return AutoscalerSupply()
        case other:
            assert_never(other)
