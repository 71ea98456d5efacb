"""The status: what a person or a global load balancer reads with kubectl, in one ConfigMap."""

from collections.abc import Mapping

from adapters.kubernetes.client import Client
from adapters.kubernetes.marks import MANAGED_BY, OURS

NAME = "tidegate-status"
LIMIT = 200_000
"""Characters of one entry: four of them stay far below what the server takes."""
CUT = "\n... cut here: the whole is on the page /status\n"


class StatusMap:
    """Written by whoever leads, and only when something in it has changed."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._path = f"/api/v1/namespaces/{namespace}/configmaps/{NAME}"
        self._written: Mapping[str, str] = {}

    async def write(self, data: Mapping[str, str]) -> None:
        """Entries by name; JSON that is too long is left out, text is cut. Raises KubernetesError.

        By apply and with force: nobody else has a say in it. What a person edits lasts until then.
        """
        fitting = {name: text for name, text in _fitting(data).items() if text}
        if fitting == self._written:
            return
        metadata = {
            "name": NAME,
            "namespace": self._namespace,
            "labels": {MANAGED_BY: OURS},
        }
        await self._client.apply(
            self._path,
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": fitting},
            force=True,
        )
        self._written = fitting


def _fitting(data: Mapping[str, str]) -> Mapping[str, str]:
    def fit(text: str) -> str:
        if len(text) <= LIMIT:
            return text
        return "" if text.startswith(("{", "[")) else text[: LIMIT - len(CUT)] + CUT

    return {name: fit(text) for name, text in data.items()}
