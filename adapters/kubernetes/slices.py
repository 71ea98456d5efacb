"""Slices: which part of a GPU one of a pool's resource is, as its nodes tell it."""

from adapters.kubernetes.gpus import unit_of
from adapters.kubernetes.pools import binding_of, pool_of
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.view import View
from scheduler.domain.names import PoolName


def gpu_unit(view: View, setting: Setting, pool: PoolName) -> float:
    """The smallest part, if nodes differ: then a pod gets no less than it needs on any of them.

    Of a pool without nodes only what the name of the resource tells is known.
    """
    resource = binding_of(pool, setting).resource
    gpu_memory_gib = setting.pools[pool].gpu_memory_gib if pool in setting.pools else 0.0
    told = [
        unit_of(resource, node.metadata.labels, gpu_memory_gib)
        for node in view.nodes.values()
        if pool_of(node, setting) == pool
    ]
    return min(told) if told else unit_of(resource, {}, gpu_memory_gib)
