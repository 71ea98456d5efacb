"""Identifiers and instants, each a type of its own."""

from typing import NewType

ClusterName = NewType("ClusterName", str)
PoolName = NewType("PoolName", str)
NodeName = NewType("NodeName", str)
WorkloadName = NewType("WorkloadName", str)
DatasetName = NewType("DatasetName", str)
PolicyName = NewType("PolicyName", str)
GpuType = NewType("GpuType", str)
DataClass = NewType("DataClass", str)
Region = NewType("Region", str)
ActionKey = NewType("ActionKey", str)

Instant = NewType("Instant", float)
"""Seconds since 1970-01-01T00:00:00Z."""
