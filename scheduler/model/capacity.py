"""Latency and capacity of one replica: T_q(r) = base + queue / (1 - r / limit), and its inverse.

The form covers one-at-a-time, batching and continuously batching servers alike. All functions take
scalars or arrays of one shape. Seconds and requests per second throughout.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SATURATION = 0.85
"""Share of the limit up to which a replica is trusted whatever the curve says."""
SAFETY = 0.9
"""Share of the computed capacity that is planned with: covers the P90 of over-estimates."""
SLOWED = 0.25
"""Share of the declared capacity that a measured slow-down leaves: who is slow needs more
replicas, and must not lose those that it has."""


def latency_s(base_s: Floats, queue_s: Floats, limit_rps: Floats, rps: Floats) -> Floats:
    """The latency quantile at `rps` per replica; infinite at or beyond the limit."""
    room = 1.0 - np.asarray(rps, dtype=float) / limit_rps
    with np.errstate(divide="ignore"):
        return np.where(room > 0.0, base_s + queue_s / np.maximum(room, 1e-300), np.inf)


def capacity_rps(base_s: Floats, queue_s: Floats, limit_rps: Floats, objective_s: Floats) -> Floats:
    """The most load per replica within the objective: limit (1 - queue / (objective - base)).

    0 where even an idle replica is too slow; never above SATURATION times the limit.
    """
    spare = np.asarray(objective_s, dtype=float) - base_s
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reach = limit_rps * (1.0 - queue_s / spare)
    return np.where(spare > queue_s, np.clip(reach, 0.0, SATURATION * limit_rps), 0.0)


def stable_rps(limit_rps: Floats) -> Floats:
    """The most load per replica at which its queue stays bounded with room to spare."""
    return SATURATION * np.asarray(limit_rps, dtype=float)
