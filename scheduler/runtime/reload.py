"""Reload: changed documents are taken up when they are good; broken ones change nothing."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from watchfiles import awatch

from scheduler.runtime.logs import Logger
from scheduler.runtime.status import Status

log = Logger("tidegate.reload")

D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)

SUFFIXES = (".yaml", ".yml")


class Loaded(Protocol[D_co]):
    """The outcome of loading: what was declared, or the faults."""

    @property
    def declared(self) -> D_co | None:
        """What the documents say; None if they have faults."""
        ...

    @property
    def faults(self) -> Sequence[object]:
        """What is wrong with them; each tells itself by `str`."""
        ...


class Documents(Generic[D]):
    """The documents at some paths, and the last good version of what they say.

    Contents are compared, not times: an editor's rename and the swap of a ConfigMap's symlink
    look alike, and a file saved unchanged is no change.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        load: Callable[[Sequence[Path]], Loaded[D]],
        status: Status,
        monotonic: Callable[[], float],
        look_every_s: float = 0.5,
        beside: Callable[[], str] = lambda: "",
    ) -> None:
        self._paths = tuple(paths)
        self._load = load
        self._status = status
        self._monotonic = monotonic
        self._look_every_s = look_every_s
        self._beside = beside
        """Different whenever documents that stand in no file are."""
        self._looked_s = float("-inf")
        self._notified = True
        self._tried = ""
        self._good = ""
        self.current: D | None = None
        """The last good version; None until there is one."""

    async def refresh(self) -> bool:
        """Take up what has changed; True if there is a new good version.

        Looks at the files when told by `watch`, else at most every `look_every_s` seconds of
        real time.
        """
        now_s = self._monotonic()
        if not self._notified and now_s - self._looked_s < self._look_every_s:
            return False
        self._notified, self._looked_s = False, now_s
        print_ = self._print()
        if print_ == self._tried:
            return False
        self._tried = print_
        if print_ == self._good:
            # Taken back by hand: what is in force is what is written again.
            self._accept()
            return False
        return self._take_up(await self._loaded(), print_)

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` after each change, until cancelled.

        Folders are watched, not files: a file's watch dies with the first symlink swap.
        """
        try:
            async for _ in awatch(*_folders(self._paths), watch_filter=None, debounce=200):
                if self._print() != self._tried:
                    self._notified = True
                    changed()
        except (OSError, RuntimeError) as error:
            # No watch to be had here: the look before each tick still finds every change.
            log.warning("watch.failed", why=str(error), instead="looking before each tick")

    def _print(self) -> str:
        return fingerprint(self._paths) + self._beside()

    async def _loaded(self) -> Loaded[D] | OSError:
        try:
            # In a thread, so that the probes are answered while a big folder is checked.
            return await asyncio.to_thread(self._load, self._paths)
        except OSError as error:
            return error

    def _take_up(self, loaded: Loaded[D] | OSError, print_: str) -> bool:
        if isinstance(loaded, OSError):
            self._refuse((f"{loaded}: check the path and its permissions",))
            return False
        if loaded.declared is None:
            self._refuse(tuple(str(fault) for fault in loaded.faults))
            return False
        self.current = loaded.declared
        self._good = print_
        self._accept()
        log.info("documents.adopted", version=print_[:12])
        return True

    def _accept(self) -> None:
        self._status.documents_loaded = True
        self._status.document_faults = ()

    def _refuse(self, faults: tuple[str, ...]) -> None:
        self._status.reload_failures += 1
        self._status.document_faults = faults
        log.error("documents.refused", faults=list(faults), kept=self._good[:12])


def fingerprint(paths: Sequence[Path]) -> str:
    """A digest of the names and contents of all documents at these paths."""
    total = hashlib.sha256()
    for path in _documents(paths):
        total.update(str(path).encode(errors="surrogateescape") + b"\0")
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            # Gone or barred since it was listed: that is a state of its own.
            total.update(type(error).__name__.encode())
    return total.hexdigest()


def _documents(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from _inside(path)
        else:
            yield path


def _inside(folder: Path) -> Iterator[Path]:
    for here, below, names in os.walk(folder):
        # A mounted ConfigMap keeps its versions in hidden folders beside the links to them.
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(here, name)


def _folders(paths: Sequence[Path]) -> set[Path]:
    return {path if path.is_dir() else path.parent for path in paths}
