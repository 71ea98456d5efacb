"""The catalogue: which workload fits which pool, and the first reason why not."""

import pytest

from scheduler.domain.names import ClusterName, PoolName
from scheduler.domain.places import Contract, Resources
from scheduler.domain.workloads import Spread
from scheduler.model.catalogue import FIT_WORDS, Fit, compile_fleet
from tests.model.worlds import T4, Part, a_fleet, a_job, a_pool, a_service


def fit(*parts: Part) -> Fit:
    """Of the only workload on the only pool."""
    return Fit(int(compile_fleet(a_fleet(*parts)).fit[0, 0]))


def test_what_fits_fits() -> None:
    assert fit(a_service(), a_pool("dc-a")) is Fit.FITS
    assert fit(a_job(), a_pool("dc-a")) is Fit.FITS


def test_a_workload_stays_in_the_clusters_and_pools_that_it_lists() -> None:
    elsewhere = a_service(clusters=(ClusterName("cloud"),))
    assert fit(elsewhere, a_pool("dc-a")) is Fit.NOT_LISTED
    assert fit(elsewhere, a_pool("cloud-a", "cloud")) is Fit.FITS
    assert fit(a_job(pools=(PoolName("dc-b"),)), a_pool("dc-a")) is Fit.NOT_LISTED
    both = a_job(pools=(PoolName("dc-a"),), clusters=(ClusterName("dc"),))
    assert fit(both, a_pool("dc-a")) is Fit.FITS


def test_a_gpu_type_without_a_declared_speed_is_no_option() -> None:
    assert fit(a_service(), a_pool("dc-a", gpu_type=T4)) is Fit.GPU_TYPE
    assert fit(a_job(speed={T4: 0.0}), a_pool("dc-a", gpu_type=T4)) is Fit.GPU_TYPE


def test_a_model_that_needs_more_memory_than_a_gpu_has_is_no_option() -> None:
    assert fit(a_service(gpu_memory_gib=24.0), a_pool("dc-a")) is Fit.FITS
    assert fit(a_service(gpu_memory_gib=24.5), a_pool("dc-a")) is Fit.GPU_MEMORY


@pytest.mark.parametrize(
    "takes",
    [
        Resources(gpus=5),
        Resources(gpus=1, cpu=65),
        Resources(gpus=1, memory_gib=257),
        Resources(gpus=1, pods=111),
    ],
)
def test_a_pod_larger_than_a_node_in_any_resource_is_no_option(takes: Resources) -> None:
    assert fit(a_service(per_pod=takes), a_pool("dc-a")) is Fit.NODE_TOO_SMALL


def test_who_does_not_want_spot_gets_none() -> None:
    spot = a_pool("dc-a", contract=Contract.SPOT)
    assert fit(a_service(spot=False), spot) is Fit.NO_SPOT
    assert fit(a_service(spot=True), spot) is Fit.FITS


def test_a_gang_that_needs_more_nodes_than_the_pool_may_have_is_no_option() -> None:
    small = a_pool("dc-a", max_nodes=2)
    assert fit(a_job(workers=8), small) is Fit.FITS
    assert fit(a_job(workers=9), small) is Fit.GANG_TOO_LARGE
    assert fit(a_job(workers=9, spread=Spread.CLUSTER), small) is Fit.FITS


def test_the_first_reason_is_the_one_that_is_given() -> None:
    hopeless = a_service(
        clusters=(ClusterName("cloud"),), gpu_memory_gib=99.0, per_pod=Resources(gpus=9)
    )
    assert fit(hopeless, a_pool("dc-a", gpu_type=T4)) is Fit.NOT_LISTED
    assert fit(a_service(gpu_memory_gib=99.0), a_pool("dc-a", gpu_type=T4)) is Fit.GPU_TYPE


def test_every_reason_has_words() -> None:
    assert set(FIT_WORDS) == set(Fit) - {Fit.FITS}


def test_the_scarcest_resource_says_how_many_pods_a_node_holds() -> None:
    takes = Resources(gpus=1, cpu=30, memory_gib=10)
    catalogue = compile_fleet(a_fleet(a_service(per_pod=takes), a_pool("dc-a")))
    assert catalogue.per_node[0, 0] == 2


def test_thirds_of_a_node_are_not_lost_to_rounding() -> None:
    pool = a_pool("dc-a", per_node=Resources(gpus=0.3, pods=9))
    catalogue = compile_fleet(a_fleet(a_service(per_pod=Resources(gpus=0.1)), pool))
    assert catalogue.per_node[0, 0] == 3


def test_services_come_first_and_every_table_is_in_the_order_of_names() -> None:
    fleet = a_fleet(a_job("a"), a_service("z"), a_service("y"), a_pool("q"), a_pool("p"))
    catalogue = compile_fleet(fleet)
    assert catalogue.workloads.names == ("y", "z", "a")
    assert catalogue.workloads.services == 2
    assert catalogue.pools.names == ("p", "q")


def test_a_pool_of_an_unknown_cluster_is_left_out() -> None:
    catalogue = compile_fleet(a_fleet(a_pool("lost", "nowhere"), a_pool("dc-a")))
    assert catalogue.pools.names == ("dc-a",)


def test_an_empty_fleet_has_empty_tables() -> None:
    catalogue = compile_fleet(a_fleet())
    assert catalogue.fit.shape == (0, 0)
