"""The lease: who leads, as written where all replicas see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The record that the replicas share. Its times are for people: nobody reckons with them."""

    holder: str = ""
    """Who leads; empty: nobody does."""
    lease_s: float = 15.0
    """Nobody else leads before it has stood unchanged for so long."""
    transitions: int = 0
    """How often the holder has changed."""
    acquired: str = ""
    """When the holder took it, RFC 3339."""
    renewed: str = ""
    """When the holder last renewed it, RFC 3339."""
    version: str = ""
    """Changes with every write: a write that names an older one is refused. Empty: not there."""
