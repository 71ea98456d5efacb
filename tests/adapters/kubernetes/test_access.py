"""Access: kubeconfig contexts, service accounts, plugins, and what is said when there is no way."""

import asyncio
import os
import shlex
import shutil
import ssl
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.kubernetes.access import connection_of
from adapters.kubernetes.client import Client
from adapters.kubernetes.faults import AccessError, Silent
from scheduler.domain.bindings import KubernetesAccess
from scheduler.domain.names import ClusterName
from tests.doubles.authority import Authority
from tests.doubles.scripted import Scripted, answers

SECRET = "s3cr3t-t0k3n"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def a_kubeconfig(
    folder: Path, user: Mapping[str, object], *, server: str = "https://api:6443", **cluster: Any
) -> KubernetesAccess:
    file = folder / "kubeconfig"
    names = {"cluster": "c", "user": "u"}
    content = {
        "current-context": "dc",
        "contexts": [{"name": "dc", "context": names}, {"name": "edge", "context": names}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(yaml.safe_dump(content))
    return KubernetesAccess(cluster=ClusterName("dc"), kubeconfig=str(file), context="dc")


def a_plugin(folder: Path, body: str) -> dict[str, object]:
    """An exec plugin; `body` is Python."""
    script = folder / "plugin.py"
    script.write_text(body)
    command = folder / "plugin"
    command.write_text(
        f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -S {shlex.quote(str(script))}\n"
    )
    command.chmod(0o755)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(command),
            "interactiveMode": "Never",
        }
    }


COUNTING = """
import json, pathlib
runs = pathlib.Path(__file__).with_name("runs")
count = len(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text("x" * count)
status = {"token": f"token-{count}"}
print(json.dumps({
    "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status
}))
"""


async def told_by(connection: Any) -> Mapping[str, str]:
    assert connection.headers is not None
    headers: Mapping[str, str] = await connection.headers()
    return headers


async def test_a_context_gives_server_and_token(tmp_path: Path) -> None:
    access = a_kubeconfig(tmp_path, {"token": SECRET}, server="https://api:6443/")
    connection = await connection_of(access)
    assert connection.server == "https://api:6443"
    assert await told_by(connection) == {"Authorization": f"Bearer {SECRET}"}


async def test_no_secret_is_shown(tmp_path: Path) -> None:
    connection = await connection_of(a_kubeconfig(tmp_path, {"token": SECRET}))
    await told_by(connection)
    assert SECRET not in repr(connection)


async def test_a_context_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    a_kubeconfig(tmp_path, {"token": SECRET})
    file = str(tmp_path / "kubeconfig")
    access = KubernetesAccess(cluster=ClusterName("dc"), kubeconfig=file, context="prod")
    with pytest.raises(AccessError, match="no context 'prod'; it has dc, edge") as told:
        await connection_of(access)
    assert SECRET not in str(told.value)
    assert file in str(told.value)


async def test_without_a_current_context_a_named_one_is_enough(tmp_path: Path) -> None:
    access = a_kubeconfig(tmp_path, {"token": SECRET})
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace("current-context: dc\n", ""))
    assert (await connection_of(access)).server == "https://api:6443"


async def test_a_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = str(tmp_path / "nowhere")
    access = KubernetesAccess(cluster=ClusterName("dc"), kubeconfig=file)
    with pytest.raises(AccessError, match=r"cluster dc: there is no kubeconfig at .*nowhere"):
        await connection_of(access)


@pytest.mark.parametrize(
    "text", [f"users: [{SECRET}", f"users: {SECRET}", f"- {SECRET}", "", "contexts: {}"]
)
async def test_a_damaged_kubeconfig_is_told_without_what_it_holds(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    access = KubernetesAccess(cluster=ClusterName("dc"), kubeconfig=str(file), context="dc")
    with pytest.raises(AccessError, match="cluster dc") as told:
        await connection_of(access)
    assert SECRET not in str(told.value)


async def test_a_user_that_lacks_something_is_told_without_its_secrets(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "gcp", "config": {"cmd-path": "", "secret": SECRET}}}
    with pytest.raises(AccessError) as told:
        await connection_of(a_kubeconfig(tmp_path, user))
    assert SECRET not in str(told.value)


