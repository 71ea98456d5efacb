"""An authority: the certificates of one control plane, made by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = (
    "DNS:localhost",
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "IP:127.0.0.1",
    "IP:10.96.0.1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates that live for a day, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.root = self._pair("ca")
        self._key(self.root.key)
        _openssl(
            *("req", "-x509", "-new", "-key", self.root.key, "-subj", "/CN=test-ca"),
            *("-days", "1", "-out", self.root.certificate),
        )

    def server(self) -> Pair:
        """For the API server on loopback."""
        usage = f"subjectAltName={','.join(NAMES)}\nextendedKeyUsage=serverAuth\n"
        return self._signed("server", "/CN=kube-apiserver", usage)

    def client(self, name: str, *, group: str) -> Pair:
        """For a user of that name in that group."""
        file = name.replace(":", "-")
        return self._signed(file, f"/O={group}/CN={name}", "extendedKeyUsage=clientAuth\n")

    def account_keys(self) -> Pair:
        """The public and the private key that tokens of service accounts are signed with."""
        pair = Pair(certificate=self._folder / "sa.pub", key=self._folder / "sa.key")
        self._key(pair.key)
        _openssl("ec", "-in", pair.key, "-pubout", "-out", pair.certificate)
        return pair

    def _signed(self, file: str, subject: str, usage: str) -> Pair:
        pair = self._pair(file)
        asked, extension = self._folder / f"{file}.csr", self._folder / f"{file}.ext"
        extension.write_text(usage)
        self._key(pair.key)
        _openssl("req", "-new", "-key", pair.key, "-subj", subject, "-out", asked)
        _openssl(
            *("x509", "-req", "-in", asked, "-CA", self.root.certificate, "-CAkey", self.root.key),
            *("-CAcreateserial", "-days", "1", "-extfile", extension, "-out", pair.certificate),
        )
        return pair

    def _key(self, file: Path) -> None:
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file)
        file.chmod(0o600)

    def _pair(self, file: str) -> Pair:
        return Pair(certificate=self._folder / f"{file}.crt", key=self._folder / f"{file}.key")


def _openssl(*words: str | Path) -> None:
    ended = subprocess.run(["openssl", *map(str, words)], capture_output=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"openssl {words[0]} failed with {ended.returncode}")
