"""Horizon: how far ahead a service has to look, because new capacity takes so long."""

from collections.abc import Sequence

import numpy as np

from scheduler.domain.places import Cluster
from scheduler.domain.workloads import InferenceService
from scheduler.forecast.histories import Bools, Floats
from scheduler.model.catalogue import Catalogue, Fit

BOOT_CAP_S = 1800.0
"""A pool that takes longer is no answer to a change of load."""
LOOP_S = 60.0
"""One round of the loop at its default pace: the change is seen that much later."""


def holdable(catalogue: Catalogue) -> Bools:
    """(workloads, pools): the pool fits the workload, and all its data may be there."""
    fleet = catalogue.fleet
    fits = catalogue.fit == Fit.FITS
    legal: dict[frozenset[str], Bools] = {}
    for row, item in enumerate(catalogue.workloads.items):
        data = (fleet.datasets.get(name) for name in item.datasets)
        classes = frozenset([item.data_class, *(d.data_class for d in data if d is not None)])
        if classes not in legal:
            there = np.array([_holds(cluster, classes) for cluster in catalogue.clusters], bool)
            legal[classes] = there[catalogue.pools.cluster]
        fits[row] &= legal[classes]
    return np.asarray(fits)


def _holds(cluster: Cluster, classes: frozenset[str]) -> bool:
    return classes <= cluster.holds


def horizon_s(catalogue: Catalogue, could: Bools, services: Sequence[InferenceService]) -> Floats:
    """Seconds by service: boot of the slowest pool that can grow for it, its start, one round.

    `could` has the services in its first rows.
    """
    pools = catalogue.pools
    grows = pools.max_nodes > pools.min_nodes
    boot = np.where(could[: len(services)] & grows, pools.boot_s, 0.0).max(axis=1, initial=0.0)
    start = np.array([item.start_s for item in services])
    return np.asarray(np.minimum(boot, BOOT_CAP_S) + start + LOOP_S)
