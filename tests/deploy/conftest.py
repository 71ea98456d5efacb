"""These tests are about the checkout; the tools that they use come with the `dev` extra."""

from pathlib import Path

import pytest

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart"
collect_ignore_glob = [] if CHART.is_dir() else ["test_*.py"]


@pytest.fixture(scope="module")
def plane():
    """One real control plane."""
    from tests.doubles.control_plane import ABSENT, ControlPlane, find_binaries

    if find_binaries() is None:
        pytest.skip(ABSENT)
    with ControlPlane("deploy") as running:
        yield running
