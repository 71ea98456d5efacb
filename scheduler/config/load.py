"""Files and folders of YAML into one declaration, or every fault in them at once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from scheduler.config.catalogue import NO_OBJECTS, Gathered, Objects, check, rates_of, read
from scheduler.config.declared import Loaded, declare
from scheduler.config.documents import Entry
from scheduler.config.faults import Fault
from scheduler.config.feasibility import feasibility_faults
from scheduler.config.files import read_files
from scheduler.config.kubernetes_references import kubernetes_faults
from scheduler.config.mapping import loop_of
from scheduler.config.pod_templates import Read, read_templates
from scheduler.config.policy_build import Resolve
from scheduler.config.policy_choices import Policies, choose, preset_name, unknown_preset
from scheduler.config.policy_document import PolicySpec
from scheduler.config.references import IsFile, Solvers, reference_faults, solver_faults
from scheduler.domain.settings import LoopSettings

FAULTS_SHOWN = 1_000
SECTIONS = ("loop", "forecast", "guard", "solver")


def load(
    paths: Sequence[Path],
    *,
    presets: Mapping[str, str],
    policy_types: Mapping[str, type],
    resolve: Resolve,
    solvers: Solvers | None = None,
    objects: Objects = NO_OBJECTS,
) -> Loaded:
    """Everything below the paths and in the objects, or all faults in it.

    Raises nothing for a bad file. Without `solvers` any name of a solver is believed.
    """
    contents, unread = read_files(paths) if paths or not objects else ({}, [])
    gathered = read(contents, whole=not unread, objects=objects)
    gathered.faults.extend(unread)
    outside = _Outside(
        presets, policy_types, resolve, _is_file, solvers, partial(_content, contents)
    )
    return _loaded(gathered, outside)


def load_text(
    files: Mapping[str, str | bytes],
    *,
    presets: Mapping[str, str],
    policy_types: Mapping[str, type],
    resolve: Resolve,
    is_file: IsFile = lambda _: True,
    solvers: Solvers | None = None,
    objects: Objects = NO_OBJECTS,
) -> Loaded:
    """The same from texts by file name, without a disk."""
    outside = _Outside(
        presets, policy_types, resolve, is_file, solvers, lambda path: _given(files, path)
    )
    return _loaded(read(files, whole=True, objects=objects), outside)


class _Outside(NamedTuple):
    """What the documents may name that is no document."""

    presets: Mapping[str, str]
    policy_types: Mapping[str, type]
    resolve: Resolve
    is_file: IsFile
    solvers: Solvers | None
    template: Read


def _loaded(gathered: Gathered, outside: _Outside) -> Loaded:
    unreadable = tuple(gathered.faults)
    preset = _preset(gathered, outside.presets)
    rates = rates_of([*gathered.policy_sources(), *([preset.source] if preset else [])])
    catalogue = check(gathered, rates)
    gathered.faults.extend(reference_faults(catalogue, outside.is_file))
    gathered.faults.extend(feasibility_faults(catalogue))
    templates = read_templates(catalogue, outside.template)
    gathered.faults.extend((*templates.faults, *kubernetes_faults(catalogue)))
    policies = _policies(gathered, preset, outside)
    faults = _in_order(unreadable, [*gathered.faults, *policies.faults])
    if faults:
        return Loaded(declared=None, faults=faults)
    loop = _loop(preset, gathered.policy())
    return Loaded(declared=declare(catalogue, policies.built, loop, templates), faults=())


def _preset(gathered: Gathered, presets: Mapping[str, str]) -> Entry[PolicySpec] | None:
    """The preset's Policy document; nothing if none is asked for or it is not right."""
    document = next(iter(gathered.policy_sources()), None)
    name = preset_name(document)
    if not name:
        return None
    if name not in presets:
        nowhere = "there is no Policy document, and no preset of the name"
        gathered.faults.append(
            unknown_preset(document, name, presets)
            if document is not None
            else Fault(file="presets", line=1, column=1, path="", message=f"{nowhere} {name}")
        )
        return None
    inner = read({f"presets/{name}.yaml": presets[name]}, whole=True)
    check(inner, rates_of(inner.sources))
    found = inner.policy()
    if found is not None and found.spec.preset is not None:
        message = "a preset stands on its own"
        inner.faults.append(found.source.fault(("spec", "preset"), message, got=True))
    if found is None and not inner.faults:
        inner.faults.append(inner.sources[0].fault(("kind",), "a preset is a Policy document"))
    gathered.faults.extend(inner.faults)
    return None if inner.faults else found


def _policies(gathered: Gathered, preset: Entry[PolicySpec] | None, outside: _Outside) -> Policies:
    """The policies in force, or all that is wrong with them and with the solver."""
    document = gathered.policy_source()
    base = preset.source if preset else None
    given = document is None or ("spec", "preset") not in document.refused
    whole = base is not None or (given and not preset_name(document))
    result = choose(base, document, outside.policy_types, outside.resolve, whole=whole)
    if outside.solvers is not None:
        sources = [source for source in (document, base) if source is not None]
        result.faults.extend(solver_faults(sources, outside.solvers))
    return result


def _loop(preset: Entry[PolicySpec] | None, document: Entry[PolicySpec] | None) -> LoopSettings:
    """The preset's settings of the loop, overridden key by key."""
    if preset is None or document is None:
        only = preset or document
        return loop_of(only.spec) if only else LoopSettings()
    sections = {}
    for name in SECTIONS:
        own = getattr(document.spec, name)
        update = {key: getattr(own, key) for key in own.model_fields_set}
        sections[name] = getattr(preset.spec, name).model_copy(update=update)
    return loop_of(preset.spec.model_copy(update=sections))


def _in_order(unreadable: Sequence[Fault], faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """By file and place. What YAML already refuses at a place is not refused there again."""
    refused = {(fault.file, fault.line, fault.column) for fault in unreadable if fault.line > 1}
    kept = {
        fault
        for fault in faults
        if fault in unreadable or (fault.file, fault.line, fault.column) not in refused
    }
    shown = sorted(kept)[:FAULTS_SHOWN]
    if len(kept) > len(shown):
        message = f"{len(kept) - len(shown):,} more faults are not shown"
        shown.append(Fault(file=shown[-1].file, line=1, column=1, path="", message=message))
    return tuple(shown)


def _content(contents: Mapping[str, bytes], path: Path) -> bytes | Fault:
    """A file that was read already, or that lies elsewhere."""
    if str(path) in contents:
        return contents[str(path)]
    found, faults = read_files([path])
    return found[str(path)] if found else faults[0]


def _given(files: Mapping[str, str | bytes], path: Path) -> str | bytes | Fault:
    missing = Fault(file=str(path), line=1, column=1, path="", message="no such file or folder")
    return files.get(str(path), missing)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
