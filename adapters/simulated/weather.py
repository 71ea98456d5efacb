"""Weather: what a simulated site has to live with, as declared."""

from dataclasses import dataclass

from scheduler.domain.names import Instant, PoolName

_DAY_MINUTES = 1440.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StockOut:
    """A pool is sold out every day from one minute of the day (UTC) up to another.

    A window whose end is not after its beginning goes on over midnight.
    """

    pool: PoolName
    from_minute: float
    to_minute: float

    def covers(self, at: Instant) -> bool:
        """Whether the pool is sold out at that instant."""
        minute = at / 60.0 % _DAY_MINUTES
        if self.from_minute < self.to_minute:
            return self.from_minute <= minute < self.to_minute
        return minute >= self.from_minute or minute < self.to_minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Boot times that vary, offers that sell out, spot nodes that are taken back."""

    boot_jitter: float = 0.0
    """A boot takes the pool's boot time times 1 + jitter x U(-1, 1)."""
    stock_outs: tuple[StockOut, ...] = ()
    interruptions: bool = True

    def sold_out(self, pool: PoolName, at: Instant) -> StockOut | None:
        """The window in which the pool is sold out at that instant, if any."""
        for window in self.stock_outs:
            if window.pool == pool and window.covers(at):
                return window
        return None
