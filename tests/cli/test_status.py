"""`tidegate status`: a running daemon tells how it is; nothing running is told, too."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from click.testing import Result
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from scheduler.app.dry import instant_of
from scheduler.app.live import Doors, run_once
from scheduler.app.tables import load_documents
from scheduler.runtime.http import pages
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.server import serving
from scheduler.runtime.status import Status
from scheduler.runtime.timer import WallClock
from tests.cli.program import MINIMAL, tidegate


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """The pages after one tick of the minimal example."""
    declared = load_documents([MINIMAL]).declared
    assert declared is not None
    status = Status()
    status.documents_loaded = True
    status.ticked(await run_once(declared, instant_of(declared), Doors()))
    metrics = Metrics(status, WallClock(), time.monotonic)
    async with serving(pages(status, metrics, time.monotonic), port=0) as port:
        yield f"http://127.0.0.1:{port}"


async def _ask(*arguments: str) -> Result:
    return await asyncio.to_thread(tidegate, "status", *arguments)


async def test_a_live_daemon_tells_its_last_tick(server: str) -> None:
    answer = await _ask("--server", server)
    assert answer.exit_code == 0, answer.output
    assert "ranking" in answer.stdout
    assert "home" in answer.stdout


@pytest.mark.parametrize("form", ["wide", "yaml"])
async def test_every_form_is_served(server: str, form: str) -> None:
    assert (await _ask("--server", server, "-o", form)).exit_code == 0


async def test_json_is_the_page_itself(server: str) -> None:
    page = json.loads((await _ask("--server", f"{server}/", "-o", "json")).stdout)
    assert (page["ready"], page["tick"]) == (True, 1)
    assert page["sites"]["home"]["seen"] is True


async def test_a_server_that_is_another_is_told() -> None:
    app = Starlette(routes=[Route("/status", lambda _: PlainTextResponse("[1, 2]"))])
    async with serving(app, port=0) as port:
        answer = await _ask("--server", f"http://127.0.0.1:{port}")
    assert answer.exit_code == 1
    assert "not as Tidegate does" in answer.stderr


def test_nothing_running_is_told_with_what_to_do() -> None:
    answer = tidegate("status", "--server", "http://127.0.0.1:1")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "Is the daemon running" in answer.stderr


@pytest.mark.parametrize("address", ["nonsense", "ftp://x", "http://", "http://[::1"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    answer = tidegate("status", "--server", address)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("tidegate: ")
