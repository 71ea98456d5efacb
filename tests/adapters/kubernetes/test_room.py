"""Room is what nodes have less what sits on them, in whole seats."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.kubernetes.census import take_census
from adapters.kubernetes.room import free_on, gang_fits, seats, whole_slices
from scheduler.domain.names import PoolName
from scheduler.domain.places import Resources
from tests.adapters.adapter_worlds import MIDNIGHT, a_job, a_pool, after
from tests.adapters.kubernetes.view_worlds import (
    FULL,
    a_node,
    a_pod,
    a_replica,
    a_setting,
    a_view,
    a_worker,
    bound,
    taint,
)

POOL = PoolName("pool")
NEED = Resources(gpus=8.0, cpu=64.0, memory_gib=256.0)
NO_GPUS = {"cpu": "128", "memory": "1Ti", "pods": "110"}


def free(*objects: object, booting: bool = False, setting=None, now=MIDNIGHT) -> list[Resources]:
    return free_on(a_view(*objects), setting or a_setting(), POOL, booting=booting, now=now)


def fits(*objects: object, workers: int = 2) -> bool:
    return gang_fits(a_view(*objects), a_setting(), a_job(), POOL, workers)


def test_an_empty_node_has_what_it_may_allocate() -> None:
    assert free(a_node()) == [Resources(gpus=8.0, cpu=128.0, memory_gib=1024.0, pods=110.0)]


def test_everyone_who_sits_there_takes_room_daemons_too() -> None:
    taken = {"cpu": "8", "memory": "24Gi"}
    found = free(
        a_node(),
        a_pod(node="n1", requests=taken | {"nvidia.com/gpu": "2"}),
        a_pod(node="n1", requests=taken, owner="DaemonSet", namespace="kube-system"),
        a_pod(node="n1", phase="Succeeded", requests=taken),
    )
    assert found == [Resources(gpus=6.0, cpu=112.0, memory_gib=976.0, pods=108.0)]


def test_a_request_without_end_leaves_nothing() -> None:
    found = free(a_node(), a_pod(node="n1", requests={"cpu": "all"}))
    assert found[0].cpu == 0.0


def test_only_nodes_that_take_work_have_room() -> None:
    nodes = (
        a_node("a", ready="Unknown", turned=after(-1)),
        a_node("b", taints=(taint("tidegate.io/draining"),)),
        a_node("c", conditions=({"type": "InstanceExpired", "status": "True"},)),
        a_node("d", pool="web"),
    )
    assert free(*nodes) == []


def test_a_booting_node_will_have_what_its_pool_declares() -> None:
    young = a_node(born=after(-2), has=NO_GPUS)
    assert free(young) == []
    assert free(young, booting=True) == [a_pool().per_node]
    assert free(young, booting=True, now=after(30)) == []
    assert free(a_node(), booting=True) == []


def test_a_pool_that_is_not_declared_has_no_room() -> None:
    assert free_on(a_view(a_node()), a_setting(), PoolName("gone"), booting=False) == []


def test_room_is_counted_in_the_pools_own_resource() -> None:
    sliced = FULL | {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.5gb": "14"}
    setting = a_setting(bindings=(bound(resource="nvidia.com/mig-1g.5gb"),))
    pod = a_pod(node="n1", requests={"nvidia.com/mig-1g.5gb": "7"})
    assert free(a_node(has=sliced), pod, setting=setting)[0].gpus == 1.0


def test_a_part_of_a_gpu_takes_whole_slices() -> None:
    half = Resources(gpus=0.5, cpu=1.0, memory_gib=1.0)
    census = take_census(a_view(a_node()), a_setting())
    assert whole_slices(half, census, POOL).gpus == 1.0
    shared = a_node(labels={"nvidia.com/gpu.replicas": "4"})
    census = take_census(a_view(shared), a_setting())
    assert whole_slices(half, census, POOL).gpus == 0.5
    assert whole_slices(Resources(gpus=0.3), census, POOL).gpus == 0.5


def test_a_seat_is_in_one_piece() -> None:
    halves = [Resources(gpus=4.0, cpu=64.0, memory_gib=512.0, pods=10.0)] * 2
    assert seats(halves, NEED) == 0
    assert seats([a_pool().per_node] * 2, NEED) == 2
    assert seats([a_pool().per_node], Resources(gpus=0.0, cpu=0.0, memory_gib=0.0)) == 110


@given(
    st.lists(st.integers(0, 8), max_size=6).map(
        lambda gpus: [Resources(gpus=float(n), cpu=9.0, memory_gib=9.0, pods=9.0) for n in gpus]
    ),
    st.integers(1, 8),
)
def test_seats_never_hold_more_than_there_is(nodes: list[Resources], gpus: int) -> None:
    count = seats(nodes, Resources(gpus=float(gpus), cpu=1.0, memory_gib=1.0))
    assert count * gpus <= sum(node.gpus for node in nodes)
    assert count >= sum(node.gpus >= gpus for node in nodes)


def test_a_gang_fits_where_all_its_workers_do() -> None:
    assert fits(a_node("a"), a_node("b"))
    assert not fits(a_node("a"))
    assert not fits(a_node("a"), a_node("b"), a_replica("b"))
    assert not fits(a_node("a"), a_node("b", born=after(-2), has=NO_GPUS))


def test_workers_that_sit_already_keep_their_seats() -> None:
    assert fits(a_node("a"), a_node("b"), a_worker("a"))


def test_what_the_scheduler_is_about_to_seat_comes_before_a_gang() -> None:
    assert not fits(a_node("a"), a_node("b"), a_replica())
    assert fits(a_node("a"), a_node("b"), a_worker())
    elsewhere = a_pod(spec={"nodeSelector": {"kubernetes.io/arch": "arm64"}})
    assert fits(a_node("a"), a_node("b"), elsewhere)
    here = a_pod(spec={"nodeSelector": {"eks.amazonaws.com/nodegroup": "pool"}})
    assert not fits(a_node("a"), a_node("b"), here)
