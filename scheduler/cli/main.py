"""The command `tidegate` and its subcommands; each imports what it needs when it is called."""

import os
import sys

import click

from scheduler import __version__
from scheduler.cli.common import ERROR
from scheduler.cli.daemon_commands import run, status
from scheduler.cli.file_commands import check, completion, schema
from scheduler.cli.plan_commands import explain, plan, replay


class Commands(click.Group):
    """The commands. A wrong usage ends with 1: 2 says that a plan would change something."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(ERROR)
        except BrokenPipeError:
            # Here, as click itself would call it an error.
            _read_enough()
            ctx.exit(0)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tidegate")
def cli() -> None:
    """Tidegate schedules GPU work over private and public clusters, by latency, load and cost."""


@cli.command()
def version() -> None:
    """Print the version."""
    click.echo(f"tidegate {__version__}")


for command in (check, plan, run, explain, status, replay, schema, completion):
    cli.add_command(command)


def main() -> None:
    """The console script."""
    _own_stdout()
    try:
        cli.main(prog_name="tidegate")
    except BrokenPipeError:
        _read_enough()
        sys.exit(0)


def _read_enough() -> None:
    """The reader has seen enough (`tidegate plan | head`): no more is written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _own_stdout() -> None:
    """Results own stdout: what solver libraries print there by themselves goes nowhere."""
    results = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = os.fdopen(results, "w", encoding=sys.stdout.encoding or "utf-8")
