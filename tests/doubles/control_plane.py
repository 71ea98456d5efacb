"""A control plane: the real etcd, API server, controllers and scheduler, on loopback."""

import atexit
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx
import yaml

from adapters.kubernetes.client import Connection
from tests.doubles.authority import Authority, Pair

PLACES = ("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin")
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
ABSENT = (
    "no control plane binaries: neither $KUBEBUILDER_ASSETS nor /usr/local/kubebuilder/bin"
    " has kube-apiserver and etcd"
)
READY_WITHIN_S = 90.0
ISSUER = "https://kubernetes.default.svc.cluster.local"


def find_binaries() -> Path | None:
    """The folder with the binaries, by the convention of envtest."""
    named = os.environ.get(PLACES[0])
    for folder in (Path(named) if named else None, Path(PLACES[1])):
        if folder and all((folder / name).exists() for name in COMPONENTS):
            return folder
    return None


class ControlPlane:
    """One cluster without kubelets. Each component is stopped, started, paused by its name.

    `more` adds flags by component, as `{"kube-controller-manager":
    ["--node-monitor-grace-period=8s"]}`.
    """

    def __init__(self, name: str, *, more: Mapping[str, Sequence[str]] | None = None) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError(ABSENT)
        self.name, self._binaries, self._more = name, binaries, dict(more or {})
        self._folder = Path(tempfile.mkdtemp(prefix=f"control-plane-{name}-"))
        self._ports = dict(zip((*COMPONENTS, "peers"), _free_ports(5), strict=True))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}
        self.server = f"https://127.0.0.1:{self._ports['kube-apiserver']}"
        self.kubeconfig = self._folder / "kubeconfig"

    def __enter__(self) -> Self:
        atexit.register(self.close)
        try:
            self._prepare()
            self.start("etcd")
            self.start("kube-apiserver")
            self._await("/readyz")
            # These two end at once where the roles that the server makes are not there yet.
            self.start("kube-controller-manager")
            self.start("kube-scheduler")
            self._await("/api/v1/namespaces/default/serviceaccounts/default")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Everything is stopped and removed. May be called again."""
        for component in reversed(list(self._running)):
            self.stop(component)
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.close)

    def start(self, component: str) -> None:
        """Starts it (again); does not wait until it answers: see `ready`."""
        with (self._folder / f"{component}.log").open("ab") as log:
            self._running[component] = subprocess.Popen(
                self._commands[component],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, component: str) -> None:
        """Ends it, at once if it does not go by itself."""
        process = self._running.pop(component)
        # etcd and the API server keep nothing worth a slow good-bye; a paused one hears nothing.
        process.send_signal(signal.SIGKILL if component in COMPONENTS[:2] else signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pause(self, component: str) -> None:
        """It hangs: connections are taken and nothing is answered."""
        self._running[component].send_signal(signal.SIGSTOP)

    def resume(self, component: str) -> None:
        """It goes on."""
        self._running[component].send_signal(signal.SIGCONT)

    def ready(self) -> None:
        """Returns once the API server says that it is ready. Raises TimeoutError."""
        self._await("/readyz")

    def connection(self, token: str | None = None) -> Connection:
        """As the administrator, or as who holds the token."""
        tls = ssl.create_default_context(cafile=self._folder / "pki" / "ca.crt")
        if token is not None:
            return Connection(server=self.server, tls=tls, headers=_bearing(token))
        tls.load_cert_chain(self._admin.certificate, self._admin.key)
        return Connection(server=self.server, tls=tls)

    def token_for(self, namespace: str, service_account: str) -> str:
        """A token of a service account that exists, good for an hour."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        with self._http() as http:
            answer = http.post(path, json={**asked, "spec": {"expirationSeconds": 3600}})
        answer.raise_for_status()
        return str(answer.json()["status"]["token"])

    def _prepare(self) -> None:
        pki = Authority(self._folder / "pki")
        self._admin = pki.client("kubernetes-admin", group="system:masters")
        _write_kubeconfig(self.kubeconfig, self.name, self.server, pki.root, self._admin)
        for component in COMPONENTS[2:]:
            user = pki.client(f"system:{component}", group=f"system:{component}")
            file = self._folder / f"{component}.kubeconfig"
            _write_kubeconfig(file, self.name, self.server, pki.root, user)
        accounts = pki.account_keys()
        flags = {
            "etcd": self._etcd(),
            "kube-apiserver": self._api_server(pki.root, pki.server(), accounts),
            "kube-controller-manager": self._controllers(pki.root, accounts),
            "kube-scheduler": self._as_client("kube-scheduler"),
        }
        self._commands = {
            name: [str(self._binaries / name), *own, *self._more.get(name, ())]
            for name, own in flags.items()
        }

    def _etcd(self) -> list[str]:
        url = f"http://127.0.0.1:{self._ports['etcd']}"
        peers = f"http://127.0.0.1:{self._ports['peers']}"
        return [
            f"--name={self.name}",
            f"--data-dir={self._folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster={self.name}={peers}",
        ]

    def _api_server(self, root: Pair, server: Pair, accounts: Pair) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._ports['etcd']}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._ports['kube-apiserver']}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={server.certificate}",
            f"--tls-private-key-file={server.key}",
            f"--cert-dir={self._folder / 'pki'}",
            f"--client-ca-file={root.certificate}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={accounts.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--profiling=false",
        ]

    def _controllers(self, root: Pair, accounts: Pair) -> list[str]:
        return [
            *self._as_client("kube-controller-manager"),
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={accounts.key}",
            f"--root-ca-file={root.certificate}",
        ]

    def _as_client(self, component: str) -> list[str]:
        file = self._folder / f"{component}.kubeconfig"
        return [
            f"--kubeconfig={file}",
            f"--authentication-kubeconfig={file}",
            f"--authorization-kubeconfig={file}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._ports[component]}",
            f"--cert-dir={self._folder / 'pki' / component}",
            "--leader-elect=false",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--profiling=false",
        ]

    def _http(self) -> httpx.Client:
        tls = self.connection().tls
        return httpx.Client(base_url=self.server, verify=tls, trust_env=False, timeout=5.0)

    def _await(self, path: str) -> None:
        ends = time.monotonic() + READY_WITHIN_S
        with self._http() as http:
            while time.monotonic() < ends:
                self._alive()
                if _succeeds(http, path):
                    return
                time.sleep(0.1)  # A foreign process: it has no other way to tell.
        raise TimeoutError(f"{self.name}: {path} did not answer within {READY_WITHIN_S:g} s")

    def _alive(self) -> None:
        for component, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{self.name}: {component} ended with {process.returncode}")


def write_joint_kubeconfig(file: Path, planes: Iterable[ControlPlane]) -> None:
    """One kubeconfig with a context for each plane, named like it; the first is current."""
    parts = [yaml.safe_load(plane.kubeconfig.read_text()) for plane in planes]
    joint = {**parts[0]}
    for kind in ("clusters", "users", "contexts"):
        joint[kind] = [entry for part in parts for entry in part[kind]]
    _write_private(file, joint)


def _write_kubeconfig(file: Path, name: str, server: str, root: Pair, user: Pair) -> None:
    cluster = {"server": server, "certificate-authority": str(root.certificate)}
    keys = {"client-certificate": str(user.certificate), "client-key": str(user.key)}
    text: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": keys}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    _write_private(file, text)


def _write_private(file: Path, text: Mapping[str, object]) -> None:
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(dict(text)))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _succeeds(http: httpx.Client, path: str) -> bool:
    try:
        return http.get(path).is_success
    except httpx.HTTPError:
        return False


def _bearing(token: str) -> Callable[[], Awaitable[Mapping[str, str]]]:
    async def headers() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token}"}

    return headers
