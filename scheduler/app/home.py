"""Home: the cluster that the replicas share, with their lease, memory, status and Events."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from adapters.kubernetes.access import connection_of
from adapters.kubernetes.client import Client, Fence
from adapters.kubernetes.events import EventLog, Happening
from adapters.kubernetes.faults import Conflict, Fenced, KubernetesError
from adapters.kubernetes.lease import LeaseObject
from adapters.kubernetes.memory_map import MemoryMap, UnreadableMemoryError
from adapters.kubernetes.status_map import StatusMap
from scheduler.app.happenings import happenings_of
from scheduler.app.kubernetes_site import CALL_S, client_of
from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.names import ActionKey, ClusterName, Instant
from scheduler.domain.snapshot import Memory
from scheduler.render.paper import Output
from scheduler.render.plan_text import render_plan
from scheduler.render.status_text import render_status
from scheduler.runtime.election import Pace
from scheduler.runtime.keeping import Kept, OvertakenError
from scheduler.runtime.logs import Logger
from scheduler.runtime.office import Elected, steady_clock
from scheduler.runtime.status import Status, status_page
from scheduler.runtime.traffic import traffic_of
from scheduler.runtime.world import Clock, Standing, Tick

log = Logger("tidegate.home")

WIDTH = 120
IN_CLUSTER = "in-cluster"
LONG = ("plan", "sites", "actions", "held", "receipts")
"""Parts of the status page that the summary leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePlace:
    """Which cluster and namespace is home, and who we are there."""

    context: str
    """Of the kubeconfig, or `in-cluster`."""
    namespace: str
    identity: str
    lease: str = "tidegate"

    @property
    def access(self) -> KubernetesAccess:
        """The way in."""
        return KubernetesAccess(
            cluster=ClusterName("home"),
            context=None if self.context == IN_CLUSTER else self.context,
            home=self.namespace,
        )


class HomeCluster:
    """The home cluster, connected."""

    def __init__(
        self, election: Client, client: Client, office: Elected, place: HomePlace, fence: Fence
    ) -> None:
        self._election, self._client = election, client
        self.office, self.place, self.fence = office, place, fence
        self.keeper = ClusterKeeper(MemoryMap(client, place.namespace))

    def reporters(
        self, status: Status, standing: Callable[[], Standing | None], clock: Clock
    ) -> tuple["StatusReport", "EventReport"]:
        """Who tells of each tick: the status at home, Events in every cluster."""
        events = EventReport(self._client, self.place, self.fence, standing, clock)
        return StatusReport(StatusMap(self._client, self.place.namespace), status), events

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.gather(self._election.close(), self._client.close())


async def open_home(place: HomePlace, pace: Pace | None = None) -> HomeCluster:
    """Connect. Raises AccessError, which says what is missing."""
    connection = await connection_of(place.access)
    election = Client(connection, deadline_s=CALL_S)
    ballot = LeaseObject(election, place.namespace, place.lease)
    office = Elected(ballot, place.identity, pace=pace, monotonic=steady_clock())
    fence = fence_of(office)
    client = Client(connection, deadline_s=CALL_S, fence=fence)
    return HomeCluster(election, client, office, place, fence)


def fence_of(office: Elected, call_s: float = CALL_S) -> Fence:
    """Raises Fenced where we do not lead, or a call begun now could outlast our lease."""

    def fence() -> None:
        if not office.may_write(call_s):
            raise Fenced(f"{office.identity} does not lead, or not for long enough")

    return fence


class ClusterKeeper:
    """The memory in the home cluster, as the daemon asks for it."""

    def __init__(self, map_: MemoryMap) -> None:
        self._map = map_

    async def load(self) -> Kept | None:
        """What was left; None where nothing was, or nothing that can be read."""
        try:
            left = await self._map.load()
        except UnreadableMemoryError as error:
            log.error("memory.unreadable", why=str(error), instead="beginning without")
            return None
        if left is None:
            return None
        return Kept(memory=left.memory, at=left.at, intended=left.intended)

    async def save(self, memory: Memory, at: Instant) -> None:
        """Leave this. Raises OvertakenError or KubernetesError."""
        try:
            await self._map.save(memory, at)
        except Conflict as error:
            raise OvertakenError(f"the memory was written by another: {error.message}") from error

    async def intend(self, keys: Sequence[ActionKey]) -> None:
        """Write orders down. Raises OvertakenError or KubernetesError."""
        try:
            await self._map.intend(keys)
        except Conflict as error:
            raise OvertakenError(f"the memory was written by another: {error.message}") from error


class StatusReport:
    """The status as a ConfigMap."""

    def __init__(self, map_: StatusMap, status: Status) -> None:
        self._map, self._status = map_, status

    async def __call__(self, tick: Tick) -> None:
        """Write it after a whole tick, and after one that moved traffic."""
        if tick.whole or tick.receipts:
            await self._map.write(status_entries(self._status, tick))


def status_entries(status: Status, tick: Tick) -> Mapping[str, str]:
    """The entries of the status: text for people, JSON for machines."""
    page = status_page(status)
    text = partial(render_plan, output=Output.TABLE, width=WIDTH, colour=False)
    page_text = partial(render_status, output=Output.TABLE, width=WIDTH, colour=False)
    traffic = traffic_of(tick.snapshot, tick.receipts)
    return {
        "status": page_text(page, now=None) + "\n",
        "plan": text(tick.plan, tick.guarded) + "\n",
        "traffic.json": json.dumps(traffic, sort_keys=True, indent=1),
        "summary.json": json.dumps(
            {name: value for name, value in page.items() if name not in LONG}
            | {"usd_per_hour": round(tick.plan.usd_per_hour_after, 4)},
            sort_keys=True,
            indent=1,
        ),
    }


class EventReport:
    """Events, in the cluster where the object lies."""

    def __init__(
        self,
        home: Client,
        place: HomePlace,
        fence: Fence,
        standing: Callable[[], Standing | None],
        clock: Clock,
    ) -> None:
        self._place, self._fence, self._standing, self._clock = place, fence, standing, clock
        self._home = EventLog(home, place.identity, clock.now)
        self._logs: dict[KubernetesAccess, tuple[Client, EventLog]] = {}

    async def __call__(self, tick: Tick) -> None:
        """Tell what happened; a cluster that does not take it holds up no other."""
        standing = self._standing()
        ways = standing.ways if standing else {}
        bindings = standing.bindings if standing else Bindings()
        told = happenings_of(tick, bindings, frozenset(ways), self._place.namespace)
        answers = await asyncio.gather(
            *(self._tell(ways.get(name), happenings) for name, happenings in told.items())
        )
        for name, faults in zip(told, answers, strict=True):
            if faults:
                log.warning(
                    "events.failed", cluster=name or "home", count=len(faults), why=faults[0]
                )
        await self._forget(ways)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._forget({})

    async def _tell(
        self, access: KubernetesAccess | None, happenings: Sequence[Happening]
    ) -> list[str]:
        if access is None:
            return await self._home.tell(happenings)
        try:
            _, events = self._logs.get(access) or await self._opened(access)
        except KubernetesError as error:
            return [str(error)]
        return await events.tell(happenings)

    async def _opened(self, access: KubernetesAccess) -> tuple[Client, EventLog]:
        client = await client_of(access, self._fence)
        self._logs[access] = client, EventLog(client, self._place.identity, self._clock.now)
        return self._logs[access]

    async def _forget(self, ways: Mapping[ClusterName, KubernetesAccess]) -> None:
        for access in self._logs.keys() - set(ways.values()):
            client, _ = self._logs.pop(access)
            with suppress(KubernetesError):
                await client.close()
