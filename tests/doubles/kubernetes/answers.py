"""Answers: objects, lists and tables as bytes, the way the request wants them."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tests.doubles.kubernetes.kinds import Kind
from tests.doubles.kubernetes.statuses import Failure, Object
from tests.doubles.kubernetes.store import Page, Stored
from tests.doubles.kubernetes.tables import partial, table

JSON = "application/json"


def plain(body: object, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Anything as JSON."""
    return Response(msgspec.json.encode(body), code, headers, JSON)


def failed(failure: Failure) -> Response:
    """A failure as a Status object."""
    wait = failure.retry_after_s
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return plain(failure.body(), failure.code, headers)


def one(kind: Kind, stored: Stored, request: Request, code: int = 200) -> Response:
    """One object."""
    return Response(rendered(kind, request)(stored), code, media_type=JSON)


def listed(kind: Kind, page: Page, request: Request) -> Response:
    """A page of a list."""
    meta: Object = {"resourceVersion": str(page.version)}
    if page.token:
        meta |= {"continue": page.token, "remainingItemCount": page.remaining}
    match wish(request):
        case "Table":
            return plain(table(kind, (stored.object for stored in page.items), meta))
        case "PartialObjectMetadataList":
            items = [partial(stored.object) for stored in page.items]
            kinds = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return plain({**kinds, "metadata": meta, "items": items})
        case _:
            pass
    # Items of built-in kinds do not say what they are, those of custom kinds do.
    raws = (_typed(kind, stored) if kind.custom else stored.raw() for stored in page.items)
    head = msgspec.json.encode(
        {"kind": f"{kind.name}List", "apiVersion": kind.group_version, "metadata": meta}
    )
    return Response(head[:-1] + b',"items":[' + b",".join(raws) + b"]}", media_type=JSON)


def rendered(kind: Kind, request: Request) -> Callable[[Stored], bytes]:
    """How one object is written for this request."""
    match wish(request):
        case "Table":
            return lambda stored: msgspec.json.encode(
                table(kind, [stored.object], {"resourceVersion": str(stored.version)})
            )
        case "PartialObjectMetadata" | "PartialObjectMetadataList":
            return lambda stored: msgspec.json.encode(partial(stored.object))
        case _:
            return lambda stored: _typed(kind, stored)


def wish(request: Request) -> str:
    """What the Accept header would have instead of the objects, in its first choice."""
    first = request.headers.get("accept", "").split(",")[0]
    return next((part[3:] for part in first.split(";") if part.startswith("as=")), "")


def _typed(kind: Kind, stored: Stored) -> bytes:
    head = msgspec.json.encode({"kind": kind.name, "apiVersion": kind.group_version})
    return head[:-1] + b"," + stored.raw()[1:]
