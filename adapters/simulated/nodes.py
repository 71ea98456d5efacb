"""Nodes of a simulated site: their life, their room and the pods on them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from adapters.packing import Amounts, Room, amounts, give_back
from adapters.simulated.weather import Weather
from scheduler.domain.names import ClusterName, Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import Node, NodePhase


@dataclass(slots=True, kw_only=True, eq=False)
class Pod:
    """One replica or worker on a node."""

    serial: int
    workload: WorkloadName
    size: Amounts
    node: "SimNode"
    worker: bool = False
    """Of a gang."""
    ready: bool = False

    @property
    def alive(self) -> bool:
        """Whether it still sits on its node."""
        return self.serial in self.node.pods

    def leave(self) -> None:
        """Go, and free the room."""
        del self.node.pods[self.serial]
        give_back(self.size, self.node.room)


@dataclass(slots=True, kw_only=True, eq=False)
class SimNode:
    """One node, from the order to its end."""

    name: NodeName
    pool: PoolName
    ordered_at: Instant
    room: Room
    booted: bool = False
    draining: bool = False
    doomed: bool = False
    pods: dict[int, Pod] = field(default_factory=dict)

    @property
    def takes_work(self) -> bool:
        """Counts for an order to grow: booting or ready, neither draining nor doomed."""
        return not (self.draining or self.doomed)

    @property
    def schedulable(self) -> bool:
        """Whether a pod may be put on it now."""
        return self.booted and self.takes_work

    def seen(self) -> Node:
        """The node as a report shows it."""
        if self.draining:
            phase = NodePhase.DRAINING
        else:
            phase = NodePhase.READY if self.booted else NodePhase.BOOTING
        return Node(
            name=self.name,
            pool=self.pool,
            phase=phase,
            since=self.ordered_at,
            pods=len(self.pods),
            gpus_used=round(sum(pod.size[0] for pod in self.pods.values()), 6),
            workers=sum(pod.worker for pod in self.pods.values()),
            doomed=self.doomed,
        )


@dataclass(slots=True, kw_only=True, eq=False)
class PoolNodes:
    """The nodes that a pool has now, in the order in which they came."""

    pool: NodePool
    by_name: dict[NodeName, SimNode] = field(default_factory=dict)
    ever: int = 0
    """Nodes that ever came: the next one's number, so that no name is used twice."""

    def __iter__(self) -> Iterator[SimNode]:
        return iter(self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)

    def add(self, at: Instant) -> SimNode:
        """One more node, not booted yet."""
        node = SimNode(
            name=NodeName(f"{self.pool.name}-{self.ever}"),
            pool=self.pool.name,
            ordered_at=at,
            room=list(amounts(self.pool.per_node)),
        )
        self.ever += 1
        self.by_name[node.name] = node
        return node

    def take_back(self, short: int) -> int:
        """Let up to `short` draining nodes take work again; returns how many did."""
        idle = [node for node in self if node.draining and not node.doomed][: max(0, short)]
        for node in idle:
            node.draining = False
        return len(idle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What lies ahead of a node: drawn from its name, so the order of calls does not matter."""

    boot_s: float
    life_s: float
    """From ready to the spot notice; infinite if it is never taken back."""


def fate(seed: int, cluster: ClusterName, node: NodeName, pool: NodePool, weather: Weather) -> Fate:
    """Boot time with jitter, and an exponential life at the pool's interruption rate."""
    rng = np.random.default_rng(zlib.crc32(f"{seed}/{cluster}/{node}".encode()))
    stretch = 1.0 + weather.boot_jitter * rng.uniform(-1.0, 1.0)
    rate = pool.interruptions_per_hour if weather.interruptions else 0.0
    return Fate(
        boot_s=max(0.0, pool.boot_s * stretch),
        life_s=float(rng.exponential(3600.0 / rate)) if rate > 0.0 else float("inf"),
    )
