"""Data gravity: what it costs, in money and time, to bring data and models to a place."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName, DatasetName, PolicyName
from scheduler.domain.places import Cluster, Dataset, Link
from scheduler.domain.workloads import InferenceService, TrainingJob, Workload
from scheduler.model.affine import Bools, Floats
from scheduler.model.board import Board, find_link
from scheduler.model.policy import Contribution, Forbidden

Links = Mapping[tuple[str, str], Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataGravity:
    """Prices the transfer of datasets and models to places that lack them, and users' traffic.

    A one-off transfer is spread over the hours that the work is expected to stay.
    """

    name: ClassVar[PolicyName] = PolicyName("data-gravity")
    stay_hours: float = 6.0
    """Expected stay of a service; a job stays for its remaining work."""
    max_transfer_hours: float = 12.0
    """Data farther away than this is out of reach."""

    def forbid(self, board: Board) -> Forbidden:
        """Places that data cannot reach in time."""
        hours = self._moves(board)[1]
        far = hours[board.options.workload, board.options.cluster] > self.max_transfer_hours
        return Forbidden(mask=far & ~_present(board), words=lambda i: self._why(board, hours, i))

    def contribute(self, board: Board) -> Contribution:
        """Per unit newly placed: transfer spread over the stay. Per request: egress to users."""
        usd, hours = self._moves(board)
        options, routed = board.options, board.routed
        each = self._spread(board, usd, hours)
        per_request = _traffic_usd(board)[options.workload[routed], options.cluster[routed]]
        return Contribution(usd_per_hour=board.units @ each + board.flow @ (per_request * 3600.0))

    def _spread(self, board: Board, usd: Floats, hours: Floats) -> Floats:
        """USD per hour and unit. What already runs in a cluster has its data there."""
        options, work = board.options, board.workloads
        wait = np.array([_wait_usd(item) for item in work.items])
        whole = np.array(
            [work.gang[i] if not work.whole_gang[i] else 1 for i in range(len(work.items))]
        )
        left, count = board.workload_state.left_gpu_hours, options.count
        gpus = np.maximum(options.gpus_per_unit * whole[options.workload] * options.speed, 1e-9)
        stay = np.full(count, self.stay_hours)
        job = options.workload >= work.services
        stay[job] = np.clip((left[options.workload] / gpus)[job], 0.5, 24.0)
        key = (options.workload, options.cluster)
        # No way to a place costs no infinite sum where the work is there already.
        time = np.where(_present(board), 0.0, hours[key])
        once = usd[key] + time * wait[options.workload]
        share = np.where(job, whole[options.workload], _replicas(board)[options.workload])
        each: Floats = np.where(_present(board), 0.0, once / stay / np.maximum(share, 1.0))
        return each

    def _moves(self, board: Board) -> tuple[Floats, Floats]:
        """(workloads, clusters): USD and hours to bring each workload's data to each cluster."""
        catalogue, fleet = board.catalogue, board.catalogue.fleet
        links = {(link.source, link.target): link for link in fleet.links}
        shape = (len(catalogue.workloads.items), len(catalogue.clusters))
        usd, hours = np.zeros(shape), np.zeros(shape)
        known = fleet.clusters
        cache: dict[tuple[str, ClusterName], tuple[float, float]] = {}
        for row, item in enumerate(catalogue.workloads.items):
            loads = _loads(fleet, item)
            for column, cluster in enumerate(catalogue.clusters):
                for data in loads:
                    key = (data.name, cluster.name)
                    if key not in cache:
                        cache[key] = _bring(data, cluster, known, links)
                    usd[row, column] += cache[key][0]
                    hours[row, column] += cache[key][1]
        return usd, hours

    def _why(self, board: Board, hours: Floats, option: int) -> str:
        row, column = int(board.options.workload[option]), int(board.options.cluster[option])
        cluster = board.catalogue.clusters[column].name
        time = hours[row, column]
        if time == inf:
            return f"no link brings its data to {cluster}"
        return f"its data needs {time:.1f} h to reach {cluster}, over {self.max_transfer_hours:g} h"


def _loads(fleet: Fleet, item: Workload) -> tuple[Dataset, ...]:
    """What must be where the workload runs: its datasets, and its model from where they are."""
    data = tuple(fleet.datasets[name] for name in item.datasets if name in fleet.datasets)
    homes = sorted({home for one in data for home in one.homes})
    model = Dataset(
        name=DatasetName(f"model of {item.name}"),
        size_gb=item.image_gb,
        data_class=item.data_class,
        homes=tuple(homes),
    )
    return (*data, model)


def _bring(
    data: Dataset, cluster: Cluster, known: Mapping[ClusterName, Cluster], links: Links
) -> tuple[float, float]:
    """The cheapest way from any home: USD and hours; nothing if it is there already."""
    if cluster.name in data.homes or data.size_gb <= 0.0 or not data.homes:
        return 0.0, 0.0
    ways = []
    for home in data.homes:
        source = known.get(home)
        link = _way(links, source, cluster) if source else None
        if link is not None:
            ways.append((link.usd(data.size_gb), link.transfer_s(data.size_gb) / 3600.0))
    return min(ways, default=(0.0, inf))


def _way(links: Links, source: Cluster, target: Cluster) -> Link | None:
    """A link is one-way for data: by cluster first, then by region."""
    for a in (source.name, source.region):
        for b in (target.name, target.region):
            if (a, b) in links:
                return links[a, b]
    return None


def _traffic_usd(board: Board) -> Floats:
    """(workloads, clusters): USD for one request's bytes back to its users."""
    catalogue = board.catalogue
    links = {(link.source, link.target): link for link in catalogue.fleet.links}
    usd = np.zeros((len(catalogue.workloads.items), len(catalogue.clusters)))
    for row, item in enumerate(catalogue.workloads.items[: catalogue.workloads.services]):
        if isinstance(item, InferenceService) and item.traffic_kb and item.users:
            for column, cluster in enumerate(catalogue.clusters):
                link = find_link(links, item.users, cluster.name, cluster.region)
                if link is not None and link.tiers and item.users != cluster.region:
                    usd[row, column] = item.traffic_kb / 1e6 * link.tiers[0].usd_per_gb
    return usd


def _wait_usd(item: Workload) -> float:
    """An hour of waiting for data costs a job its waiting price."""
    return item.wait_usd_per_hour if isinstance(item, TrainingJob) else 0.0


def _replicas(board: Board) -> Floats:
    """Replicas over which a service's one transfer is shared, at its present load."""
    options, n = board.options, board.traffic_options
    best = np.zeros(len(board.workloads.items))
    np.maximum.at(best, options.workload[:n], options.stable_rps[:n])
    count: Floats = np.ceil(board.workload_state.wanted / np.maximum(best, 1e-9))
    return count


def _present(board: Board) -> Bools:
    """Options whose workload already runs in the same cluster."""
    options = board.options
    here = np.zeros((len(board.workloads.items), len(board.catalogue.clusters)), dtype=bool)
    running = options.units_now > 0.0
    here[options.workload[running], options.cluster[running]] = True
    present: Bools = here[options.workload, options.cluster]
    return present
