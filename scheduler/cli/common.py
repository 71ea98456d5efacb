"""What the commands share: options, output, documents or their faults, exit codes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from scheduler.render.paper import Output, wants_colour

if TYPE_CHECKING:
    from scheduler.app.custom_resources import Crds
    from scheduler.config import Declared, Loaded
    from scheduler.domain.names import Instant

F = TypeVar("F", bound=Callable[..., Any])

ERROR = 1
CHANGES = 2
PIPED_WIDTH = 100


def files_option(required: bool = False) -> Callable[[F], F]:
    """`-f FILE|DIR`, any number of times."""
    return click.option(
        "-f",
        "--file",
        "paths",
        multiple=True,
        required=required,
        type=click.Path(path_type=Path),
        help="A YAML file or a folder of them; may be given more than once. "
        "Without it: the e-commerce example that comes with Tidegate.",
    )


def output_option(*formats: Output) -> Callable[[F], F]:
    """`-o FORMAT`; the first one is the default."""
    names = [item.value for item in formats or tuple(Output)]
    return click.option(
        "-o", "--output", type=click.Choice(names), default=names[0], help="Form of the output."
    )


def at_option() -> Callable[[F], F]:
    """`--at INSTANT`."""
    return click.option(
        "--at",
        "at",
        metavar="INSTANT",
        help="Plan as of this instant (2026-11-11T20:00:00Z). Default: the end of the recorded "
        "signals, else now.",
    )


def crds_options() -> Callable[[F], F]:
    """`--crds CONTEXT` and `--crds-namespace NAMESPACE`."""
    context = click.option(
        "--crds",
        "crds",
        metavar="CONTEXT",
        help="Read documents that are custom resources too, by this context of the kubeconfig or "
        "`in-cluster`.",
    )
    namespace = click.option(
        "--crds-namespace", help="With --crds: of this namespace alone. Default: all."
    )
    return lambda command: context(namespace(command))


def crds_at(context: str | None, namespace: str | None) -> Crds | None:
    """Where custom resources are, if they are asked for."""
    from scheduler.app.custom_resources import Crds

    if context is None:
        if namespace is not None:
            raise click.UsageError("--crds-namespace goes with --crds")
        return None
    kubeconfig = os.environ.get("KUBECONFIG") or None
    return Crds(context=context, namespace=namespace, kubeconfig=kubeconfig)


def loaded_at(paths: Sequence[Path], crds: Crds | None = None) -> Loaded:
    """The documents at these paths and among the custom resources, or their faults."""
    from scheduler.app.tables import load_documents

    if crds is None:
        return load_documents(documents_at(paths))
    from scheduler.app.custom_resources import UnreadError, read_objects

    try:
        return load_documents(paths, asyncio.run(read_objects(crds)))
    except UnreadError as error:
        fail(str(error))


def documents_at(paths: Sequence[Path]) -> list[Path]:
    """The paths given, or the embedded example."""
    from scheduler.app.tables import example_folder

    return list(paths) or [example_folder()]


def declared_at(paths: Sequence[Path], crds: Crds | None = None) -> Declared:
    """The documents, or all their faults on stderr and exit code 1."""
    from scheduler.render.faults_text import render_faults

    loaded = loaded_at(paths, crds)
    if loaded.declared is None:
        click.echo(render_faults(loaded.faults, colour=colour(sys.stderr)), err=True)
        raise SystemExit(ERROR)
    return loaded.declared


def instant_at(text: str | None, declared: Declared) -> Instant:
    """The instant asked for, or the natural one of these documents."""
    from scheduler.app.dry import instant_of
    from scheduler.config.units import instant
    from scheduler.domain.names import Instant
    from scheduler.signals import SourceError

    try:
        return instant_of(declared) if text is None else Instant(instant(text))
    except SourceError as error:
        fail(str(error))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error


def fail(message: str) -> NoReturn:
    """One clear line on stderr, exit code 1."""
    click.echo(f"tidegate: {message}", err=True)
    raise SystemExit(ERROR)


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return (
        shutil.get_terminal_size((PIPED_WIDTH, 24)).columns if sys.stdout.isatty() else PIPED_WIDTH
    )


def colour(stream: Any = None) -> bool:  # noqa: ANN401 - any text stream
    """Whether to paint: on a terminal, unless NO_COLOR says no."""
    return wants_colour(stream or sys.stdout, os.environ)


def logs(default_level: str = "WARNING") -> None:
    """Logs on stderr, at LOG_LEVEL if that is set."""
    from scheduler.runtime.logs import configure_on_use

    try:
        configure_on_use(sys.stderr, {"LOG_LEVEL": default_level, **os.environ})
    except ValueError as error:
        fail(str(error))
