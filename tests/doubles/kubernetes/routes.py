"""Routes: what a path and a method mean, and who answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.doubles.kubernetes import answers, rules, statuses, subresources
from tests.doubles.kubernetes.faults import Effect, Stall, Truncate
from tests.doubles.kubernetes.kinds import Kind
from tests.doubles.kubernetes.patches import json_patch, merge, strategic
from tests.doubles.kubernetes.selectors import chooses
from tests.doubles.kubernetes.store import Key, Stored
from tests.doubles.kubernetes.watch import Wanted, lines
from tests.doubles.kubernetes.writing import Asked, Writing

Object = dict[str, Any]
LONGEST_WATCH_S = 1800.0
PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": merge,
    "application/strategic-merge-patch+json": strategic,
    "application/json-patch+json": json_patch,
}
APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a path names."""

    kind: Kind
    namespace: str
    name: str
    subresource: str

    @property
    def key(self) -> Key:
        """In the store."""
        return (self.namespace, self.name)


def parsed(path: str, kinds: tuple[Kind, ...]) -> Route | None:
    """What a path names; None: it is of no known group. Raises 404 for an unknown resource."""
    steps = path.strip("/").split("/")
    if steps[:2] == ["api", "v1"]:
        group_version, rest = "v1", steps[2:]
    elif steps[0] == "apis" and len(steps) > 3:
        group_version, rest = "/".join(steps[1:3]), steps[3:]
    else:
        return None
    served = [kind for kind in kinds if kind.group_version == group_version]
    if not served or not rest:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "")[:3]
    for kind in served:
        if kind.plural == plural and (kind.namespaced or not namespace):
            return Route(kind=kind, namespace=namespace, name=name, subresource=subresource)
    raise statuses.no_such_resource()


class Routes:
    """Answers requests for objects."""

    def __init__(self, writing: Writing, bookmark_every_s: float) -> None:
        self._writing, self._store = writing, writing.store
        self._bookmark_every_s = bookmark_every_s

    def answer(self, route: Route, request: Request, body: bytes) -> Response:
        """One request that is no watch."""
        if route.subresource not in _subresources(route.kind):
            raise statuses.no_such_resource()
        match request.method:
            case "GET":
                return self._get(route, request) if route.name else self._list(route, request)
            case "POST":
                return self._post(route, request, _read(body))
            case "PUT" | "PATCH" if route.subresource == "scale":
                return self._scale(route, request, body)
            case "PUT" if route.name:
                return self._replace(route, request, body)
            case "PATCH" if route.name:
                return self._patch(route, request, body)
            case "DELETE":
                return self._delete(route, request, _read(body) if body else {})
        words = "the server does not allow this method on the requested resource"
        raise statuses.Failure(405, "MethodNotAllowed", words)

    def watch(
        self, route: Route, request: Request, effect: Effect | None, cut: Callable[[], None] | None
    ) -> Response:
        """A watch, as far as a fault lets it go."""
        params = request.query_params
        version = params.get("resourceVersion", "")
        fields = params.get("fieldSelector", "")
        if route.name:
            fields = f"metadata.name={route.name}"
        wanted = Wanted(
            kind=route.kind,
            namespace=route.namespace,
            test=chooses(route.kind, params.get("labelSelector", ""), fields),
            since=int(version) if version not in ("", "0") else None,
            bookmarks=params.get("allowWatchBookmarks") in ("1", "true"),
            initial=params.get("sendInitialEvents") in ("1", "true"),
            timeout_s=float(params.get("timeoutSeconds") or LONGEST_WATCH_S),
            bookmark_every_s=self._bookmark_every_s,
        )
        told = lines(self._store, wanted, answers.rendered(route.kind, request))
        if isinstance(effect, Truncate | Stall):
            told = _cut(told, effect, cut)
        return StreamingResponse(told, media_type=answers.JSON)

    def _list(self, route: Route, request: Request) -> Response:
        params = request.query_params
        asked = params.get("resourceVersion", "")
        if asked and int(asked) > self._store.version:
            raise statuses.Failure(
                *(504, "Timeout"),
                f"Timeout: Too large resource version: {asked}, current: {self._store.version}",
                retry_after_s=1,
            )
        test = chooses(route.kind, params.get("labelSelector", ""), params.get("fieldSelector", ""))
        page = self._store.page(
            *(route.kind, route.namespace, test),
            limit=int(params.get("limit") or 0),
            token=params.get("continue", ""),
        )
        return answers.listed(route.kind, page, request)

    def _replace(self, route: Route, request: Request, body: bytes) -> Response:
        asked = _asked(request, route)
        thing = rules.addressed(route.kind, _read(body), strict=asked.strict)
        meta = thing["metadata"]
        if meta.get("name", route.name) != route.name:
            raise statuses.bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL"
                f" ({route.name})"
            )
        if route.kind.conditional and not meta.get("resourceVersion"):
            words = "Invalid value: 0: must be specified for an update"
            raise statuses.invalid(
                *(route.kind.qualified, route.name, "metadata.resourceVersion", words)
            )
        place = {"name": route.name, **({"namespace": route.namespace} if route.namespace else {})}
        thing["metadata"] = {**meta, **place}
        stored = self._writing.change(route.kind, route.key, lambda _: thing, asked)
        return answers.one(route.kind, stored, request)

    def _patch(self, route: Route, request: Request, body: bytes) -> Response:
        sort, asked = _sort(request), _asked(request, route)
        if sort in APPLY:
            stored, new = self._writing.apply(route.kind, route.key, _read(body), asked)
            return answers.one(route.kind, stored, request, 201 if new else 200)
        turn, patch = _patch(sort), _read(body)

        def turned(thing: Object) -> Object:
            result = turn({**_typed(route.kind), **thing}, patch)
            return rules.addressed(route.kind, result, strict=asked.strict)

        stored = self._writing.change(route.kind, route.key, turned, asked)
        return answers.one(route.kind, stored, request)

    def _scale(self, route: Route, request: Request, body: bytes) -> Response:
        kind, asked, given = route.kind, _asked(request, route), _read(body)

        def turned(thing: Object) -> Object:
            scale = subresources.scale_of(kind, thing)
            if request.method == "PUT":
                return subresources.scaled(kind, thing, given)
            return subresources.scaled(kind, thing, _patch(_sort(request))(scale, given))

        stored = self._writing.change(kind, route.key, turned, asked)
        return answers.plain(subresources.scale_of(kind, stored.object))

    def _get(self, route: Route, request: Request) -> Response:
        stored = self._found(route)
        if route.subresource == "scale":
            return answers.plain(subresources.scale_of(route.kind, stored.object))
        return answers.one(route.kind, stored, request)

    def _post(self, route: Route, request: Request, body: Object) -> Response:
        asked = _asked(request, route)
        match route.subresource:
            case "binding":
                subresources.bind(self._writing, route.key, body, asked)
            case "eviction":
                subresources.evict(self._writing, route.key, body, dry_run=asked.dry_run)
            case _:
                stored = self._writing.create(route.kind, route.namespace, body, asked)
                return answers.one(route.kind, stored, request, 201)
        return answers.plain({**SUCCESS, "code": 201}, 201)

    def _delete(self, route: Route, request: Request, options: Object) -> Response:
        params = request.query_params
        for name in ("gracePeriodSeconds", "propagationPolicy"):
            # With a body the parameters are not looked at.
            if not options and name in params:
                options = {name: json.loads(params[name]) if name[0] == "g" else params[name]}
        dry_run = "dryRun" in params or bool(options.get("dryRun"))
        if not route.name:
            return self._delete_all(route, request, options, dry_run=dry_run)
        last = self._writing.delete(route.kind, route.key, options, dry_run=dry_run)
        still = self._store.find(route.kind, route.key) is not None
        if (still and not dry_run) or route.kind.name == "Pod":
            return answers.one(route.kind, last, request)
        meta = last.object["metadata"]
        details = {"name": meta["name"], "kind": route.kind.plural, "uid": meta["uid"]}
        return answers.plain({**SUCCESS, "details": details})

    def _delete_all(
        self, route: Route, request: Request, options: Object, *, dry_run: bool
    ) -> Response:
        params = request.query_params
        labels, fields = params.get("labelSelector", ""), params.get("fieldSelector", "")
        test = chooses(route.kind, labels, fields)
        page = self._store.page(route.kind, route.namespace, test, limit=0, token="")
        for stored in page.items:
            meta = stored.object["metadata"]
            key = (meta.get("namespace", ""), meta["name"])
            if self._store.find(route.kind, key):
                self._writing.delete(route.kind, key, options, dry_run=dry_run)
        return answers.listed(route.kind, page, request)

    def _found(self, route: Route) -> Stored:
        stored = self._store.find(route.kind, route.key)
        if stored is None:
            raise statuses.not_found(route.kind.resource, route.name)
        return stored


