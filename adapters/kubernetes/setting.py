"""The setting: what the documents say of one cluster and of what may run there."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.domain.bindings import Bindings, KubernetesAccess
from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.workloads import InferenceService, TrainingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Fixed between two versions of the documents."""

    access: KubernetesAccess
    provider: str
    """aws, azure, gcp, aliyun, ...: says which label names a node's group."""
    pools: Mapping[PoolName, NodePool]
    """Of this cluster alone."""
    services: Mapping[WorkloadName, InferenceService]
    jobs: Mapping[WorkloadName, TrainingJob]
    bindings: Bindings
