"""Loading: what the official client's loaders make of kubeconfig or service account.

All of it blocks: files are read, plugins run, servers asked.
"""

import logging
import re
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from adapters.kubernetes.faults import AccessError
from scheduler.domain.bindings import KubernetesAccess

if TYPE_CHECKING:
    from kubernetes.client import Configuration

IN_CLUSTER_HINT = (
    "; this is not a pod with a service account. From outside, name a context of the kubeconfig"
)
NO_FILE = "Invalid kube-config file. No configuration found"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Loaded:
    """What the official client's loaders made of the files, at one time."""

    configuration: "Configuration"
    tls: ssl.SSLContext | None
    """None: plain http."""
    certificate: bytes
    """The client's own, to see whether another one came."""


def load(access: KubernetesAccess, into: ssl.SSLContext | None = None) -> Loaded:
    """Reads the files and runs the plugin. `into`: the TLS context that is in use already."""
    # The package takes half a second to import: only who has a Kubernetes cluster pays for it.
    from kubernetes.client import Configuration
    from yaml import YAMLError

    loaders = _loaders()
    configuration = Configuration()
    where = f"cluster {access.cluster}"
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        try:
            if _by_kubeconfig(access):
                _load_context(access, configuration, folder)
            else:
                loaders.load_incluster_config(configuration)
            return _secured(configuration, into)
        except loaders.ConfigException as error:
            hint = "" if _by_kubeconfig(access) else IN_CLUSTER_HINT
            raise AccessError(f"{where}: {_named(access)}: {_bare(error)}{hint}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
            raise AccessError(f"{where}: {_named(access)}: {_reason(error)}") from None


def _load_context(access: KubernetesAccess, configuration: "Configuration", folder: str) -> None:
    names = _contexts(access)
    if names is not None and access.context is not None and access.context not in names:
        raise AccessError(
            f"cluster {access.cluster}: {_named(access)} has no context {access.context!r}; "
            f"it has {', '.join(sorted(names)) or 'none'}"
        )
    with _overheard() as told:
        _loaders().load_kube_config(
            access.kubeconfig,
            access.context,
            configuration,
            # The user's file is theirs; a token that was fetched lives in memory.
            persist_config=False,
            temp_file_path=folder,
        )
    if told:
        raise AccessError(f"cluster {access.cluster}: {_of_plugin(access, told[0])}")


def _contexts(access: KubernetesAccess) -> list[str] | None:
    """Their names; None where the loader cannot tell: no context is current."""
    loaders = _loaders()
    try:
        contexts, _ = loaders.list_kube_config_contexts(access.kubeconfig)
    except loaders.ConfigException as error:
        if not str(error).startswith(NO_FILE):
            return None
        raise AccessError(
            f"cluster {access.cluster}: there is no kubeconfig at {_named(access)}; "
            "name the file, or set KUBECONFIG"
        ) from None
    return [str(each["name"]) for each in contexts]


def _of_plugin(access: KubernetesAccess, told: str) -> str:
    """The loader writes a plugin's failure to the log and goes on without credentials."""
    return f"{_named(access)}: the exec plugin of the context gave no credentials: {told[:300]}"


def _named(access: KubernetesAccess) -> str:
    if not _by_kubeconfig(access):
        return "the service account"
    return access.kubeconfig or str(_loaders().KUBE_CONFIG_DEFAULT_LOCATION)


def _by_kubeconfig(access: KubernetesAccess) -> bool:
    return access.context is not None or access.kubeconfig is not None


def _loaders() -> Any:  # noqa: ANN401 - untyped in some of the versions that we bear
    from kubernetes import config

    return config


def _bare(error: Exception) -> str:
    """Without the parts of the file that the loader quotes: users have their tokens in it."""
    return re.sub(r"\{.*\}", "{...}", str(error), flags=re.DOTALL).rstrip(".")


def _reason(error: Exception) -> str:
    """Of a file that cannot be read or is damaged; its text, which may be secret, is not told."""
    line = getattr(getattr(error, "problem_mark", None), "line", None)
    if line is not None:
        return f"no YAML from line {line + 1} on"
    if isinstance(error, OSError):
        return str(error)
    return f"damaged: a value is not what it should be ({type(error).__name__})"


def _secured(configuration: "Configuration", into: ssl.SSLContext | None) -> Loaded:
    if configuration.host.startswith("http://"):
        return Loaded(configuration=configuration, tls=None, certificate=b"")
    tls = into or ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Newer Pythons ask certificate authorities for extensions that those of clusters lack.
    tls.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not configuration.verify_ssl:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    certificate = b""
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
        certificate = Path(configuration.cert_file).read_bytes()
    return Loaded(configuration=configuration, tls=tls, certificate=certificate)


def headers_of(configuration: "Configuration", access: KubernetesAccess) -> Mapping[str, str]:
    """Asks the loader, which reads the token again, or runs the plugin, when it is about to end."""
    try:
        # A plugin that fails early leaves the old token, which may be good for minutes yet.
        with _overheard():
            told = configuration.auth_settings().get("BearerToken", {}).get("value")
    except Exception as error:  # noqa: BLE001 - whatever a loader raises, we have no way in
        raise AccessError(f"cluster {access.cluster}: no token: {type(error).__name__}") from None
    value = (told or "").strip()
    if not value:
        return {}
    if not value.isprintable():
        # The transport would quote it in its complaint.
        raise AccessError(
            f"cluster {access.cluster}: the token holds line breaks or other controls"
        )
    return {"Authorization": value}


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the loaders write to the root logger in this thread: kept from it, and given to us."""
    told: list[str] = []
    here = threading.get_ident()

    def listen(record: logging.LogRecord) -> bool:
        if record.thread != here:
            return True
        told.append(_bare(Exception(record.getMessage())))
        return False

    root = logging.getLogger()
    root.addFilter(listen)
    try:
        yield told
    finally:
        root.removeFilter(listen)


def proxy_of(access: KubernetesAccess, configuration: "Configuration") -> str | None:
    """The kubeconfig's own, else the environment's, less the hosts that go without one."""
    if not _by_kubeconfig(access):
        # The API server is in the same cluster.
        return None
    environment = getproxies_environment()
    if configuration.proxy and configuration.proxy not in environment.values():
        return str(configuration.proxy)
    parts = urlsplit(configuration.host)
    if _goes_straight(parts.hostname or "", environment.get("no", "")):
        return None
    return environment.get(parts.scheme) or environment.get("all")


def _goes_straight(host: str, without: str) -> bool:
    if proxy_bypass(host) or host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in net for net in _networks(without))


def _networks(without: str) -> Iterator[IPv4Network | IPv6Network]:
    for part in without.split(","):
        with suppress(ValueError):
            yield ip_network(part.strip(), strict=False)
