"""Commands about the daemon: run and status."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from scheduler.cli.common import (
    colour,
    declared_at,
    documents_at,
    fail,
    files_option,
    instant_at,
    logs,
    output_option,
    width,
)
from scheduler.render.paper import Output

DEFAULT_PORT = 8080


@click.command()
@files_option()
@click.option(
    "--once",
    is_flag=True,
    help="One tick, then stop. Each call is a first look: it grows, and takes nothing away.",
)
@click.option(
    "--at", "at", metavar="INSTANT", help="With --once: as of this instant. Default: now."
)
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), help="Keep ticks here.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address of the pages (probes, metrics)."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="METRICS_PORT",
    help=f"Port of the pages. Default: {DEFAULT_PORT}; none in a simulated day.",
)
@click.option("--hours", type=click.FloatRange(0.1), help="Simulated: only so many hours.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Simulated: draw the day here (.png or .svg).",
)
@click.option("--no-baselines", is_flag=True, help="Simulated: do not play the baselines.")
@output_option(Output.TABLE, Output.JSON)
def run(  # noqa: PLR0913 - one argument an option of the command line
    *,
    paths: tuple[Path, ...],
    once: bool,
    at: str | None,
    journal: Path | None,
    host: str,
    port: int | None,
    hours: float | None,
    picture: Path | None,
    no_baselines: bool,
    output: str,
) -> None:
    """Run the daemon.

    Where all clusters are simulated, the recorded day is played as fast as it can be computed and
    compared with three common ways to run it. Otherwise ticks come on the wall clock until SIGTERM.
    """
    from scheduler.app.live import Doors, run_live, run_once
    from scheduler.app.simulated import is_simulated
    from scheduler.cli.simulated_day import Shown, play_day
    from scheduler.cli.told import Teller
    from scheduler.runtime.server import PortError
    from scheduler.solve.chain import NoPlanError

    if at and not once:
        raise click.UsageError("--at goes with --once: a running daemon lives in the present")
    declared, places = declared_at(paths), documents_at(paths)
    teller = Teller(say=click.echo, width=width(), colour=colour())
    try:
        if once:
            logs()
            instant = instant_at(at, declared) if at else None
            doors = Doors(journal=journal)
            teller.heard(asyncio.run(run_once(declared, instant, doors)))
        elif is_simulated(declared):
            logs("ERROR")
            shown = Shown(hours=hours, picture=picture, baselines=not no_baselines, output=output)
            play_day(declared, places, Doors(journal=journal, host=host, port=port), shown)
        else:
            logs("INFO")
            doors = Doors(journal=journal, host=host, port=DEFAULT_PORT if port is None else port)
            asyncio.run(run_live(places, doors, teller.heard))
    except (NoPlanError, PortError) as error:
        fail(str(error))


@click.command()
@click.option(
    "--server",
    default=f"http://127.0.0.1:{DEFAULT_PORT}",
    envvar="TIDEGATE_SERVER",
    show_default=True,
    help="Where the daemon serves its pages.",
)
@output_option()
def status(server: str, output: str) -> None:
    """Ask a running daemon how it is."""
    from scheduler.render.status_text import render_status

    page = _ask(server)
    text = render_status(
        page, now=time.time(), output=Output(output), width=width(), colour=colour()
    )
    click.echo(text)


def _ask(server: str) -> Mapping[str, object]:
    import httpx

    if not _is_http(server):
        fail(f"{server} is no http address; give --server http://HOST:PORT")
    try:
        answer = httpx.get(f"{server.rstrip('/')}/status", timeout=5.0)
        answer.raise_for_status()
        page = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        fail(f"no status from {server}: {error}. Is the daemon running, with --port?")
    if not isinstance(page, dict):
        fail(f"no status from {server}: it answers, but not as Tidegate does")
    return page


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
