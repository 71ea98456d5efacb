"""Sites on Kubernetes are connected to when they are asked, looked at in dry runs, and let go."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from adapters.base import Refused
from adapters.kubernetes.client import Client
from scheduler.app.dry import dry_run
from scheduler.app.kubernetes_site import close_sites
from scheduler.app.standing import Loader, own_sites
from scheduler.app.tables import load_documents
from scheduler.cli.main import cli
from scheduler.domain.names import Instant
from scheduler.runtime.timer import WallClock
from tests.doubles.kubernetes.server import KubernetesDouble

from .kubernetes_fleet import FLEET, NIGHTLY, NODE, kubeconfig, methods, write_fleet


@pytest.fixture
def double() -> Iterator[KubernetesDouble]:
    with KubernetesDouble() as served:
        yield served


@pytest.fixture
def folder(double, tmp_path):
    write_fleet(tmp_path, double)
    return tmp_path


async def add_node(double) -> None:
    client = Client(double.connection())
    try:
        await client.create("/api/v1/nodes", NODE)
    finally:
        await client.close()


def test_a_plan_of_a_live_cluster_only_reads(double, folder):
    asyncio.run(add_node(double))
    double.asked.clear()
    result = CliRunner().invoke(cli, ["plan", "-f", str(folder)])
    assert result.exit_code == 0, result.output
    assert "resume nightly" in result.stdout
    assert methods(double) == {"GET"}
    assert not any(call.watches for call in double.asked)


def test_documents_are_checked_without_the_cluster(double, folder):
    (folder / "way.kubeconfig").unlink()
    result = CliRunner().invoke(cli, ["check", "-f", str(folder)])
    assert result.exit_code == 0, result.output
    assert double.asked == []


def test_a_cluster_without_a_way_in_is_not_seen_and_the_plan_says_why(folder):
    (folder / "way.kubeconfig").write_text(kubeconfig("http://127.0.0.1:1", context="another"))
    result = CliRunner().invoke(cli, ["plan", "-f", str(folder)])
    assert result.exit_code == 0, result.output
    assert "has no context 'private'; it has another" in " ".join(result.stdout.split())


def test_a_server_that_is_away_is_not_seen_and_the_plan_goes_on(double, folder):
    double.stop()
    result = CliRunner().invoke(cli, ["plan", "-f", str(folder)])
    assert result.exit_code == 0, result.output
    assert "private is not seen (unreachable" in " ".join(result.stdout.split())


def test_a_plan_without_kubernetes_does_not_load_its_client(tmp_path):
    code = (
        "import sys; from scheduler.cli.main import cli\n"
        "cli.main(['plan', '-f', sys.argv[1]], standalone_mode=False)\n"
        "assert not {'kubernetes', 'httpx', 'adapters.kubernetes.client'} & set(sys.modules)"
    )
    fleet = FLEET.replace(
        "{kubernetes: {context: private, kubeconfig: way.kubeconfig, namespaces: [ml]}}",
        "{static: {nodes: {owned: 1}}}",
    )
    (tmp_path / "fleet.yaml").write_text(f"{fleet}---\n{NIGHTLY}")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


async def test_a_dry_run_is_fenced_and_its_connections_are_closed(double, folder):
    await add_node(double)
    declared = load_documents([folder]).declared
    found = await dry_run(declared, Instant(1_794_400_000.0))
    assert [node.name for node in found.snapshot.sites["private"].nodes] == ["gpu-1"]


async def test_a_site_is_reached_on_the_first_call_after_a_failed_one(double, folder):
    await add_node(double)
    kept = (folder / "way.kubeconfig").read_text()
    (folder / "way.kubeconfig").unlink()
    declared = load_documents([folder]).declared
    (site,) = own_sites(declared, WallClock(), once=True)
    with pytest.raises(Refused, match="there is no kubeconfig"):
        await site.observe()
    (folder / "way.kubeconfig").write_text(kept)
    assert len((await site.observe()).nodes) == 1
    await close_sites([site])


async def test_a_changed_policy_keeps_the_watches_and_a_changed_pool_begins_new_ones(
    double, folder
):
    await add_node(double)
    loader = Loader(None, None, WallClock())

    async def observed() -> int:
        (site,) = (await asyncio.to_thread(loader, [folder])).declared.adapters
        assert len((await site.observe()).nodes) == 1
        return sum(call.path == "/api/v1/nodes" and not call.watches for call in double.asked)

    first = await observed()
    policy = "apiVersion: tidegate.io/v1alpha1\nkind: Policy\nmetadata: {name: p}\n"
    (folder / "policy.yaml").write_text(f"{policy}spec: {{preset: cost-first}}\n")
    assert await observed() == first
    (folder / "fleet.yaml").write_text(f"{FLEET.replace('max: 2', 'max: 3')}---\n{NIGHTLY}")
    assert await observed() > first
    await loader.close()


async def test_faults_of_a_loading_are_heard(double, folder):
    heard = []
    loader = Loader(None, None, WallClock(), judged=heard.append)
    (folder / "fleet.yaml").write_text(FLEET.replace("count: 8", "count: 800"))
    await asyncio.to_thread(loader, [folder])
    assert [fault.path for fault in heard[-1]] == ["spec.gpu.count"]
