"""A simulated day: the world moves on between the ticks of whoever steers it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from scheduler.domain.names import Instant
from scheduler.simulation.world import World

Progress = Callable[[float], None]


class Controller(Protocol):
    """Someone who steers a world by orders to its sites, tick by tick, in plain calls."""

    def tick(self, world: World) -> None:
        """Look, and give orders."""
        ...


async def drive(
    world: World,
    ticker: Callable[[], Awaitable[object]],
    every_s: float,
    progress: Progress | None = None,
) -> None:
    """Call `ticker` every `every_s` simulated seconds up to the end of the day.

    `progress` is told the share of the day that is over, from 0 to 1.
    """
    while world.now() < world.day.end:
        await ticker()
        await step_to(world, Instant(min(world.now() + every_s, world.day.end)))
        if progress is not None:
            progress(over(world))


async def step_to(world: World, now: Instant) -> None:
    """Move the world on to `now`."""
    world.advance_to(now)


def over(world: World) -> float:
    """The share of the day that is over; 0 while it warms up."""
    return max(0.0, (world.now() - world.day.begin) / world.day.length_s)


def run(world: World, controller: Controller, every_s: float = 60.0) -> None:
    """The whole day under one controller."""
    while world.now() < world.day.end:
        controller.tick(world)
        world.advance_to(Instant(min(world.now() + every_s, world.day.end)))
