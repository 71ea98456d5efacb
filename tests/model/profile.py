"""How hypothesis runs here: few examples, always the same ones."""

from hypothesis import HealthCheck, settings

QUICK = settings(
    max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
"""For what takes microseconds."""
SLOW = settings(QUICK, max_examples=20)
"""For what solves a model."""
