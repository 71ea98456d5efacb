"""The adapter of a simulated site: the clock is asked, the site moves on, the order is given."""

from collections.abc import Callable

from adapters.base import DrainOrder, PlaceOrder, ReleaseOrder, Scale
from adapters.simulated.site import SimulatedSite
from scheduler.domain.names import ClusterName, Instant
from scheduler.domain.snapshot import SiteReport


class SimulatedAdapter:
    """Speaks for one simulated site; before every call the site catches up with `now`.

    What happens meanwhile stays with the site until someone fetches it with `advance`.
    """

    def __init__(self, site: SimulatedSite, now: Callable[[], Instant]) -> None:
        self._site, self._now = site, now

    @property
    def cluster(self) -> ClusterName:
        """The cluster that this adapter speaks for."""
        return self._site.cluster

    async def observe(self) -> SiteReport:
        """Nodes, placements and progress as they are now."""
        return self._caught_up().report()

    async def scale(self, order: Scale) -> None:
        """Grow a pool."""
        self._caught_up().scale(order)

    async def place(self, order: PlaceOrder) -> None:
        """Set the pods and the traffic share of one workload on one pool."""
        self._caught_up().place(order)

    async def drain(self, order: DrainOrder) -> None:
        """Empty nodes."""
        self._caught_up().drain(order)

    async def release(self, order: ReleaseOrder) -> None:
        """Give empty nodes back."""
        self._caught_up().release(order)

    async def tend(self) -> None:
        """Drains and gangs go on by themselves."""

    def _caught_up(self) -> SimulatedSite:
        self._site.catch_up(self._now())
        return self._site
