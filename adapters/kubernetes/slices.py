"""Slices: which part of a GPU one of a pool's resource is, as its nodes tell it."""

from adapters.kubernetes.gpus import smallest_unit
from adapters.kubernetes.pools import binding_of, pool_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import View
from scheduler.domain.names import PoolName


def gpu_unit(view: View, setting: Setting, pool: PoolName) -> float:
    """The smallest such part of the pool's nodes: what an order needs of a view, and no census."""
    declared = setting.pools.get(pool)
    nodes = (node for node in view.nodes.values() if pool_of(node, setting) == pool)
    gpu_memory_gib = declared.gpu_memory_gib if declared else 0.0
    return smallest_unit(nodes, binding_of(pool, setting).resource, gpu_memory_gib)
