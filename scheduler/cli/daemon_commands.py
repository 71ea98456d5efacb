"""Commands about the daemon: run and status."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from scheduler.cli.common import (
    colour,
    crds_at,
    crds_options,
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

if TYPE_CHECKING:
    from scheduler.app.custom_resources import Crds
    from scheduler.app.live import Doors
    from scheduler.runtime.world import Tick

DEFAULT_PORT = 8080


@click.command()
@files_option()
@crds_options()
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
@click.option(
    "--home",
    envvar="TIDEGATE_HOME",
    metavar="in-cluster|CONTEXT",
    help="The cluster where replicas elect a leader and keep memory and status. Default: none; "
    "this daemon is the only one.",
)
@click.option(
    "--namespace",
    envvar=["POD_NAMESPACE", "LEADER_ELECTION_NAMESPACE", "SYSTEM_NAMESPACE"],
    default="tidegate",
    show_default=True,
    help="With --home: the namespace there.",
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
    crds: str | None,
    crds_namespace: str | None,
    once: bool,
    at: str | None,
    journal: Path | None,
    host: str,
    port: int | None,
    home: str | None,
    namespace: str,
    hours: float | None,
    picture: Path | None,
    no_baselines: bool,
    output: str,
) -> None:
    """Run the daemon.

    Where all clusters are simulated, the recorded day is played as fast as it can be computed and
    compared with three common ways to run it. Otherwise ticks come on the wall clock until SIGTERM.
    """
    from scheduler.app.custom_resources import UnreadError
    from scheduler.app.live import Doors, run_once
    from scheduler.app.simulated import is_simulated
    from scheduler.cli.simulated_day import Shown, play_day
    from scheduler.cli.told import Teller
    from scheduler.runtime.server import PortError
    from scheduler.solve.chain import NoPlanError

    if at and not once:
        raise click.UsageError("--at goes with --once: a running daemon lives in the present")
    if home and once:
        raise click.UsageError("--home is for a daemon that goes on: leave it out with --once")
    objects = crds_at(crds, crds_namespace)
    # A fault in an object is told in its status and mended there, while the daemon waits.
    declared = None if objects and not once else declared_at(paths, objects)
    places = list(paths) if objects else documents_at(paths)
    teller = Teller(say=click.echo, width=width(), colour=colour())
    try:
        if declared is None or not (once or is_simulated(declared)):
            logs("INFO")
            doors = Doors(journal=journal, host=host, port=DEFAULT_PORT if port is None else port)
            _run_live(places, doors, teller.heard, objects, home, namespace)
        elif once:
            logs()
            instant = instant_at(at, declared) if at else None
            doors = Doors(journal=journal)
            teller.heard(asyncio.run(run_once(declared, instant, doors)))
        elif home:
            fail("all clusters are simulated: leave out --home (TIDEGATE_HOME)")
        else:
            logs("ERROR")
            shown = Shown(hours=hours, picture=picture, baselines=not no_baselines, output=output)
            play_day(declared, places, Doors(journal=journal, host=host, port=port), shown)
    except (NoPlanError, PortError, UnreadError) as error:
        fail(str(error))


def _run_live(
    places: list[Path],
    doors: Doors,
    heard: Callable[[Tick], None],
    crds: Crds | None,
    home: str | None,
    namespace: str,
) -> None:
    from scheduler.app.live import run_live

    if home is None:
        asyncio.run(run_live(places, doors, heard, crds=crds))
        return
    from adapters.kubernetes.faults import AccessError
    from scheduler.app.home import HomePlace
    from scheduler.runtime.office import identity_of

    place = HomePlace(
        context=home,
        namespace=namespace,
        identity=identity_of(os.environ),
        lease=os.environ.get("LEADER_ELECTION_NAME", "tidegate"),
    )
    try:
        asyncio.run(run_live(places, doors, heard, place, crds))
    except AccessError as error:
        fail(f"--home {home}: {error}")


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
