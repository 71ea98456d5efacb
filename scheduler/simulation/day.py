"""A simulated day: the world moves on between the ticks of whoever steers it."""

from typing import Protocol

from scheduler.domain.names import Instant
from scheduler.simulation.world import World


class Controller(Protocol):
    """Someone who steers a world by orders to its sites, tick by tick, in plain calls."""

    def tick(self, world: World) -> None:
        """Look, and give orders."""
        ...


def run(world: World, controller: Controller, every_s: float = 60.0) -> None:
    """The whole day under one controller."""
    while world.now() < world.day.end:
        controller.tick(world)
        world.advance_to(Instant(min(world.now() + every_s, world.day.end)))
