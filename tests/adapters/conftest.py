"""Failures inside the inherited promises show their values, as in any test."""

import pytest

pytest.register_assert_rewrite("adapters.testing")
