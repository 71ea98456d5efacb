"""A simulated site: boot times, stock-outs, interruptions, gangs, and latency under load."""

from adapters.simulated.adapter import SimulatedAdapter
from adapters.simulated.events import EventWord, SiteEvent
from adapters.simulated.ledger import JobLedger
from adapters.simulated.site import SimulatedSite
from adapters.simulated.weather import StockOut, Weather

__all__ = [
    "EventWord",
    "JobLedger",
    "SimulatedAdapter",
    "SimulatedSite",
    "SiteEvent",
    "StockOut",
    "Weather",
]
