"""Metrics: what Prometheus reads, computed from the status when it asks."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from scheduler.runtime.status import Status
from scheduler.runtime.traffic import traffic_of
from scheduler.runtime.world import Clock, Considered, Tick

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """A registry of our own. Gauges are read off the last tick, so that none outlives its pool."""

    def __init__(self, status: Status, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._status = status
        self._clock = clock
        self._monotonic = monotonic
        self._registry = CollectorRegistry()
        self._phases = Histogram(
            "tidegate_tick_phase_seconds",
            "Wall time of each phase of a tick.",
            ["phase"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def ticked(self, tick: Tick) -> None:
        """Take the times of a tick."""
        for phase, seconds in tick.seconds.items():
            self._phases.labels(phase).observe(seconds)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry for each scrape."""
        yield from self._of_the_daemon()
        if latest := self._status.latest:
            yield from _of_the_plan(latest)
            yield from _of_the_sites(latest)
            yield _traffic(latest)
            yield self._signal_ages(latest)

    def describe(self) -> tuple[Metric, ...]:
        """Nothing is fixed before the first tick."""
        return ()

    def _of_the_daemon(self) -> Iterator[Metric]:
        status = self._status
        yield _counter("tick_failures", "Ticks that failed.", status.tick_failures)
        yield _counter("reload_failures", "Documents refused.", status.reload_failures)
        yield _counter("journal_failures", "Ticks not kept.", status.journal_failures)
        yield _counter("tend_failures", "Sites that could not carry on.", status.tend_failures)
        yield _gauge("leader", "1 where this replica leads.", float(status.office.leads()))
        changes = status.office.transitions
        yield _counter("leader_transitions", "Changes of the leader, as the lease has it.", changes)
        if status.beat_s is not None:
            age = self._monotonic() - status.beat_s
            yield _gauge("tick_last_age_seconds", "Since the loop last began or ended a tick.", age)
        actions = CounterMetricFamily(
            "tidegate_actions", "Actions by kind and outcome.", labels=["kind", "outcome"]
        )
        for (kind, outcome), count in sorted(status.actions.items()):
            actions.add_metric([kind, outcome], count)
        yield actions

    def _signal_ages(self, tick: Considered) -> Metric:
        now = self._clock.now()
        ages = GaugeMetricFamily(
            "tidegate_signal_age_seconds",
            "Age of the newest reading of each series.",
            labels=["signal", "subject", "pool"],
        )
        for series in tick.snapshot.readings.series:
            if last := series.last():
                ages.add_metric([series.signal, series.subject, series.pool], now - last[0])
        return ages


def _of_the_plan(tick: Considered) -> Iterator[Metric]:
    plan = tick.plan
    yield _gauge("plan_usd_per_hour", "What the planned nodes cost.", plan.usd_per_hour_after)
    yield _gauge("plan_gap_ratio", "Proven distance from the best plan.", plan.proof.gap)
    planned = GaugeMetricFamily(
        "tidegate_plan_pool_nodes", "Nodes that the plan wants.", labels=["pool", "cluster"]
    )
    for pool in plan.pools:
        planned.add_metric([pool.pool, pool.cluster], pool.after)
    yield planned
    bill = GaugeMetricFamily(
        "tidegate_plan_bill_usd_per_hour", "The bill by policy.", labels=["policy"]
    )
    for line in plan.bill:
        bill.add_metric([line.policy], line.usd_per_hour)
    yield bill
    yield from _missing(tick)


def _missing(tick: Considered) -> Iterator[Metric]:
    rps = GaugeMetricFamily(
        "tidegate_workload_missing_rps", "Load without a place.", labels=["workload"]
    )
    gangs = GaugeMetricFamily(
        "tidegate_workload_missing_gangs", "Gangs without a place.", labels=["workload"]
    )
    for line in tick.plan.missing:
        (gangs if line.is_job else rps).add_metric([line.workload], line.amount)
    yield rps
    yield gangs


def _of_the_sites(tick: Considered) -> Iterator[Metric]:
    snapshot = tick.snapshot
    yield _gauge("sites_unseen", "Sites not seen at the last tick.", len(snapshot.unseen))
    yield _gauge("actions_held", "Actions held back at the last tick.", len(tick.guarded.held))
    counts = Counter(
        (node.pool, name, node.phase)
        for name, site in snapshot.sites.items()
        for node in site.nodes
    )
    nodes = GaugeMetricFamily(
        "tidegate_pool_nodes", "Nodes as last observed.", labels=["pool", "cluster", "phase"]
    )
    for labels, count in sorted(counts.items()):
        nodes.add_metric([str(label) for label in labels], count)
    yield nodes
    yield _notes(tick)


def _notes(tick: Considered) -> Metric:
    counts = Counter(
        (name, note.reason) for name, site in tick.snapshot.sites.items() for note in site.notes
    )
    notes = GaugeMetricFamily(
        "tidegate_site_notes",
        "What keeps orders from coming true, by reason.",
        labels=["cluster", "reason"],
    )
    for labels, count in sorted(counts.items()):
        notes.add_metric(list(labels), count)
    return notes


def _traffic(tick: Considered) -> Metric:
    shares = GaugeMetricFamily(
        "tidegate_traffic_share",
        "Share of a service's traffic that a pool has been given.",
        labels=["workload", "pool", "cluster"],
    )
    receipts = tick.receipts if isinstance(tick, Tick) else ()
    for workload, clusters in traffic_of(tick.snapshot, receipts).items():
        for cluster, pools in clusters.items():
            for pool, share in pools.items():
                shares.add_metric([workload, pool, cluster], share)
    return shares


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tidegate_{name}", help_, value=value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(f"tidegate_{name}", help_, value=value)
