"""The check: a packing against the question, by sums that share no code with the solver."""

import numpy as np

from scheduler.solve.packing.values import NodeTypes, Packing, PodClasses

ROUNDING = 1e-8
"""Share by which sums of decimal fractions may miss."""


def violations(types: NodeTypes, classes: PodClasses, packing: Packing) -> tuple[str, ...]:
    """What is wrong with it in words; nothing when every promise is kept."""
    return (
        *_shapes(types, classes, packing),
        *_rooms(types, classes, packing),
        *_counts(types, classes, packing),
        *_costs(types, packing),
    )


def _shapes(types: NodeTypes, classes: PodClasses, packing: Packing) -> list[str]:
    fillings = packing.fillings
    told = []
    if fillings.pods.shape != (len(packing.nodes), len(classes.count)):
        told.append("fillings, nodes and classes do not match")
    if (packing.nodes < 1).any() or (fillings.pods < 0).any() or (packing.missing < 0).any():
        told.append("a negative number of pods or no nodes of a filling")
    if ((fillings.kind < 0) | (fillings.kind >= len(types.names))).any():
        told.append("an unknown node type")
    return told


def _rooms(types: NodeTypes, classes: PodClasses, packing: Packing) -> list[str]:
    told = []
    for kind, pods in zip(packing.fillings.kind, packing.fillings.pods, strict=True):
        name, room = types.names[kind], types.room[kind]
        used = sum(
            (number * take for number, take in zip(pods, classes.take, strict=True)),
            start=np.zeros(len(room)),
        )
        if (used > room * (1 + ROUNDING)).any():
            told.append(f"{name} is overfull: {used.tolist()} of {room.tolist()}")
        if not classes.allowed[pods > 0, kind].all():
            told.append(f"{name} hosts pods that it may not")
    return told


def _counts(types: NodeTypes, classes: PodClasses, packing: Packing) -> list[str]:
    told = []
    placed = (packing.nodes[:, None] * packing.fillings.pods).sum(axis=0) + packing.missing
    if (placed != classes.count).any():
        told.append(f"{placed.tolist()} pods placed or missing instead of {classes.count.tolist()}")
    for kind in np.unique(packing.fillings.kind):
        nodes = int(packing.nodes[packing.fillings.kind == kind].sum())
        if nodes > types.most[kind]:
            told.append(f"{nodes} nodes of {types.names[kind]}, of which there are fewer")
    return told


def _costs(types: NodeTypes, packing: Packing) -> list[str]:
    usd = float((packing.nodes * types.usd_per_hour[packing.fillings.kind]).sum())
    told = []
    if abs(usd - packing.usd_per_hour) > ROUNDING * (1 + usd):
        told.append(f"costs {usd} instead of {packing.usd_per_hour} USD an hour")
    if packing.bound > packing.cost * (1 + ROUNDING) + ROUNDING:
        told.append("costs less than its bound")
    return told
