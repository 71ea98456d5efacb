"""Commands that decide and do not act: plan, explain, replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from scheduler.cli.common import (
    CHANGES,
    ERROR,
    at_option,
    colour,
    crds_at,
    crds_options,
    declared_at,
    fail,
    files_option,
    instant_at,
    logs,
    output_option,
    width,
)
from scheduler.render.paper import Output

if TYPE_CHECKING:
    from scheduler.config import Declared
    from scheduler.domain.difference import NextBest
    from scheduler.runtime.world import Considered


@click.command()
@files_option()
@crds_options()
@at_option()
@output_option()
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 0 if nothing would change, 2 if something would, 1 on an error.",
)
@click.option(
    "--what-if",
    "supposed",
    metavar="WHAT=VALUE",
    multiple=True,
    help="Suppose something, such as pools.NAME.price=1.2x, clusters.NAME.lost=true or "
    "services.*.load=2x, and print the difference to today's plan; may be given more than once.",
)
@click.option(
    "--next-best",
    is_flag=True,
    help="Look for the next-best plan too, and print what it would cost more.",
)
@click.option(
    "--write-lp",
    "model",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the model of the plan to this file too: LP, or MPS where its name ends in .mps.",
)
def plan(  # noqa: PLR0913 - one argument an option of the command line
    *,
    paths: tuple[Path, ...],
    crds: str | None,
    crds_namespace: str | None,
    at: str | None,
    output: str,
    detailed_exitcode: bool,
    supposed: tuple[str, ...],
    next_best: bool,
    model: Path | None,
) -> None:
    """Print what would be done and why. Nothing is touched."""
    from scheduler.render.plan_text import render_plan

    logs()
    if supposed and (next_best or model):
        asked = "--next-best" if next_best else "--write-lp"
        raise click.UsageError(f"{asked} is about today's plan: ask for it without --what-if")
    declared = declared_at(paths, crds_at(crds, crds_namespace))
    if supposed:
        _print_difference(declared, at, supposed, output, detailed_exitcode)
        return
    found = _considered(declared, at)
    if model:
        _write_model(model, found, declared)
    text = render_plan(
        found.plan,
        found.guarded,
        output=Output(output),
        width=width(),
        colour=colour(),
        next_best=_next_best(found, declared) if next_best else None,
    )
    click.echo(text)
    if detailed_exitcode and (found.guarded.allowed or found.guarded.held):
        raise SystemExit(CHANGES)


@click.command()
@click.argument("subject")
@files_option()
@crds_options()
@at_option()
@output_option()
def explain(
    *,
    subject: str,
    paths: tuple[Path, ...],
    crds: str | None,
    crds_namespace: str | None,
    at: str | None,
    output: str,
) -> None:
    """Explain why a WORKLOAD or POOL is placed as it is, and what would change that."""
    from scheduler.app.standing import policies_of
    from scheduler.planning.explain import UnknownSubjectError
    from scheduler.planning.explain import explain as ask
    from scheduler.render.explain_text import render_explanation

    logs()
    declared = declared_at(paths, crds_at(crds, crds_namespace))
    found = _considered(declared, at)
    try:
        answer = ask(
            found.snapshot,
            found.demand,
            policies_of(declared),
            declared.loop.solver,
            subject,
            perf_counter,
        )
    except UnknownSubjectError as error:
        fail(str(error))
    click.echo(render_explanation(answer, output=Output(output), width=width(), colour=colour()))


@click.command()
@click.argument("tick", type=int, required=False)
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=Path("tidegate.db"),
    show_default=True,
    help="The journal of the daemon.",
)
@click.option(
    "-f",
    "--file",
    "beside",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Documents beside which policies of your own in Python lie; may be given more than once.",
)
@output_option()
def replay(tick: int | None, journal: Path, beside: tuple[Path, ...], output: str) -> None:
    """Compute a recorded TICK again (default: the last one) and compare the plan.

    Exit code 0 if it is the same byte for byte, 1 if not.
    """
    from scheduler.app.again import replay as again
    from scheduler.render.plan_text import render_plan
    from scheduler.runtime.journal import JournalError
    from scheduler.solve.chain import NoPlanError

    logs()
    try:
        found = again(journal, tick, beside)
    except (JournalError, NoPlanError) as error:
        fail(str(error))
    except ValueError as error:
        fail(f"{error}; give the documents beside which the policy lies with -f")
    text = render_plan(
        found.plan, found.guarded, output=Output(output), width=width(), colour=colour()
    )
    click.echo(text)
    same = "the same plan, byte for byte" if found.is_same else "ANOTHER plan than was recorded"
    click.echo(f"tick {found.recorded.tick}: {same}", err=True)
    if not found.is_same:
        raise SystemExit(ERROR)


def _print_difference(
    declared: Declared, at: str | None, supposed: tuple[str, ...], output: str, detailed: bool
) -> None:
    """What is supposed is read first: whoever misspells it need not wait for a plan."""
    from scheduler.app.what_if import suppositions_of, what_if
    from scheduler.app.what_if_language import WhatIfError
    from scheduler.render.difference_text import render_difference
    from scheduler.solve.chain import NoPlanError

    try:
        suppositions = suppositions_of(supposed, declared)
    except WhatIfError as error:
        fail("\n".join(f"--what-if {fault}" for fault in error.faults))
    found = _considered(declared, at)
    try:
        answer = what_if(found, declared, suppositions)
    except NoPlanError as error:
        fail(f"there is no plan then: {error}")
    click.echo(render_difference(answer, output=Output(output), width=width(), colour=colour()))
    if detailed and not answer.is_same:
        raise SystemExit(CHANGES)


def _next_best(found: Considered, declared: Declared) -> NextBest | None:
    from scheduler.app.what_if import next_best

    return next_best(found, declared)


def _write_model(path: Path, found: Considered, declared: Declared) -> None:
    from scheduler.app.model_file import model_text

    text = model_text(found, declared, path.suffix)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")


def _considered(declared: Declared, at: str | None) -> Considered:
    """The dry run, or one line that says why there is no plan."""
    from scheduler.app.dry import dry_run
    from scheduler.solve.chain import NoPlanError

    try:
        return asyncio.run(dry_run(declared, instant_at(at, declared)))
    except NoPlanError as error:
        fail(str(error))
