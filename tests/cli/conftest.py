"""Commands are called in this process: each test leaves it as it was."""

import pytest


@pytest.fixture(autouse=True)
def _left_as_it_was(as_before: None) -> None:
    """For every test here."""
