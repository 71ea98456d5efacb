"""Fillings: what one node holds, and how many nodes hold what is asked."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cost import Cost
from scheduler.domain.places import Resources
from scheduler.model.fillings import (
    MOST,
    Packing,
    maximal_fillings,
    nodes_by_filling,
    packing_of,
)
from scheduler.model.policy import Policy
from scheduler.planning.decide import decide
from tests.model.worlds import EXACT, a_demand, a_fleet, a_pool, a_service, a_snapshot

ROOM = np.array([8.0, 96.0, 640.0, 110.0])


def pods(*gpus_and_cpus: tuple[float, float]) -> np.ndarray:
    return np.array([(gpus, cpu, 8.0, 1.0) for gpus, cpu in gpus_and_cpus])


def packed(takes: np.ndarray, room: np.ndarray = ROOM) -> Packing | None:
    return packing_of(0, np.arange(len(takes)), takes, room)


def a_packing(takes: np.ndarray, room: np.ndarray = ROOM) -> Packing:
    packing = packed(takes, room)
    assert packing is not None
    return packing


@pytest.mark.parametrize(
    "takes",
    [
        pods((1, 4)),
        pods((3, 4), (3, 9)),
        pods((1, 4), (2, 8), (4, 40), (8, 90)),
    ],
    ids=["one shape", "equal where it counts", "halves of halves"],
)
def test_shares_of_a_node_say_it_all(takes: np.ndarray) -> None:
    assert packed(takes) is None


@pytest.mark.parametrize(
    "takes",
    [pods((3, 4), (2, 4)), pods((1, 4), (1, 48)), pods((4, 4), (0, 48))],
    ids=["three and two", "one needs half the CPUs", "GPUs or CPUs"],
)
def test_they_do_not_where_pods_leave_room_for_others(takes: np.ndarray) -> None:
    assert packed(takes) is not None


def test_three_three_and_two_share_a_node_of_eight() -> None:
    packing = a_packing(pods((3, 4), (2, 4)))
    assert packing.fillings.tolist() == [[2, 1], [1, 2], [0, 4]]
    assert nodes_by_filling(packing, np.array([4.0, 2.0])).tolist() == [2.0, 0.0, 0.0]


def test_a_node_with_too_many_fillings_starts_with_one_a_shape() -> None:
    takes = np.array([(g, c, 1.0, 1.0) for g, c in zip(range(1, 9), range(24, 0, -3), strict=True)])
    room = np.array([64.0, 200.0, 640.0, 110.0])
    assert maximal_fillings(room, takes, MOST) is None
    packing = a_packing(takes, room)
    assert not packing.complete
    assert len(packing.fillings) <= len(takes)
    assert np.all(packing.fillings @ packing.takes <= packing.room + 1e-6)


def test_more_shapes_than_python_nests_calls_are_packed_all_the_same() -> None:
    takes = np.random.default_rng(0).uniform(0.1, 4.0, (1_200, 2))
    packing = packing_of(0, np.arange(len(takes)), takes, np.array([8.0, 9.0]))
    assert packing is not None
    assert not packing.complete
    assert np.all(packing.fillings @ packing.takes <= packing.room + 1e-6)
    assert np.all(packing.fillings.max(axis=0) >= 1)


shapes = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 30)).map(lambda t: (float(t[0]), float(t[1]))),
    min_size=2,
    max_size=3,
    unique=True,
)


@given(shapes)
def test_the_fillings_are_all_that_nothing_fits_beside(each: list[tuple[float, float]]) -> None:
    takes, room = np.array(each), np.array([8.0, 50.0])
    whole = (
        {
            counts
            for counts in product(range(51), repeat=len(takes))
            if np.all(np.array(counts) @ takes <= room)
            and not any(
                np.all((np.array(counts) + one) @ takes <= room) for one in np.eye(len(takes))
            )
        }
        if takes.min(axis=0)[1] >= 10
        else None
    )
    found = maximal_fillings(room, takes, 10_000)
    assert found is not None
    assert np.all(found @ takes <= room)
    if whole is not None:
        assert {tuple(row) for row in found.tolist()} == whole


@given(shapes, st.data())
def test_nodes_hold_what_is_asked_and_no_more_than_one_a_pod(
    each: list[tuple[float, float]], data: st.DataObject
) -> None:
    packing = packed(np.array(each), np.array([8.0, 50.0]))
    if packing is None:
        return
    asked = np.array([float(data.draw(st.integers(0, 40))) for _ in packing.takes])
    nodes = nodes_by_filling(packing, asked)
    assert np.all(nodes @ packing.fillings >= asked)
    assert nodes.sum() <= asked.sum()
    least = np.max(asked @ packing.takes / packing.room)
    assert nodes.sum() >= least - 1e-9


def test_a_plan_fills_nodes_that_shares_would_leave_half_empty() -> None:
    eight = Resources(gpus=8, cpu=96, memory_gib=640, pods=110)
    fleet = a_fleet(
        a_pool("cloud-a", "cloud", max_nodes=9, per_node=eight, usd_per_node_hour=8.0),
        a_service("wide", per_pod=Resources(gpus=3, cpu=4), min_replicas=4, max_replicas=4),
        a_service("slim", per_pod=Resources(gpus=2, cpu=4), min_replicas=2, max_replicas=2),
    )
    policies: tuple[Policy, ...] = (Cost(),)
    plan = decide(a_snapshot(fleet), a_demand(fleet, {}), policies, EXACT)
    (pool,) = plan.pools
    assert pool.after == 2
    assert plan.proof.gap <= 1e-6
