"""Documents that are custom resources are planned with, followed, and answered."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
import yaml
from click.testing import CliRunner

from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import Conflict, Fenced
from scheduler.app.custom_resources import Crds, CustomDocuments, UnreadError
from scheduler.app.live import Doors, run_once
from scheduler.app.tables import load_documents
from scheduler.cli.main import cli
from scheduler.config.crd import custom_resource_definitions
from tests.app.process import running
from tests.doubles.kubernetes.server import KubernetesDouble

from .kubernetes_fleet import FLEET, NIGHTLY, NODE, methods, write_fleet

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
JOBS = "/apis/tidegate.io/v1alpha1/namespaces/ml/trainingjobs"


@pytest.fixture
def double() -> Iterator[KubernetesDouble]:
    with KubernetesDouble() as served:
        yield served


@pytest.fixture
async def client(double) -> AsyncIterator[Client]:
    one = Client(double.connection())
    yield one
    await one.close()


@pytest.fixture
def folder(double, tmp_path, monkeypatch):
    """The fleet in a file; the kubeconfig where kubectl would find it."""
    write_fleet(tmp_path, double, FLEET)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "way.kubeconfig"))
    return tmp_path


def seen(folder) -> Crds:
    return Crds(context="private", kubeconfig=str(folder / "way.kubeconfig"))


async def install(client: Client, *documents: str) -> None:
    """Our kinds, a node, and these documents as objects of the namespace ml."""
    for definition in custom_resource_definitions():
        await client.create(CRDS, definition)
    with suppress(Conflict):
        await client.create("/api/v1/namespaces", {"metadata": {"name": "ml"}})
    await client.create("/api/v1/nodes", NODE)
    for text in documents:
        await client.create(JOBS, yaml.safe_load(text))


async def installed(double, *documents: str) -> None:
    client = Client(double.connection())
    try:
        await install(client, *documents)
    finally:
        await client.close()


async def status_of(client: Client, name: str = "nightly") -> dict:
    return yaml.safe_load(await client.get(f"{JOBS}/{name}")).get("status", {})


def test_a_plan_takes_files_and_objects_together_and_only_reads(double, folder):
    asyncio.run(installed(double, NIGHTLY))
    double.asked.clear()
    result = CliRunner().invoke(cli, ["plan", "-f", str(folder), "--crds", "private"])
    assert result.exit_code == 0, result.output
    assert "resume nightly" in result.stdout
    assert methods(double) == {"GET"}


def test_a_name_in_a_file_and_in_an_object_is_told_with_both_places(double, folder):
    asyncio.run(installed(double, NIGHTLY))
    (folder / "job.yaml").write_text(NIGHTLY)
    result = CliRunner().invoke(cli, ["check", "-f", str(folder), "--crds", "private"])
    assert result.exit_code == 1
    assert "trainingjobs/ml/nightly: metadata.name: this name is taken by the" in result.stdout
    assert f"{folder / 'job.yaml'}:3:18" in result.stdout


def test_a_fault_in_an_object_is_told_with_its_place(double, folder):
    asyncio.run(installed(double, NIGHTLY.replace("work: 48 GPUh", "work: 48 hours")))
    result = CliRunner().invoke(cli, ["check", "-f", str(folder), "--crds", "private"])
    assert "trainingjobs/ml/nightly: spec.work: must be an amount of GPU work" in result.stdout


def test_one_namespace_alone_may_be_read(double, folder):
    asyncio.run(installed(double, NIGHTLY))
    asked = ["check", "-f", str(folder), "--crds", "private", "--crds-namespace", "elsewhere"]
    assert "jobs 0" in CliRunner().invoke(cli, asked).stdout


def test_a_cluster_without_our_kinds_is_one_clear_line(double, folder):
    result = CliRunner().invoke(cli, ["plan", "-f", str(folder), "--crds", "private"])
    assert result.exit_code == 1
    assert "tidegate schema --crd" in result.stderr


async def test_what_a_tick_decided_is_written_to_the_object(double, folder, client):
    await install(client, NIGHTLY)
    custom = CustomDocuments(seen(folder))
    await custom.refresh()
    declared = load_documents([folder], custom.objects()).declared
    await custom.told(await run_once(declared, None, Doors()))
    status = await status_of(client)
    assert status["phase"] == "Pending"
    assert status["pending"] == "1 of 1 pods"
    assert status["observedGeneration"] == 1
    await custom.close()


async def test_an_object_with_a_fault_is_invalid_and_says_why(double, folder, client):
    await install(client, NIGHTLY.replace("work: 48 GPUh", "work: 48 hours"))
    custom = CustomDocuments(seen(folder))
    await custom.refresh()
    custom.judged(load_documents([folder], custom.objects()).faults)
    await one_look(custom)
    status = await status_of(client)
    assert status["phase"] == "Invalid"
    assert status["reason"].startswith("spec.work: must be an amount of GPU work")
    await custom.close()


def test_a_daemon_that_starts_with_a_fault_in_an_object_waits_for_it_to_be_mended(double, folder):
    asyncio.run(installed(double, NIGHTLY.replace("work: 48 GPUh", "work: 48 hours")))
    with running(folder, "--crds", "private") as daemon:
        faults = daemon.told("documents.refused")["faults"]
        assert "trainingjobs/ml/nightly: spec.work" in faults[0]
        assert daemon.ask("/readyz").status_code == 503
        assert daemon.ended() == 0


async def test_a_changed_object_is_noticed_and_an_answer_is_no_change(double, folder, client):
    await install(client, NIGHTLY)
    custom = CustomDocuments(seen(folder))
    assert await custom.refresh()
    before = custom.mark()
    declared = load_documents([folder], custom.objects()).declared
    await custom.told(await run_once(declared, None, Doors()))
    assert not await custom.refresh()
    await client.patch(f"{JOBS}/nightly", {"spec": {"work": "96 GPUh"}})
    rung = []
    await one_look(custom, lambda: rung.append(1))
    assert rung == [1]
    assert custom.mark() != before
    await custom.close()


async def test_while_the_server_is_away_the_documents_stay_as_they_were(double, folder, client):
    await install(client, NIGHTLY)
    custom = CustomDocuments(seen(folder))
    await custom.refresh()
    double.stop()
    with pytest.raises(UnreadError):
        await custom.refresh()
    assert set(custom.objects()) == {"trainingjobs/ml/nightly"}
    await custom.close()


async def test_who_does_not_lead_answers_nothing(double, folder, client):
    def fenced() -> None:
        raise Fenced("another replica leads")

    await install(client, NIGHTLY)
    custom = CustomDocuments(seen(folder), fence=fenced)
    await custom.refresh()
    declared = load_documents([folder], custom.objects()).declared
    await custom.told(await run_once(declared, None, Doors()))
    assert await status_of(client) == {}
    await custom.close()


async def one_look(custom: CustomDocuments, changed=lambda: None) -> None:
    """One turn of the watch, without its rest."""
    turns = 0

    async def rest(_: float) -> None:
        nonlocal turns
        turns += 1
        if turns > 1:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await custom.watch(changed, rest)
