"""The simulated world: sites, traffic, prices and the meter, moved from instant to instant."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.base import Adapter
from adapters.simulated import (
    EventWord,
    JobLedger,
    SimulatedAdapter,
    SimulatedSite,
    SiteEvent,
    StockOut,
    Weather,
)
from scheduler.config import declared
from scheduler.config.declared import SiteSettings
from scheduler.domain.fleet import Fleet, sorted_fleet
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.readings import Series
from scheduler.domain.snapshot import SiteReport
from scheduler.simulation.meter import EgressMeter, NodeMeter, by_cluster_and_contract
from scheduler.simulation.readings import WorldReadings
from scheduler.simulation.record import History, JobResult, Recorder, Summary, attainment
from scheduler.simulation.tables import LoadTable, PriceTable
from scheduler.simulation.traffic import Flow, Traffic

Floats = NDArray[np.float64]

DAY_S = 86_400.0
WARM_UP_S = 1_800.0
"""Time before the day in which a scheduler finds its feet: neither paid nor judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Which day is simulated, and how finely."""

    begin: Instant
    """From here on time is paid and judged."""
    length_s: float = DAY_S
    warm_up_s: float = WARM_UP_S
    step_s: float = 30.0
    seed: int = 0

    @property
    def start(self) -> Instant:
        """Where simulated time starts."""
        return Instant(self.begin - self.warm_up_s)

    @property
    def end(self) -> Instant:
        """Where it ends."""
        return Instant(self.begin + self.length_s)


class World:
    """Everything that a scheduler could see and touch, and what it costs; equal for equal seeds.

    `signals` are the recorded loads and prices. Within a step the sites' state at its beginning
    serves the requests; orders may be given between steps at any time. Raises ValueError if a
    cluster is not a simulated one.
    """

    def __init__(
        self,
        fleet: Fleet,
        sites: Mapping[ClusterName, SiteSettings],
        signals: Iterable[Series],
        day: Day,
    ) -> None:
        series = tuple(signals)
        self.fleet, self.day = sorted_fleet(fleet), day
        self.load, self.prices = LoadTable.of(series), PriceTable(fleet, series)
        ledger = JobLedger()
        self.sites = {name: _site(self.fleet, sites[name], day, ledger) for name in sorted(sites)}
        self.traffic = Traffic(self.fleet)
        self.readings = WorldReadings(
            self.traffic, self.load, self.prices, start=day.start, seed=day.seed
        )
        self.nodes, self.egress = NodeMeter(self.fleet, self.prices), EgressMeter(self.fleet)
        self.events: list[SiteEvent] = []
        self._recorder = Recorder(self.traffic.services, tuple(self.fleet.pools))
        self._random = np.random.default_rng([day.seed, 0])
        self._now, self._judged = day.start, False
        self._finished: dict[WorkloadName, Instant] = {}
        self._flow: Flow | None = None
        self._collect(day.start)

    def now(self) -> Instant:
        """The present instant: the world is its own clock."""
        return self._now

    def adapters(self) -> tuple[Adapter, ...]:
        """A way into each site."""
        return tuple(SimulatedAdapter(site, self.now) for site in self.sites.values())

    def reports(self) -> dict[ClusterName, SiteReport]:
        """Every site as it is now."""
        return {name: site.report() for name, site in self.sites.items()}

    def site_of(self, pool: PoolName) -> SimulatedSite:
        """The site that has the pool."""
        return self.sites[self.fleet.pools[pool].cluster]

    def finished(self) -> Mapping[WorkloadName, Instant]:
        """The jobs that are done, and since when."""
        return dict(self._finished)

    def load_now(self, service: WorkloadName) -> float:
        """Requests per second of the last step; what is recorded for now before the first."""
        if self._flow is None:
            return self.load.rps(service, self._now)
        return float(self._flow.rps[self.traffic.services.index(service)])

    def advance_to(self, now: Instant) -> None:
        """Let time pass, step by step. A time that is past changes nothing."""
        while self._now < now:
            edge = self.day.begin if self._now < self.day.begin else now
            self._step(Instant(min(self._now + self.day.step_s, now, edge)))

    def take_events(self) -> tuple[SiteEvent, ...]:
        """What happened at the sites since the last call."""
        events = tuple(self.events)
        self.events.clear()
        return events

    def usd(self) -> float:
        """What the day has cost so far: nodes and egress."""
        return self._paid()

    def history(self) -> History:
        """Every step of the day so far."""
        return self._recorder.history(self.day.step_s)

    def summary(self) -> Summary:
        """The day so far in figures."""
        overall, by_service = attainment(history := self.history())
        nodes, pools = self.nodes, self.fleet.pools
        seconds = {name: nodes.node_seconds[name] * pools[name].per_node.gpus for name in pools}
        usd_egress = sum(self.egress.usd.values())
        return Summary(
            usd=sum(nodes.usd.values()) + usd_egress,
            usd_by_contract=by_cluster_and_contract(self.fleet, nodes.usd),
            usd_egress=usd_egress,
            egress_gb=sum(self.egress.gb.values()),
            attainment=overall,
            attainment_by_service=by_service,
            requests=float((history.load_rps * self.day.step_s).sum()),
            gpu_hours=sum(seconds.values()) / 3600.0,
            node_starts=sum(nodes.orders.values()),
            node_releases=sum(nodes.ends.values()) - sum(nodes.losses.values()),
            interruptions=sum(nodes.losses.values()),
            jobs=tuple(
                JobResult(job=name, finished_at=self._finished.get(name), deadline=job.deadline)
                for name, job in self.fleet.jobs.items()
            ),
        )

    def _step(self, until: Instant) -> None:
        begin, step_s = self._now, until - self._now
        if begin >= self.day.begin and not self._judged:
            self._begin_to_judge()
        reports = tuple(site.report() for site in self.sites.values())
        flow = self.traffic.step(reports, self._arrivals(begin, step_s), step_s)
        self._flow = flow
        usd, moves = self._paid(), self._moves()
        self._charge_data(reports, np.maximum(flow.lane_rps * step_s - flow.lane.lost, 0.0))
        self._now = until
        self._collect(until)
        self.nodes.charge(until)
        self.readings.note(flow, until)
        if self._judged:
            self._recorder.note(
                times=begin,
                load_rps=flow.rps,
                latency_s=flow.latency_s,
                attained=flow.attained,
                waiting=flow.waiting,
                nodes=self._nodes_held(reports),
                usd_per_hour=(self._paid() - usd) * 3600.0 / step_s,
                gpus_used=self._gpus_used(reports),
                moves=self._moves() - moves,
            )

    def _paid(self) -> float:
        return sum(self.nodes.usd.values()) + sum(self.egress.usd.values())

    def _moves(self) -> float:
        nodes = self.nodes
        ends = sum(nodes.ends.values()) - sum(nodes.losses.values())
        return float(sum(nodes.orders.values()) + ends)

    def _begin_to_judge(self) -> None:
        """The day begins: what was paid before is forgotten, the nodes and copies stay."""
        self._judged = True
        self.nodes.forget(self._now)
        self.egress.forget()

    def _arrivals(self, begin: Instant, step_s: float) -> Floats:
        """Requests come at random around the recorded rate."""
        middle = np.array([begin + step_s / 2.0])
        rate = self.load.rps_at(self.traffic.services, middle)[0]
        return np.asarray(self._random.poisson(rate * step_s) / step_s, dtype=float)

    def _collect(self, until: Instant) -> None:
        for site in self.sites.values():
            events = site.advance(until)
            self.nodes.note(events)
            self.events.extend(events)
            for event in events:
                if event.word is EventWord.JOB_FINISHED:
                    self._finished.setdefault(WorkloadName(event.subject), event.at)

    def _charge_data(self, reports: Iterable[SiteReport], requests: Floats) -> None:
        for report in reports:
            for placed in report.placements:
                if placed.wanted > 0:
                    self.egress.reads(placed.workload, report.cluster)
        for index in np.flatnonzero(requests > 0.0).tolist():
            service, _ = self.traffic.lanes[index]
            cluster = self.traffic.clusters[index]
            self.egress.answers(service, cluster, float(requests[index]))

    def _nodes_held(self, reports: Iterable[SiteReport]) -> Floats:
        held = Counter(node.pool for report in reports for node in report.nodes)
        return np.array([held[name] for name in self.fleet.pools], dtype=float)

    def _gpus_used(self, reports: Iterable[SiteReport]) -> float:
        total = 0.0
        for report in reports:
            for placed in report.placements:
                known = self.fleet.workload(placed.workload)
                total += placed.ready * (known.per_pod.gpus if known else 0.0)
        return total


def _site(fleet: Fleet, settings: SiteSettings, day: Day, ledger: JobLedger) -> SimulatedSite:
    options = settings.options
    if not isinstance(options, declared.SimulatedSite):
        why = f"cluster {settings.cluster} is not simulated; give it `access: {{simulated: {{}}}}`"
        raise ValueError(why)  # noqa: TRY004 - a fault of the documents, not of the program
    return SimulatedSite(
        cluster=settings.cluster,
        pools=fleet.pools_of(settings.cluster),
        services=fleet.services,
        jobs=fleet.jobs,
        weather=_weather(options),
        seed=options.seed,
        start=day.start,
        ledger=ledger,
    )


def _weather(options: declared.SimulatedSite) -> Weather:
    return Weather(
        boot_jitter=options.boot_jitter,
        stock_outs=tuple(
            StockOut(pool=out.pool, from_minute=out.from_minute, to_minute=out.to_minute)
            for out in options.stock_outs
        ),
    )
