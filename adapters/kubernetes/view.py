"""The view: one cluster at one instant, as its API server told it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from adapters.kubernetes.shapes import (
    Budget,
    Claim,
    ConfigMap,
    Deployment,
    Job,
    Node,
    Pod,
    Scaler,
    Slice,
)
from scheduler.domain.names import WorkloadName

Key = tuple[str, str]
"""Namespace (empty for cluster-wide kinds) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that is watched. The maps are never changed once they are handed out."""

    nodes: Mapping[Key, Node] = field(default_factory=dict)
    pods: Mapping[Key, Pod] = field(default_factory=dict)
    """Of all namespaces: whoever sits on a node takes its room."""
    deployments: Mapping[Key, Deployment] = field(default_factory=dict)
    """Of the namespaces that we may write to; jobs and scalers likewise."""
    jobs: Mapping[Key, Job] = field(default_factory=dict)
    scalers: Mapping[Key, Scaler] = field(default_factory=dict)
    budgets: Mapping[Key, Budget] = field(default_factory=dict)
    slices: Mapping[Key, Slice] = field(default_factory=dict)
    """Empty where the server has no resource.k8s.io/v1; claims likewise."""
    claims: Mapping[Key, Claim] = field(default_factory=dict)
    tables: Mapping[Key, ConfigMap] = field(default_factory=dict)
    """Our own ConfigMaps in the home namespace."""
    custom: Mapping[WorkloadName, Mapping[str, object]] = field(default_factory=dict)
    """The custom resources of workloads that are `Suspendable`, whole."""


class Sight(Protocol):
    """Where views come from: watches that go on, or lists made for once."""

    async def view(self) -> View:
        """The newest view. Waits for the first one. Raises ApiError, or Silent if it is too old."""
        ...

    async def close(self) -> None:
        """No more is watched."""
        ...
