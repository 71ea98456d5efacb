"""The YAML files below the given paths, read within limits."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from scheduler.config.faults import Fault

FILE_LIMIT_BYTES = 4 * 1024 * 1024
TOTAL_LIMIT_BYTES = 64 * 1024 * 1024
FILES_LIMIT = 2_000
FOLDERS_LIMIT = 2_000
SUFFIXES = (".yaml", ".yml")


class TooMany(Exception):  # noqa: N818 - it says what there is, and becomes a fault
    """More files or folders than anybody keeps by hand."""


def read_files(paths: Sequence[Path]) -> tuple[dict[str, bytes], list[Fault]]:
    """Content by file name, and a fault for every path that gives none."""
    contents: dict[str, bytes] = {}
    faults: list[Fault] = []
    seen: set[str] = set()
    total = 0
    if not paths:
        faults.append(_fault(Path(), "no file or folder was given"))
    for path in _files(paths, faults):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        content = _read(path)
        if isinstance(content, Fault):
            faults.append(content)
            continue
        total += len(content)
        if total > TOTAL_LIMIT_BYTES:
            faults.append(_fault(path, f"more than {_mib(TOTAL_LIMIT_BYTES)} MiB in all files"))
            break
        contents[str(path)] = content
    return contents, faults


def _files(paths: Sequence[Path], faults: list[Fault]) -> Iterator[Path]:
    for path in paths:
        try:
            found = _below(path) if path.is_dir() else [path]
        except TooMany as error:
            faults.append(_fault(path, str(error)))
            continue
        except OSError as error:
            faults.append(_fault(path, f"cannot be read: {error.strerror}"))
            continue
        if not found:
            faults.append(_fault(path, "the folder holds no .yaml or .yml file"))
        yield from found


def _below(folder: Path) -> list[Path]:
    """Files in the order of their names, folder by folder; hidden names are passed over.

    A mounted ConfigMap shows `x.yaml -> ..data/x.yaml`: the link is followed, `..data` is hidden.
    """
    files: list[Path] = []
    folders, visited = [folder], set[str]()
    while folders:
        here = folders.pop()
        real = os.path.realpath(here)
        if real in visited:
            continue
        visited.add(real)
        for entry in sorted(here.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(entry)
            elif entry.suffix in SUFFIXES:
                files.append(entry)
        if len(visited) > FOLDERS_LIMIT or len(files) > FILES_LIMIT:
            raise TooMany(f"more than {FOLDERS_LIMIT:,} folders or {FILES_LIMIT:,} files below it")
    return sorted(files)


def _read(path: Path) -> bytes | Fault:
    """The whole file, or a fault from its size alone: a huge one is never read."""
    try:
        if not path.is_file():
            there = path.exists() or path.is_symlink()
            kind = "not a regular file" if there else "no such file or folder"
            return _fault(path, kind)
        if path.stat().st_size > FILE_LIMIT_BYTES:
            return _too_large(path)
        with path.open("rb") as stream:
            content = stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        return _fault(path, f"cannot be read: {error.strerror}")
    return _too_large(path) if len(content) > FILE_LIMIT_BYTES else content


def _too_large(path: Path) -> Fault:
    return _fault(path, f"larger than {_mib(FILE_LIMIT_BYTES)} MiB: split it")


def _mib(size: int) -> int:
    return size // (1024 * 1024)


def _fault(path: Path, message: str) -> Fault:
    return Fault(file=str(path), line=1, column=1, path="", message=message)
