"""Seating: what is emptied seats the gang, and what sat there finds a place, however pods lie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.snapshot import Node
from scheduler.planning.seating import Need, Tenants, fewest_emptied
from tests.planning.worlds import a_node

GPUS = 8
Pods = list[int]
"""GPUs of each pod on one node."""
sizes = st.sampled_from((1, 2, 4))
full_or_less = st.lists(sizes, max_size=8).map(
    lambda some: [size for at, size in enumerate(some) if sum(some[: at + 1]) <= GPUS]
)
floors = st.lists(st.tuples(full_or_less, st.booleans()), min_size=1, max_size=6)


def a_floor(floor: list[tuple[Pods, bool]]) -> list[Node]:
    """Nodes with those pods; where a gang works, its worker is one of them."""
    return [
        a_node(f"n{n}", "home", pods=len(lie), gpus=sum(lie), workers=int(gang and bool(lie)))
        for n, (lie, gang) in enumerate(floor)
    ]


def first_fit(moving: Pods, free: list[int]) -> list[int] | None:
    """What is left of the free room once all pods are in, the largest first; None if one fails."""
    left = list(free)
    for size in sorted(moving, reverse=True):
        host = next((n for n, room in enumerate(left) if room >= size), None)
        if host is None:
            return None
        left[host] -= size
    return left


@given(floors, st.lists(sizes, max_size=3), st.integers(1, 8), st.sampled_from((1, 2, 4, 8)))
@settings(max_examples=400, deadline=None)
def test_pods_find_a_place_and_the_gang_its_seats(floor, coming, workers, gpus) -> None:
    nodes = a_floor(floor)
    lying = [size for lie, _ in floor for size in lie]
    tenants = Tenants(
        largest=max([*lying, *coming], default=0.0), coming=len(coming), coming_gpus=sum(coming)
    )
    need = Need(workers=workers, gpus=gpus, per_node=GPUS // gpus)
    out = {node.name for node in fewest_emptied(nodes, GPUS, need, tenants)}
    if not out:
        return
    assert not any(node.workers for node in nodes if node.name in out)
    moving = [size for n, (lie, _) in enumerate(floor) if f"n{n}" in out for size in lie]
    free = [GPUS - sum(lie) for n, (lie, _) in enumerate(floor) if f"n{n}" not in out]
    left = first_fit([*moving, *coming], free)
    assert left is not None
    assert len(out) * need.per_node + sum(room // gpus for room in left) >= workers


@given(st.lists(st.integers(0, GPUS), min_size=2, max_size=6), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_whole_nodes_are_found_whenever_there_is_room_for_all(used, workers) -> None:
    nodes = [a_node(f"n{n}", "home", pods=busy) for n, busy in enumerate(used)]
    tenants = Tenants(largest=1.0, coming=0, coming_gpus=0.0)
    need = Need(workers=workers, gpus=GPUS, per_node=1)
    out = fewest_emptied(nodes, GPUS, need, tenants)
    if used.count(0) >= workers:
        assert out == (), "it waits for something else than GPUs"
    elif sum(used) <= GPUS * (len(used) - workers):
        assert len(out) in (workers, workers - used.count(0))
    else:
        assert out == ()


def test_a_node_seats_no_more_workers_than_its_other_resources_allow() -> None:
    """By GPUs alone the empty node had both seats; it has the cores for one."""
    busy = [a_node(name, "home", pods=5) for name in ("a", "b", "c")]
    tenants = Tenants(largest=1.0, coming=0, coming_gpus=0.0)
    need = Need(workers=2, gpus=4.0, per_node=1)
    out = fewest_emptied([*busy, a_node("empty", "home")], GPUS, need, tenants)
    assert [node.name for node in out] == ["empty", "a"]


def test_a_worker_larger_than_a_node_is_never_seated() -> None:
    need = Need(workers=1, gpus=16.0, per_node=0)
    tenants = Tenants(largest=1.0, coming=0, coming_gpus=0.0)
    assert fewest_emptied([a_node("n", "home")], GPUS, need, tenants) == ()


def test_shares_of_a_gpu_add_up() -> None:
    tenths = [a_node("a", "home", pods=3, gpus=0.1 + 0.2), a_node("b", "home", pods=77, gpus=7.7)]
    tenants = Tenants(largest=0.1, coming=0, coming_gpus=0.0)
    need = Need(workers=1, gpus=GPUS, per_node=1)
    (out,) = fewest_emptied(tenths, GPUS, need, tenants)
    assert out.name == "a"
