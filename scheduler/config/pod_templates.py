"""Pod templates: inline in a document or in a file *.pod.yaml beside it, read and checked."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import NamedTuple

from scheduler.config.documents import Catalogue, Source, find
from scheduler.config.faults import Fault, Path, closest
from scheduler.config.yaml_nodes import parse

SUFFIXES = (".pod.yaml", ".pod.yml")
"""Files so named are pod templates and never read as documents."""
SECTIONS: Mapping[str, Path] = {
    "InferenceService": ("spec", "kubernetes", "own"),
    "TrainingJob": ("spec", "kubernetes", "job"),
}
"""By kind: where a template is told."""
KEYS = ("metadata", "spec")
DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")

Read = Callable[[FilePath], str | bytes | Fault]


class Templates(NamedTuple):
    """The templates in files of their own, and what is wrong with any template."""

    files: Mapping[str, Source]
    """By path; only those that could be read."""
    faults: tuple[Fault, ...]

    def by_name(self) -> list[tuple[str, Source]]:
        """Name of the file, whatever its folder, and the template; in one order."""
        named = ((FilePath(path).name, file) for path, file in self.files.items())
        return sorted(named, key=lambda item: (item[0], str(item[1].node.plain())))

    def of(self, source: Source, section: Path) -> Mapping[str, object]:
        """The template that a document tells in this section, wherever it stands."""
        name = source.text(*section, "templateFile")
        file = self.files.get(str(_beside(source, name))) if name else None
        spot = find(source.node, (*section, "template"))
        told = (file.node if file else spot.node).plain()
        return told if isinstance(told, dict) else {}


def read_templates(catalogue: Catalogue, read: Read) -> Templates:
    """Every template of these documents, the ones in files read."""
    files: dict[str, Source] = {}
    faults: list[Fault] = []
    for kind, section in SECTIONS.items():
        for source in catalogue.of(kind):
            faults.extend(_read(source, section, read, files))
            inline = (*section, "template")
            if find(source.node, inline).depth == len(inline) and inline not in source.refused:
                faults.extend(_template_faults(source, inline))
    for file in files.values():
        faults.extend(_template_faults(file, ()))
    return Templates(files, tuple(faults))


def _read(source: Source, section: Path, read: Read, files: dict[str, Source]) -> Iterator[Fault]:
    at = (*section, "templateFile")
    name = source.text(*at)
    if not name:
        return
    if source.is_object:
        yield source.fault(at, "no files lie beside a custom resource: write it as `template`")
        return
    if not name.endswith(SUFFIXES):
        message = "must end in .pod.yaml, so that it is not read as a document"
        yield source.fault(at, message, got=True)
        return
    path = _beside(source, name)
    if str(path) in files:
        return
    content = read(path)
    if isinstance(content, Fault):
        yield source.fault(at, f"{content.message}: {path}", got=True)
        return
    parsed = parse(str(path), content)
    yield from parsed.faults
    if len(parsed.documents) > 1:
        yield source.fault(at, f"holds {len(parsed.documents)} YAML documents: one is a template")
    elif parsed.documents and not parsed.faults:
        files[str(path)] = Source(file=str(path), node=parsed.documents[0])


def _beside(source: Source, name: str) -> FilePath:
    return FilePath(source.folder()) / name


def _template_faults(source: Source, at: Path) -> Iterator[Fault]:
    """What keeps the value there from being a PodTemplateSpec that we can run."""
    if not isinstance(find(source.node, at).node.value, dict):
        yield source.fault(at, "must be a mapping with `metadata` and `spec`", got=True)
        return
    for key in source.keys(*at):
        if key not in KEYS:
            message = "unknown key: a pod template has `metadata` and `spec`"
            yield source.key_fault((*at, key), message, meant=closest(key, KEYS))
    containers = source.each(*at, "spec", "containers")
    if not containers:
        message = "is missing: a pod template needs at least one container"
        yield source.fault((*at, "spec", "containers"), message)
    for container in (*containers, *source.each(*at, "spec", "initContainers")):
        yield from _container_faults(source, container)


def _container_faults(source: Source, at: Path) -> Iterator[Fault]:
    if not source.text(*at, "name"):
        yield source.fault((*at, "name"), "is missing: a container needs a name")
    image = source.text(*at, "image")
    if not image:
        yield source.fault((*at, "image"), "is missing: a container needs an image")
    elif not DIGEST.fullmatch(image):
        message = (
            "must be an image by digest, NAME@sha256:..., so that every cluster serves the same "
            "version; the registry tells it, as does `docker buildx imagetools inspect`"
        )
        yield source.fault((*at, "image"), message, got=True)
