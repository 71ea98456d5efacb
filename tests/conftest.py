"""What all tests share: recorded data beside the checkout, and a process left as it was."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# The same examples each time: a newcomer's run must not find what nobody has changed. To search
# further: `pytest --hypothesis-profile=explore`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=500, deadline=None)
settings.load_profile("steady")

SHARED_DATA = Path("../shared/data")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a recorded data set; the test is skipped where it is not there."""

    def folder(name: str) -> Path:
        found = ROOT / SHARED_DATA / name
        if not found.is_dir():
            pytest.skip(f"shared data not present: {SHARED_DATA / name}")
        return found

    return folder


@pytest.fixture
def as_before() -> Iterator[None]:
    """Commands set up logging and the import path for a process of their own: undone here."""
    root, known = logging.getLogger(), logging.root.manager.loggerDict
    handlers, level, path, config = (
        root.handlers[:],
        root.level,
        sys.path[:],
        structlog.get_config(),
    )
    levels = {name: one.level for name, one in known.items() if isinstance(one, logging.Logger)}
    yield
    root.handlers[:], sys.path[:] = handlers, path
    root.setLevel(level)
    for name in known:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    structlog.configure(**config)
