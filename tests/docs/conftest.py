"""What commands change in the process that runs them is put back after each test."""

import logging
import sys

import pytest
import structlog


@pytest.fixture(autouse=True)
def _left_as_found():
    path, modules = sys.path[:], set(sys.modules)
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], sys.path[:] = handlers, path
    root.setLevel(level)
    structlog.configure(**config)
    for name in set(sys.modules) - modules:
        # A policy from a page is imported by its name: the next page may use the same one.
        if not name.startswith(("scheduler", "policies", "adapters")) and "." not in name:
            found = getattr(sys.modules[name], "__file__", None) or ""
            if "/pytest-" in found:
                del sys.modules[name]
