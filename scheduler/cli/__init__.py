"""The command line `tidegate`."""

from scheduler.cli.main import main

__all__ = ["main"]
