"""The pages: probes, metrics and the status, over HTTP."""

from collections.abc import Callable

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scheduler.runtime.metrics import Metrics
from scheduler.runtime.status import Status, status_page


def pages(status: Status, metrics: Metrics, monotonic: Callable[[], float]) -> Starlette:
    """The application. `monotonic` is the clock that the status' heartbeat was taken with."""

    async def healthz(_: Request) -> Response:
        """Is the loop alive? A cloud that is down is no reason to restart us."""
        if status.beat_s is None:
            return PlainTextResponse("starting\n")
        silent_s = monotonic() - status.beat_s
        if silent_s > status.stuck_after_s:
            return PlainTextResponse(f"the loop has been silent for {silent_s:.0f} s\n", 503)
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        """Are the documents loaded and is the first tick done?"""
        why = status.unready_because
        return PlainTextResponse(f"{why or 'ok'}\n", 503 if why else 200)

    async def metrics_page(_: Request) -> Response:
        """All metrics."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def status_json(_: Request) -> Response:
        """The last plan, its actions, and what is wrong."""
        return Response(msgspec.json.encode(status_page(status)), media_type="application/json")

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics_page),
            Route("/status", status_json),
        ]
    )