async def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    access = a_kubeconfig(tmp_path, {}, **{"certificate-authority": "ca.pem"})
    with pytest.raises(AccessError, match=r"ca\.pem"):
        await connection_of(access)


async def test_outside_of_a_pod_a_context_is_asked_for() -> None:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        pytest.skip("these tests run in a pod")
    with pytest.raises(AccessError, match="name a context of the kubeconfig"):
        await connection_of(KubernetesAccess(cluster=ClusterName("dc")))


async def test_a_plugin_gives_the_token_and_runs_again_only_when_refused(tmp_path: Path) -> None:
    clock = Clock()
    access = a_kubeconfig(tmp_path, a_plugin(tmp_path, COUNTING))
    connection = await connection_of(access, monotonic=clock)
    first = await told_by(connection)
    clock.now_s = 3600.0
    assert await told_by(connection) == first == {"Authorization": "Bearer token-1"}
    assert connection.renew is not None
    assert await asyncio.gather(*(connection.renew(first) for _ in range(5))) == [True] * 5
    assert await told_by(connection) == {"Authorization": "Bearer token-2"}
    assert await connection.renew(first), "refused in flight: the new one is there already"
    assert (tmp_path / "runs").read_text() == "xx"


async def test_a_server_that_refuses_everything_does_not_run_the_plugin_each_time(
    tmp_path: Path,
) -> None:
    clock = Clock()
    access = a_kubeconfig(tmp_path, a_plugin(tmp_path, COUNTING))
    connection = await connection_of(access, monotonic=clock)
    assert connection.renew is not None
    assert await connection.renew(await told_by(connection))
    assert not await connection.renew(await told_by(connection))
    clock.now_s = 11.0
    assert await connection.renew(await told_by(connection))
    assert (tmp_path / "runs").read_text() == "xxx"


async def test_a_plugin_that_is_not_installed_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = a_plugin(tmp_path, "")
    (tmp_path / "plugin").unlink()
    with pytest.raises(AccessError, match=r"exec plugin.*no credentials.*plugin"):
        await connection_of(a_kubeconfig(tmp_path, user))
    assert caplog.records == []


async def test_the_words_of_a_plugin_that_fails_are_passed_on(tmp_path: Path) -> None:
    user = a_plugin(tmp_path, "raise SystemExit('please log in')")
    with pytest.raises(AccessError, match="please log in"):
        await connection_of(a_kubeconfig(tmp_path, user))


async def test_a_plugin_that_hangs_is_told_after_the_deadline(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    body = "import pathlib; (pathlib.Path(__file__).with_name('pipe')).read_text()"
    access = a_kubeconfig(tmp_path, a_plugin(tmp_path, body))
    with pytest.raises(AccessError, match=r"no credentials within 0\.5 s"):
        await connection_of(access, deadline_s=0.5)
    # Whoever reads the pipe may end now.
    (tmp_path / "pipe").write_text("")


async def test_a_token_with_line_breaks_is_not_quoted(tmp_path: Path) -> None:
    connection = await connection_of(a_kubeconfig(tmp_path, {"token": f"a\n{SECRET}"}))
    with pytest.raises(AccessError, match="line breaks") as told:
        await told_by(connection)
    assert SECRET not in str(told.value)


async def test_user_and_password_are_taken(tmp_path: Path) -> None:
    connection = await connection_of(a_kubeconfig(tmp_path, {"username": "me", "password": "x"}))
    assert await told_by(connection) == {"Authorization": f"Basic {b64encode(b'me:x').decode()}"}


async def test_name_and_proxy_of_a_cluster_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,.inside")
    proxies = {}
    for server in ("https://api:6443", "https://10.1.2.3", "https://a.inside", "https://127.0.0.1"):
        access = a_kubeconfig(tmp_path, {}, server=server, **{"tls-server-name": "kubernetes"})
        connection = await connection_of(access)
        proxies[server.removeprefix("https://")] = connection.proxy
        assert connection.server_name == "kubernetes"
    assert proxies == {
        "api:6443": "http://proxy:3128",
        "10.1.2.3": None,
        "a.inside": None,
        "127.0.0.1": None,
    }


async def test_a_server_of_plain_http_is_spoken_to(tmp_path: Path) -> None:
    async with Scripted(answers({})) as server:
        access = a_kubeconfig(tmp_path, {"token": SECRET}, server=server.connection().server)
        client = Client(await connection_of(access))
        await client.get("/version")
        await client.close()
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    return Authority(tmp_path_factory.mktemp("authority") / "pki")


def a_tls_server(authority: Authority, *, asks_who: bool = False) -> Scripted:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.root.certificate)
    pair = authority.server()
    tls.load_cert_chain(pair.certificate, pair.key)
    tls.verify_mode = ssl.CERT_REQUIRED if asks_who else ssl.CERT_NONE
    return Scripted(tls=tls, always={"/version": answers({})})


