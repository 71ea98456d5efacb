"""The result of a simulated day, as the rows of its summary and the series of its picture."""

from collections.abc import Sequence

import numpy as np

from scheduler.app.simulated import Outcome
from scheduler.domain.fleet import Fleet
from scheduler.render.day import Day, PoolTrace, ServiceTrace, SpendTrace
from scheduler.render.summary import Row

LONGEST = 20.0
"""A latency of so many objectives or more is drawn as this."""
SMOOTHED_S = 1800.0
"""Spend is drawn as its mean over so long: moving a dataset is paid for in one instant."""


def row_of(outcome: Outcome) -> Row:
    """One line of the summary table."""
    summary, times = outcome.summary, outcome.history.times
    end = times[-1] + outcome.history.step_s if len(times) else 0.0
    due = [job for job in summary.jobs if job.deadline is not None and job.deadline <= end]
    return Row(
        name=outcome.name,
        usd=summary.usd,
        attainment=summary.attainment,
        gpu_hours=summary.gpu_hours,
        moves=summary.moves,
        deadlines=len(due),
        deadlines_met=sum(job.met for job in due),
    )


def picture_of(fleet: Fleet, ours: Outcome, baselines: Sequence[Outcome], title: str) -> Day:
    """Load, latency against the objective, nodes by pool and USD per hour over the day."""
    history = ours.history
    services = tuple(
        ServiceTrace(
            name=name,
            rps=history.load_rps[:, i],
            latency_ratio=np.minimum(
                history.latency_s[:, i] / fleet.services[name].objective.seconds, LONGEST
            ),
        )
        for i, name in enumerate(history.services)
    )
    pools = tuple(
        PoolTrace(
            name=name,
            exposure=fleet.clusters[fleet.pools[name].cluster].exposure,
            contract=fleet.pools[name].contract,
            nodes=history.nodes[:, i],
        )
        for i, name in enumerate(history.pools)
        if history.nodes[:, i].any()
    )
    return Day(
        title=title,
        times=history.times,
        services=services,
        pools=pools,
        ours=SpendTrace(name="tidegate", usd_per_hour=_fitted(ours, len(history.times))),
        baselines=tuple(
            SpendTrace(name=item.name, usd_per_hour=_fitted(item, len(history.times)))
            for item in baselines
        ),
    )


def _fitted(outcome: Outcome, size: int) -> np.ndarray:
    """The smoothed spend on our time axis: a day cut short has fewer steps."""
    spend = np.full(size, np.nan)
    usd = outcome.history.usd_per_hour[:size]
    steps = max(1, min(len(usd), round(SMOOTHED_S / outcome.history.step_s)))
    window = np.ones(steps)
    covered = np.convolve(np.ones(len(usd)), window, mode="same")
    spend[: len(usd)] = np.convolve(usd, window, mode="same") / covered
    return spend
