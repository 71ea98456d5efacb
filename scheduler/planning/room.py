"""Room: what pods take and what nodes have, resource by resource."""

from math import floor

from scheduler.domain.places import Resources

Amounts = tuple[float, float, float, float]
"""GPUs, CPUs, GiB of memory, pods."""


def amounts(resources: Resources, times: float = 1.0) -> Amounts:
    """The resources of so many pods or nodes."""
    return (
        times * resources.gpus,
        times * resources.cpu,
        times * resources.memory_gib,
        times * resources.pods,
    )


def less(there: Amounts, taken: Amounts) -> Amounts:
    """What is left; negative where more is taken than there is."""
    return (there[0] - taken[0], there[1] - taken[1], there[2] - taken[2], there[3] - taken[3])


def fits(takes: Amounts, there: Amounts) -> bool:
    """Whether there is enough of each resource that is taken."""
    return all(need <= has + 1e-9 for need, has in zip(takes, there, strict=True) if need > 0.0)


def pods_per_node(per_pod: Resources, per_node: Resources) -> int:
    """How many such pods one empty node holds."""
    pairs = zip(amounts(per_pod), amounts(per_node), strict=True)
    return min((floor(has / need + 1e-9) for need, has in pairs if need > 0.0), default=0)