def in_kubeconfig(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()


async def reached(access: KubernetesAccess) -> bool:
    client = Client(await connection_of(access))
    try:
        return await client.get("/version") == b"{}"
    finally:
        await client.close()


async def test_certificates_are_checked_unless_the_kubeconfig_says_otherwise(
    tmp_path: Path, authority: Authority
) -> None:
    async with a_tls_server(authority) as server:
        root = {"certificate-authority-data": in_kubeconfig(authority.root.certificate)}
        assert await reached(a_kubeconfig(tmp_path, {}, server=server.address, **root))
        with pytest.raises(Silent, match=r"(?i)certificate"):
            await reached(a_kubeconfig(tmp_path, {}, server=server.address))
        unchecked = {"insecure-skip-tls-verify": True}
        assert await reached(a_kubeconfig(tmp_path, {}, server=server.address, **unchecked))


async def test_a_client_certificate_is_shown_and_its_key_does_not_stay_on_the_disk(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    pair = authority.client("me", group="us")
    user = {
        "client-certificate-data": in_kubeconfig(pair.certificate),
        "client-key-data": in_kubeconfig(pair.key),
    }
    root = {"certificate-authority-data": in_kubeconfig(authority.root.certificate)}
    async with a_tls_server(authority, asks_who=True) as server:
        assert await reached(a_kubeconfig(tmp_path, user, server=server.address, **root))
    assert list(scratch.iterdir()) == []


async def test_a_plugin_may_give_certificates_and_new_ones_when_they_are_refused(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.client("me", group="us")
    status = {
        "clientCertificateData": pair.certificate.read_text(),
        "clientKeyData": pair.key.read_text(),
    }
    body = COUNTING.replace('{"token": f"token-{count}"}', repr(status))
    root = {"certificate-authority-data": in_kubeconfig(authority.root.certificate)}
    async with a_tls_server(authority, asks_who=True) as server:
        user = a_plugin(tmp_path, body)
        access = a_kubeconfig(tmp_path, user, server=server.address, **root)
        assert await reached(access)
        connection = await connection_of(access)
    assert connection.renew is not None
    assert not await connection.renew({}), "the plugin gave the same certificate again"


async def test_the_service_account_of_a_real_pod_is_taken_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import incluster_config

    (tmp_path / "token").write_text(SECRET + "\n")
    (tmp_path / "ca.crt").write_text(Path(ssl_roots()).read_text())
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    clock = Clock()
    connection = await connection_of(KubernetesAccess(cluster=ClusterName("c")), monotonic=clock)
    assert (connection.server, connection.proxy) == ("https://[fd00::1]:443", None)
    first = await told_by(connection)
    assert first["Authorization"].split()[1] == SECRET
    (tmp_path / "token").write_text("rotated")
    assert connection.renew is not None
    assert await connection.renew(first)
    assert (await told_by(connection))["Authorization"].split()[1] == "rotated"


def ssl_roots() -> str:
    import certifi

    return certifi.where()
