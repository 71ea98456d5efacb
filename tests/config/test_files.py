"""Files, folders and mounted ConfigMaps, and what the disk can do wrong."""

from pathlib import Path
from time import perf_counter

import pytest

from scheduler.config import Loaded, load

from .fleet_text import FLEET, HEAD, POLICY_TYPES, PRESETS, declared_in, resolve


def load_paths(*paths: Path) -> Loaded:
    return load(paths, presets=PRESETS, policy_types=POLICY_TYPES, resolve=resolve)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "load.csv").write_text("time,signal,subject,pool,value\n")
    return tmp_path


def test_a_folder_is_read_with_its_folders(folder):
    nested = folder / "teams" / "ads"
    nested.mkdir(parents=True)
    (nested / "data.yml").write_text(
        f"{HEAD}kind: Dataset\nmetadata: {{name: ads}}\nspec: {{size: 1GB, homes: [hangzhou-dc]}}\n"
    )
    (folder / "notes.txt").write_text("not: [yaml")
    (folder / ".hidden.yaml").write_text("not: [yaml")
    loaded = load_paths(folder)
    assert loaded.faults == ()
    assert "ads" in declared_in(loaded).fleet.datasets


def test_a_mounted_config_map_is_read_once(tmp_path):
    data = tmp_path / "..2026_11_11"
    data.mkdir()
    (data / "fleet.yaml").write_text(FLEET)
    (data / "load.csv").write_text("time\n")
    (tmp_path / "..data").symlink_to(data.name)
    for name in ("fleet.yaml", "load.csv"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    loaded = load_paths(tmp_path)
    assert loaded.faults == ()
    assert declared_in(loaded).sources[0].csv == tmp_path / "load.csv"


def test_a_file_given_twice_is_read_once(folder):
    assert load_paths(folder, folder / "fleet.yaml").faults == ()


def test_a_folder_that_holds_itself_ends(folder):
    (folder / "loop").symlink_to(folder)
    assert load_paths(folder).faults == ()


@pytest.mark.parametrize("name", ["empty", "missing.yaml"])
def test_a_path_that_gives_nothing_is_a_fault(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (fault,) = load_paths(tmp_path / name).faults
    assert str(fault).startswith(f"{tmp_path / name}:1:1: ")


def test_no_path_at_all_is_a_fault():
    (fault,) = load_paths().faults
    assert "no file or folder was given" in str(fault)


def test_a_dangling_link_is_a_fault(folder):
    (folder / "gone.yaml").symlink_to("nowhere.yaml")
    (fault,) = load_paths(folder).faults
    assert "gone.yaml:1:1: not a regular file" in str(fault)


def test_a_missing_table_is_found_on_the_disk(folder):
    (folder / "load.csv").unlink()
    (fault,) = load_paths(folder).faults
    assert f"no such file: {folder / 'load.csv'}" in str(fault)


def test_a_file_of_100_mb_is_refused_unread(folder):
    huge = folder / "huge.yaml"
    with huge.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    before = perf_counter()
    (fault,) = load_paths(folder).faults
    assert perf_counter() - before < 1.0
    assert str(fault) == f"{huge}:1:1: larger than 4 MiB: split it"


def test_three_hundred_documents_load_in_half_a_second(folder):
    dataset = f"{HEAD}kind: Dataset\nmetadata: {{name: d%d}}\nspec: {{size: 1GB, homes: [%s]}}\n"
    service = FLEET.split("---\n")[4].replace("search-ranking", "service-%d")
    pool = FLEET.split("---\n")[3].replace("aws-g5-spot", "pool-%d")
    parts = [dataset % (i, "hangzhou-dc") for i in range(100)]
    parts += [service % i for i in range(100)] + [pool % i for i in range(100)]
    (folder / "many.yaml").write_text("---\n".join(parts))
    load_paths(folder)
    before = perf_counter()
    loaded = load_paths(folder)
    assert loaded.faults == ()
    assert len(declared_in(loaded).fleet.services) == 101
    assert perf_counter() - before < 1.5, "0.5 s on a quiet machine"
