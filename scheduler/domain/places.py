"""Where work can run: clusters, node pools, and the links and data between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduler.domain.names import ClusterName, DataClass, DatasetName, GpuType, PoolName, Region


class Exposure(StrEnum):
    """Who else is in the building."""

    PRIVATE = "private"
    PUBLIC = "public"
    EDGE = "edge"


class Contract(StrEnum):
    """Under which terms a node is held."""

    OWNED = "owned"
    RESERVED = "reserved"
    ON_DEMAND = "on-demand"
    SPOT = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A place with nodes, and the data classes that may be there."""

    name: ClusterName
    exposure: Exposure
    provider: str
    region: Region
    holds: frozenset[DataClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """An amount of what a node has and a replica or worker takes."""

    gpus: float = 0.0
    cpu: float = 0.0
    memory_gib: float = 0.0
    pods: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """Nodes of one shape, in one cluster and zone, under one contract."""

    name: PoolName
    cluster: ClusterName
    zone: str
    instance_type: str
    gpu_type: GpuType
    gpu_memory_gib: float
    """Memory of one GPU."""
    per_node: Resources
    contract: Contract
    min_nodes: int
    max_nodes: int
    usd_per_node_hour: float
    """The list price. A fresh price reading takes its place."""
    interruptions_per_hour: float
    """Expected interruptions of one node in one hour; 0 unless spot."""
    boot_s: float
    """From the order to a node whose GPUs are allocatable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTier:
    """USD per GB for the volume up to `up_to_gb` in a month (infinite for the last tier)."""

    up_to_gb: float
    usd_per_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way from one cluster or region to another: its price, speed and round trip."""

    source: str
    target: str
    tiers: tuple[PriceTier, ...]
    gbit_per_s: float
    rtt_s: float

    def usd(self, gb: float) -> float:
        """Price of moving `gb` in one month: monotone, continuous at tier edges, 0 at 0."""
        return tiered_usd(self.tiers, gb)

    def transfer_s(self, gb: float) -> float:
        """Seconds that `gb` take at the link's speed."""
        return gb * 8.0 / self.gbit_per_s if gb > 0.0 else 0.0


def tiered_usd(tiers: Sequence[PriceTier], gb: float) -> float:
    """Each tier charges the volume inside it; what lies beyond the last tier costs its rate."""
    total, below = 0.0, 0.0
    for tier in tiers:
        inside = min(gb, tier.up_to_gb) - below
        if inside <= 0.0:
            return total
        total += inside * tier.usd_per_gb
        below = tier.up_to_gb
    rest = gb - below
    return total + rest * tiers[-1].usd_per_gb if tiers and rest > 0.0 else total


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data that workloads read, its class and the clusters that hold a copy."""

    name: DatasetName
    size_gb: float
    data_class: DataClass
    homes: tuple[ClusterName, ...]
