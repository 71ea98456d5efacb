"""What each workload will need over the next minutes."""

from scheduler.forecast.expect import expect
from scheduler.forecast.readings import current_price

__all__ = ["current_price", "expect"]
