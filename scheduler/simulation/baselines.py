"""Three common ways to run the same day, in the same world, at the same prices."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scheduler.config.declared import SiteSettings
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import ClusterName
from scheduler.domain.readings import Series
from scheduler.simulation.day import Controller, run
from scheduler.simulation.fixed import all_on_demand, everything_private
from scheduler.simulation.reactive import Reactive
from scheduler.simulation.tables import LoadTable
from scheduler.simulation.world import Day, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A way to run a day: the fleet it needs, and who steers it."""

    name: str
    prepare: Callable[[Fleet, LoadTable, Day], tuple[Fleet, Controller]]


def play(
    baseline: Baseline,
    fleet: Fleet,
    sites: Mapping[ClusterName, SiteSettings],
    signals: Iterable[Series],
    day: Day,
    every_s: float = 60.0,
) -> World:
    """The world after a whole day under the baseline; its history and summary tell the rest."""
    series = tuple(signals)
    own, controller = baseline.prepare(fleet, LoadTable.of(series), day)
    world = World(own, sites, series, day)
    run(world, controller, every_s)
    return world


def _private(fleet: Fleet, load: LoadTable, day: Day) -> tuple[Fleet, Controller]:
    plan = everything_private(fleet, load, day)
    return plan.fleet, plan


def _on_demand(fleet: Fleet, load: LoadTable, day: Day) -> tuple[Fleet, Controller]:
    plan = all_on_demand(fleet, load, day)
    return plan.fleet, plan


def _reactive(fleet: Fleet, _load: LoadTable, _day: Day) -> tuple[Fleet, Controller]:
    return fleet, Reactive(fleet=fleet)


BASELINES = (
    Baseline(name="everything private at peak size", prepare=_private),
    Baseline(name="peak size rented on demand", prepare=_on_demand),
    Baseline(name="reactive 60 % autoscaler", prepare=_reactive),
)
"""What each assumes is told by `everything_private`, `all_on_demand` and `Reactive`."""
