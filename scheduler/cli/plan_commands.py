"""Commands that decide and do not act: plan, explain, replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduler.cli.common import (
    CHANGES,
    ERROR,
    at_option,
    colour,
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
    from scheduler.runtime.world import Considered


@click.command()
@files_option()
@at_option()
@output_option()
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 0 if nothing would change, 2 if something would, 1 on an error.",
)
def plan(paths: tuple[Path, ...], at: str | None, output: str, detailed_exitcode: bool) -> None:
    """Print what would be done and why. Nothing is touched."""
    from scheduler.render.plan_text import render_plan

    logs()
    found = _considered(declared_at(paths), at)
    click.echo(
        render_plan(
            found.plan, found.guarded, output=Output(output), width=width(), colour=colour()
        )
    )
    if detailed_exitcode and (found.guarded.allowed or found.guarded.held):
        raise SystemExit(CHANGES)


@click.command()
@click.argument("subject")
@files_option()
@at_option()
@output_option()
def explain(subject: str, paths: tuple[Path, ...], at: str | None, output: str) -> None:
    """Explain why a WORKLOAD or POOL is placed as it is, and what would change that."""
    from scheduler.app.standing import policies_of
    from scheduler.planning.explain import UnknownSubjectError
    from scheduler.planning.explain import explain as ask
    from scheduler.render.explain_text import render_explanation

    logs()
    declared = declared_at(paths)
    found = _considered(declared, at)
    try:
        answer = ask(
            found.snapshot, found.demand, policies_of(declared), declared.loop.solver, subject
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


def _considered(declared: Declared, at: str | None) -> Considered:
    """The dry run, or one line that says why there is no plan."""
    from scheduler.app.dry import dry_run
    from scheduler.solve.chain import NoPlanError

    try:
        return asyncio.run(dry_run(declared, instant_at(at, declared)))
    except NoPlanError as error:
        fail(str(error))
