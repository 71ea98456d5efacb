"""The meter: what nodes and transfers cost, to the second."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from adapters.simulated import EventWord, SiteEvent
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, DatasetName, Instant, PoolName, WorkloadName
from scheduler.domain.places import Contract, Link
from scheduler.simulation.tables import PriceTable

MINIMUM_CHARGE_S = 60.0
"""A rented node is paid for a minute at least, as the large clouds do."""
_ENDS = (EventWord.NODE_RELEASED, EventWord.NODE_LOST)


@dataclass(slots=True, kw_only=True)
class _Open:
    pool: PoolName
    since: Instant
    paid_until: Instant


class NodeMeter:
    """Every node is paid from its order to its end, at the price in force.

    Spot nodes pay the price of the hour. Owned nodes pay their written-off price all the time. A
    node that is neither owned nor reserved pays `MINIMUM_CHARGE_S` at least.
    """

    def __init__(self, fleet: Fleet, prices: PriceTable) -> None:
        self._pools, self._prices = fleet.pools, prices
        self._open: dict[str, _Open] = {}
        self.usd: defaultdict[PoolName, float] = defaultdict(float)
        self.node_seconds: defaultdict[PoolName, float] = defaultdict(float)
        self.lifetimes_s: list[tuple[PoolName, float]] = []
        """Of the nodes that have ended, in the order of their end."""
        self.orders: Counter[PoolName] = Counter()
        self.ends: Counter[PoolName] = Counter()
        self.losses: Counter[PoolName] = Counter()
        """The part of `ends` that nobody asked for."""

    def forget(self, now: Instant) -> None:
        """Everything is counted from now on; the nodes that are there stay."""
        for amounts in (self.usd, self.node_seconds):
            amounts.clear()
        for counts in (self.orders, self.ends, self.losses):
            counts.clear()
        self.lifetimes_s.clear()
        for node in self._open.values():
            node.since = node.paid_until = now

    def note(self, events: Iterable[SiteEvent]) -> None:
        """Nodes that came and went."""
        for event in events:
            if event.word is EventWord.NODE_LOST and event.subject in self._open:
                self.losses[PoolName(event.place)] += 1
            if event.word is EventWord.NODE_ORDERED:
                pool = PoolName(event.place)
                self._open[event.subject] = _Open(pool=pool, since=event.at, paid_until=event.at)
                self.orders[pool] += 1
            elif event.word in _ENDS and event.subject in self._open:
                self._close(self._open.pop(event.subject), event.at)

    def charge(self, now: Instant) -> None:
        """Every node still there is paid up to now."""
        for node in self._open.values():
            self._pay(node, now)

    def open_node_seconds(self, now: Instant) -> float:
        """How long the nodes still there have lived, all together."""
        return sum(now - node.since for node in self._open.values())

    def _close(self, node: _Open, at: Instant) -> None:
        self._pay(node, at)
        self.ends[node.pool] += 1
        lived = at - node.since
        self.lifetimes_s.append((node.pool, lived))
        rented = self._pools[node.pool].contract in (Contract.ON_DEMAND, Contract.SPOT)
        if rented and lived < MINIMUM_CHARGE_S:
            rest = MINIMUM_CHARGE_S - lived
            self.usd[node.pool] += self._prices.usd(node.pool, at, at + rest)

    def _pay(self, node: _Open, until: Instant) -> None:
        if until > node.paid_until:
            self.usd[node.pool] += self._prices.usd(node.pool, node.paid_until, until)
            self.node_seconds[node.pool] += until - node.paid_until
            node.paid_until = until


class EgressMeter:
    """What leaves a cluster: answers to users elsewhere, and copies of datasets.

    Each link charges its tiers over the volume of the day, as if a month began. A dataset is copied
    once to a cluster and stays there. Images are not charged: each cloud keeps its own registry.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._links = {(link.source, link.target): link for link in fleet.links}
        self._copies = {name: set(data.homes) for name, data in fleet.datasets.items()}
        self._ways: dict[tuple[WorkloadName, ClusterName], Link | None] = {}
        self.gb: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.usd: defaultdict[ClusterName, float] = defaultdict(float)
        """By the cluster that the data left."""

    def forget(self) -> None:
        """Everything is counted from now on; the copies that were made stay."""
        self.gb.clear()
        self.usd.clear()

    def answers(self, service: WorkloadName, cluster: ClusterName, requests: float) -> None:
        """Requests answered there."""
        way = self._way_to_users(service, cluster)
        if way is not None and requests > 0.0:
            kilobytes = requests * self._fleet.services[service].traffic_kb
            self._move(way, cluster, kilobytes / 1e6)

    def reads(self, workload: WorkloadName, cluster: ClusterName) -> None:
        """The workload is placed there: its datasets come too, if they are not there yet."""
        known = self._fleet.workload(workload)
        for name in known.datasets if known else ():
            if cluster not in self._copies[name]:
                self._copy(name, cluster)

    def _copy(self, name: DatasetName, cluster: ClusterName) -> None:
        size_gb = self._fleet.datasets[name].size_gb
        ways = [(home, self._between(home, cluster)) for home in sorted(self._copies[name])]
        priced = [(link.usd(size_gb), home, link) for home, link in ways if link is not None]
        self._copies[name].add(cluster)
        if priced:
            _, home, link = min(priced, key=lambda way: way[:2])
            self._move(link, home, size_gb)

    def _move(self, link: Link, out_of: ClusterName, gb: float) -> None:
        key = (link.source, link.target)
        before = self.gb[key]
        self.usd[out_of] += link.usd(before + gb) - link.usd(before)
        self.gb[key] = before + gb

    def _way_to_users(self, service: WorkloadName, cluster: ClusterName) -> Link | None:
        key = (service, cluster)
        if key not in self._ways:
            users, region = self._fleet.services[service].users, self._region(cluster)
            elsewhere = users is not None and users != region
            self._ways[key] = self._find((cluster, region), str(users)) if elsewhere else None
        return self._ways[key]

    def _between(self, home: ClusterName, cluster: ClusterName) -> Link | None:
        for target in (cluster, self._region(cluster)):
            if found := self._find((home, self._region(home)), target):
                return found
        return None

    def _find(self, sources: tuple[str, str], target: str) -> Link | None:
        found = (self._links.get((source, target)) for source in sources)
        return next((link for link in found if link is not None), None)

    def _region(self, cluster: ClusterName) -> str:
        return self._fleet.clusters[cluster].region


def by_cluster_and_contract(
    fleet: Fleet, amounts: Mapping[PoolName, float]
) -> dict[tuple[ClusterName, Contract], float]:
    """Amounts of pools added up by cluster and contract."""
    total: dict[tuple[ClusterName, Contract], float] = {}
    for name, amount in amounts.items():
        key = (fleet.pools[name].cluster, fleet.pools[name].contract)
        total[key] = total.get(key, 0.0) + amount
    return total
