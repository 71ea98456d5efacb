"""The orders that a static site has taken, in a file that other tooling can apply, or in memory."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from adapters.base import Refused
from scheduler.domain.names import ClusterName, NodeName, PoolName, WorkloadName

_API_VERSION = "tidegate.io/v1alpha1"
_KIND = "StaticState"
_MOST_BYTES = 16 * 2**20
"""More than any fleet's orders; a file beyond it is not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Pods and share of one workload on one pool."""

    pods: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticState:
    """All that a static site has been told; placements in the order in which they came."""

    placements: Mapping[tuple[WorkloadName, PoolName], Ordered] = field(default_factory=dict)
    draining: frozenset[NodeName] = frozenset()


class StateStore(Protocol):
    """Where the state is kept. Fails as Refused, and as nothing else."""

    def load(self) -> StaticState:
        """The state as last saved; empty if it never was."""
        ...

    def save(self, state: StaticState) -> None:
        """Keep the state: afterwards it is there in full, or the old one is."""
        ...


class StateInMemory:
    """Kept in the object: gone with the process."""

    def __init__(self) -> None:
        self._state = StaticState()

    def load(self) -> StaticState:
        """The state as last saved."""
        return self._state

    def save(self, state: StaticState) -> None:
        """Keep the state."""
        self._state = state


class StateInFile:
    """Kept as JSON in one file, replaced whole and synced, so that no reader sees half of it."""

    def __init__(self, path: Path, cluster: ClusterName) -> None:
        self._path, self._cluster = path, cluster

    def load(self) -> StaticState:
        """The state in the file; empty if there is no file yet."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return StaticState()
        except OSError as error:
            raise self._refused(
                f"cannot be read ({error.strerror}); check its permissions"
            ) from error
        try:
            return _parsed(text, self._cluster)
        except (_MalformedError, ValueError, RecursionError) as error:
            raise self._refused(
                f"is not the state of cluster {self._cluster} ({error}); restore it, or delete it "
                "to begin without placements"
            ) from error

    def save(self, state: StaticState) -> None:
        """Write beside the file, sync, then put it in its place."""
        text = json.dumps(_document(state, self._cluster), indent=2) + "\n"
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise self._refused(
                f"cannot be written ({error.strerror}); create the folder and allow writing there"
            ) from error

    def _refused(self, what: str) -> Refused:
        return Refused(f"state file {self._path} {what}")


class _MalformedError(Exception):
    """The text is not a state."""


def _sync_folder(folder: Path) -> None:
    """Without it the new name itself may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _document(state: StaticState, cluster: ClusterName) -> dict[str, Any]:
    return {
        "apiVersion": _API_VERSION,
        "kind": _KIND,
        "cluster": cluster,
        "draining": sorted(state.draining),
        "placements": [
            {"workload": workload, "pool": pool, "pods": ordered.pods, "share": ordered.share}
            for (workload, pool), ordered in state.placements.items()
        ],
    }


def _parsed(text: bytes, cluster: ClusterName) -> StaticState:
    if len(text) > _MOST_BYTES:
        raise _MalformedError(f"larger than {_MOST_BYTES >> 20} MiB")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise _MalformedError("not an object")
    for key, expected in (("apiVersion", _API_VERSION), ("kind", _KIND), ("cluster", cluster)):
        if document.get(key) != expected:
            raise _MalformedError(f"{key} is {document.get(key)!r}, expected {expected!r}")
    draining = document.get("draining", [])
    placements = document.get("placements", [])
    if not isinstance(draining, list) or not all(isinstance(name, str) for name in draining):
        raise _MalformedError("draining is not a list of node names")
    if not isinstance(placements, list):
        raise _MalformedError("placements is not a list")
    return StaticState(
        draining=frozenset(NodeName(name) for name in draining),
        placements=dict(_placement(entry, at) for at, entry in enumerate(placements)),
    )


def _placement(entry: object, at: int) -> tuple[tuple[WorkloadName, PoolName], Ordered]:
    if not isinstance(entry, dict):
        raise _MalformedError(f"placements[{at}] is not an object")
    workload, pool = entry.get("workload"), entry.get("pool")
    pods, share = entry.get("pods"), entry.get("share")
    if not isinstance(workload, str) or not isinstance(pool, str):
        raise _MalformedError(f"placements[{at}] names no workload and pool")
    if not isinstance(pods, int) or isinstance(pods, bool) or pods < 0:
        raise _MalformedError(f"placements[{at}].pods is {pods!r}, expected a whole number from 0")
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0.0 <= share <= 1.0:
        raise _MalformedError(f"placements[{at}].share is {share!r}, expected a number from 0 to 1")
    return (WorkloadName(workload), PoolName(pool)), Ordered(pods=pods, share=float(share))
