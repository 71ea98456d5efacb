"""A static site: given nodes, orders kept in a file, broken files refused with what to do."""

import asyncio
import json
from pathlib import Path

import pytest
from adapter_worlds import (
    DC,
    MIDNIGHT,
    a_job,
    a_pool,
    a_service,
    drain,
    place,
    release,
    scale,
)

from adapters.base import NoCapacity, Refused
from adapters.static import StaticSite
from scheduler.domain.names import PoolName
from scheduler.domain.snapshot import NodePhase
from scheduler.domain.workloads import InferenceService, TrainingJob


def a_static(
    state: Path | None = None,
    *,
    nodes: int = 2,
    services: tuple[InferenceService, ...] | None = None,
    jobs: tuple[TrainingJob, ...] = (),
) -> StaticSite:
    known = (a_service(),) if services is None else services
    return StaticSite(
        cluster=DC,
        pools=[a_pool()],
        nodes={PoolName("pool"): nodes},
        services={service.name: service for service in known},
        jobs={job.name: job for job in jobs},
        now=lambda: MIDNIGHT,
        state=state,
    )


async def test_orders_outlive_the_process_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "dc.json"
    before = a_static(path)
    await before.place(place("search", 3, share=0.5))
    await before.drain(drain("pool-1"))
    assert await a_static(path).observe() == await before.observe()


async def test_the_file_is_plain_for_other_tooling(tmp_path: Path) -> None:
    path = tmp_path / "dc.json"
    await a_static(path).place(place("search", 3, share=0.5))
    assert json.loads(path.read_text()) == {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "StaticState",
        "cluster": "dc",
        "draining": [],
        "placements": [{"workload": "search", "pool": "pool", "pods": 3, "share": 0.5}],
    }
    assert [file.name for file in tmp_path.iterdir()] == ["dc.json"]


async def test_orders_sent_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    services = tuple(a_service(f"service-{index}", gpus=0.1) for index in range(12))
    site = a_static(tmp_path / "dc.json", services=services)
    await asyncio.gather(*(site.place(place(service.name, 1)) for service in services))
    assert len((await site.observe()).placements) == 12


async def test_an_order_that_changes_nothing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "dc.json"
    site = a_static(path)
    await site.place(place("search", 3))
    path.chmod(0o400)
    before = path.stat()
    await site.place(place("search", 3))
    assert path.stat() == before


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"apiVersion": "tidegate.io/v1alpha1", "kind": "StaticState", "cluster": "elsewhere"}',
        *(
            b'{"apiVersion": "tidegate.io/v1alpha1", "kind": "StaticState", "cluster": "dc", %s}'
            % rest
            for rest in (
                b'"draining": "pool-0"',
                b'"draining": [1]',
                b'"placements": {}',
                b'"placements": [7]',
                b'"placements": [{"pods": 1, "share": 1}]',
                b'"placements": [{"workload": "a", "pool": "b", "pods": -1, "share": 1}]',
                b'"placements": [{"workload": "a", "pool": "b", "pods": true, "share": 1}]',
                b'"placements": [{"workload": "a", "pool": "b", "pods": 1, "share": NaN}]',
                b'"placements": [{"workload": "a", "pool": "b", "pods": 1, "share": "1"}]',
            )
        ),
    ],
)
async def test_a_broken_file_is_refused_with_its_path_and_kept(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "dc.json"
    path.write_bytes(text)
    site = a_static(path)
    with pytest.raises(Refused, match=r"dc\.json .*restore it, or delete it"):
        await site.observe()
    with pytest.raises(Refused, match=r"dc\.json"):
        await site.place(place("search", 1))
    assert path.read_bytes() == text


async def test_a_file_far_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dc.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(Refused, match="larger than 16 MiB"):
        await a_static(path).observe()


async def test_a_folder_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    site = a_static(tmp_path / "missing" / "dc.json")
    with pytest.raises(Refused, match="create the folder"):
        await site.place(place("search", 1))


async def test_a_path_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        await a_static(tmp_path).observe()


async def test_it_never_grows_and_says_so() -> None:
    site = a_static()
    with pytest.raises(NoCapacity, match="pool is static and has 2 nodes: none of the 1 more came"):
        await site.scale(scale(3))


async def test_it_gives_nothing_back_and_says_what_to_declare() -> None:
    site = a_static()
    await site.drain(drain("pool-0"))
    with pytest.raises(Refused, match=r"pool-0 cannot be given back; declare nodes\.min"):
        await site.release(release("pool-0"))


async def test_pods_that_do_not_fit_are_wanted_but_not_ready() -> None:
    site = a_static()
    await site.place(place("search", 20))
    (found,) = (await site.observe()).placements
    assert (found.wanted, found.ready) == (20, 16)
    await site.drain(drain("pool-0"))
    report = await site.observe()
    assert report.placements[0].ready == 8
    assert [(node.phase, node.pods) for node in report.nodes] == [
        (NodePhase.DRAINING, 0),
        (NodePhase.READY, 8),
    ]


async def test_who_came_first_is_not_displaced_by_a_larger_gang() -> None:
    site = a_static(jobs=(a_job(),))
    await site.place(place("search", 1))
    await site.place(place("ranker", 2, gang=True))
    ready = {each.workload: each.ready for each in (await site.observe()).placements}
    assert ready == {"search": 1, "ranker": 0}


async def test_a_workload_that_left_the_documents_is_still_told_and_can_be_cleared(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dc.json"
    await a_static(path).place(place("search", 2))
    later = a_static(path, services=())
    (found,) = (await later.observe()).placements
    assert (found.wanted, found.ready) == (2, 0)
    await later.place(place("search", 0))
    assert (await later.observe()).placements == ()


def test_nodes_of_a_pool_that_is_not_declared_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="cluster dc has no pool typo; declare it"):
        StaticSite(
            cluster=DC,
            pools=[a_pool()],
            nodes={PoolName("typo"): 1},
            services={},
            jobs={},
            now=lambda: MIDNIGHT,
        )