def _subresources(kind: Kind) -> tuple[str, ...]:
    own: tuple[str, ...] = ("eviction", "binding") if kind.name == "Pod" else ()
    own += ("status",) if kind.status else ()
    return ("", *own, "scale") if kind.scale else ("", *own)


def _asked(request: Request, route: Route) -> Asked:
    params = request.query_params
    manager = params.get("fieldManager", "")
    if not manager and _sort(request) in APPLY:
        words = "Required value: is required for apply patch"
        raise statuses.invalid("PatchOptions.meta.k8s.io", "", "fieldManager", words)
    agent = request.headers.get("user-agent", "unknown").split("/")[0]
    return Asked(
        manager=manager or agent,
        subresource=route.subresource,
        dry_run=params.get("dryRun") == "All",
        force=params.get("force") == "true",
        strict=params.get("fieldValidation") == "Strict",
    )


def _sort(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip()


def _patch(sort: str) -> Callable[[Any, Any], Any]:
    if sort not in PATCHES:
        words = "415: Unsupported Media Type"
        raise statuses.Failure(415, "UnsupportedMediaType", words)
    return PATCHES[sort]


def _typed(kind: Kind) -> Object:
    return {"kind": kind.name, "apiVersion": kind.group_version}


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return yaml.safe_load(body)  # An apply patch may be written so.
    except yaml.YAMLError as error:
        raise statuses.bad_request("the body cannot be read") from error


async def _cut(
    told: AsyncIterator[bytes], effect: Truncate | Stall, cut: Callable[[], None] | None
) -> AsyncIterator[bytes]:
    seen = 0
    async for line in told:
        if seen < effect.after:
            seen += 1
            yield line
            continue
        if isinstance(effect, Stall):
            await asyncio.Event().wait()
        if isinstance(effect, Truncate) and not effect.clean:
            yield line[: len(line) // 2]
        if cut is not None:
            cut()
        return
