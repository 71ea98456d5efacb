"""Changed documents are taken up when good, refused when broken, and nothing is lost."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.runtime.reload import Documents, fingerprint
from scheduler.runtime.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the loader found: a text without the word `broken` is good."""

    declared: str | None
    faults: Sequence[str] = ()


def load(paths: Sequence[Path]) -> Outcome:
    text = "".join(file.read_text() for file in sorted(paths[0].glob("*.yaml")))
    if "broken" in text:
        return Outcome(declared=None, faults=("policy.yaml:3:5: spec.gap: is not a number",))
    return Outcome(declared=text)


class Seconds:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text("one")
    return tmp_path


class Case:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.status = Status()
        self.seconds = Seconds()
        self.documents: Documents[str] = Documents([folder], load, self.status, self.seconds)

    async def write(self, text: str) -> bool:
        (self.folder / "policy.yaml").write_text(text)
        self.seconds.now += 1.0
        return await self.documents.refresh()


@pytest.fixture
async def case(folder: Path) -> Case:
    case = Case(folder)
    assert await case.documents.refresh()
    return case


async def test_the_first_look_loads(case: Case) -> None:
    assert case.documents.current == "one"
    assert case.status.documents_loaded


async def test_a_change_is_taken_up(case: Case) -> None:
    assert await case.write("two")
    assert case.documents.current == "two"


async def test_a_file_saved_unchanged_is_no_change(case: Case) -> None:
    assert not await case.write("one")


async def test_a_broken_change_is_refused_and_the_last_good_stays(case: Case) -> None:
    assert not await case.write("broken")
    assert case.documents.current == "one"
    assert case.status.document_faults == ("policy.yaml:3:5: spec.gap: is not a number",)
    assert case.status.reload_failures == 1


async def test_a_broken_file_is_refused_once_not_at_every_look(case: Case) -> None:
    await case.write("broken")
    await case.write("broken")
    assert case.status.reload_failures == 1


async def test_a_repair_clears_the_faults(case: Case) -> None:
    await case.write("broken")
    assert await case.write("three")
    assert case.status.document_faults == ()


async def test_taking_a_broken_change_back_clears_the_faults(case: Case) -> None:
    await case.write("broken")
    assert not await case.write("one")
    assert case.documents.current == "one"
    assert case.status.document_faults == ()


async def test_nothing_good_to_begin_with_is_not_loaded(folder: Path) -> None:
    case = Case(folder)
    assert not await case.write("broken")
    assert case.documents.current is None
    assert case.status.unready_because == "no valid documents yet"


async def test_between_ticks_it_looks_at_most_twice_a_second(case: Case) -> None:
    (case.folder / "policy.yaml").write_text("two")
    case.seconds.now += 0.4
    assert not await case.documents.refresh()
    case.seconds.now += 0.1
    assert await case.documents.refresh()


async def test_a_folder_that_cannot_be_read_is_a_fault(folder: Path) -> None:
    def barred(_: Sequence[Path]) -> Outcome:
        raise PermissionError(13, "Permission denied")

    status = Status()
    assert not await Documents([folder], barred, status, Seconds()).refresh()
    assert "check the path and its permissions" in status.document_faults[0]


async def watched(case: Case, change: Callable[[], object]) -> bool:
    """Make the change while the folder is watched; returns what the refresh after it says."""
    changed = asyncio.Event()
    watch = asyncio.ensure_future(case.documents.watch(changed.set))
    try:
        async with asyncio.timeout(10.0):
            while not changed.is_set():
                # The watch begins some time after its task: make the change until it is seen.
                change()
                await asyncio.wait([asyncio.ensure_future(changed.wait())], timeout=0.1)
        return await case.documents.refresh()
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def test_a_watched_change_is_taken_up_without_waiting_for_the_next_look(case: Case) -> None:
    assert await watched(case, lambda: (case.folder / "policy.yaml").write_text("two"))
    assert case.documents.current == "two"


async def test_the_symlink_swap_of_a_config_map_is_seen(tmp_path: Path) -> None:
    mount = a_config_map(tmp_path, "one")
    case = Case(mount)
    assert await case.documents.refresh()
    versions = iter(range(100))
    assert await watched(case, lambda: swap(mount, f"two-{next(versions)}"))
    assert case.documents.current is not None
    assert case.documents.current.startswith("two")


def a_config_map(folder: Path, text: str) -> Path:
    """A volume as the kubelet lays it out: the files are links through `..data`."""
    (folder / "..v-0").mkdir()
    (folder / "..v-0" / "policy.yaml").write_text(text)
    (folder / "..data").symlink_to("..v-0")
    (folder / "policy.yaml").symlink_to("..data/policy.yaml")
    return folder


def swap(folder: Path, text: str) -> None:
    """A new version as the kubelet brings it: a new folder, then one rename over `..data`."""
    new = folder / f"..v-{text}"
    new.mkdir()
    (new / "policy.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").rename(folder / "..data")


def test_only_documents_count(folder: Path) -> None:
    before = fingerprint([folder])
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.yaml").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.yaml").write_text("x")
    assert fingerprint([folder]) == before
    (folder / "sub").mkdir()
    (folder / "sub" / "more.yml").write_text("x")
    assert fingerprint([folder]) != before


def test_a_document_that_vanishes_is_a_change(folder: Path) -> None:
    file = folder / "policy.yaml"
    before = fingerprint([file])
    file.unlink()
    assert fingerprint([file]) != before


async def test_documents_that_stand_in_no_file_are_loaded_again_when_they_change(
    folder: Path,
) -> None:
    objects = ["one"]
    seconds = Seconds()
    documents: Documents[str] = Documents(
        [folder], load, Status(), seconds, beside=lambda: objects[0]
    )
    assert await documents.refresh()
    seconds.now += 1.0
    assert not await documents.refresh()
    objects[0] = "two"
    seconds.now += 1.0
    assert await documents.refresh()
