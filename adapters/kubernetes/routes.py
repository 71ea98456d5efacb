"""Routes: the weights of an HTTPRoute follow the shares of a service inside one cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.base import Refused
from adapters.kubernetes import marks
from adapters.kubernetes.client import Client
from adapters.kubernetes.door import allowed, asked
from adapters.kubernetes.faults import NotThere
from adapters.kubernetes.setting import Setting
from scheduler.domain.bindings import Owned, Route, WorkloadBinding
from scheduler.domain.names import PoolName, WorkloadName

Body = dict[str, Any]
WHOLE = 1000
"""What our weights add up to."""


async def weigh(
    client: Client, setting: Setting, workload: WorkloadName, shares: Mapping[PoolName, float]
) -> None:
    """Set the weights of our backends in proportion to `shares`; other backends stay as they are.

    Nothing is sent when it is so already, when the service has no route, or when no pool of this
    cluster has a share: a route has to lead somewhere. A backend that is missing is added; one
    that stands for a Service of our own making leaves with its share.
    """
    binding = setting.bindings.workloads.get(workload)
    positive = {pool: share for pool, share in shares.items() if share > 0.0}
    if binding is None or binding.route is None or not positive:
        return
    route = binding.route
    allowed(setting, route.namespace)
    what = f"the weights of httproute {route.namespace}/{route.name}"
    with asked(what):
        body = await _read(client, route)
        rules = (body.get("spec") or {}).get("rules") or []
        if route.rule >= len(rules):
            raise Refused(f"{what}: it has no rule {route.rule}; correct the number")
        before: list[Body] = rules[route.rule].get("backendRefs") or []
        after = _weighed(before, _wanted(setting, binding, positive), _ours(setting, binding))
        if after != before:
            rules[route.rule]["backendRefs"] = after
            # The whole object with its resourceVersion: a list has no safe patch.
            await client.replace(_path(route), body)


def weights(shares: Mapping[PoolName, float]) -> dict[PoolName, int]:
    """Whole numbers that add up to 1000, in proportion; a share above 0 never gets weight 0."""
    total = sum(shares.values())
    if total <= 0.0:
        return dict.fromkeys(shares, 0)
    exact = {pool: WHOLE * share / total for pool, share in shares.items()}
    given = {pool: max(int(part), 1 if part > 0.0 else 0) for pool, part in exact.items()}
    # What rounding left over goes to the largest: there it matters least.
    largest = max(exact, key=lambda pool: (exact[pool], pool))
    given[largest] += WHOLE - sum(given.values())
    return given


def _wanted(
    setting: Setting, binding: WorkloadBinding, shares: Mapping[PoolName, float]
) -> dict[str, int]:
    names = _backends(setting, binding)
    missing = [pool for pool in shares if pool not in names]
    if missing:
        raise Refused(
            f"no backend of {binding.workload}'s route stands for {', '.join(missing)}; name one"
        )
    return {names[pool]: weight for pool, weight in weights(shares).items()}


def _backends(setting: Setting, binding: WorkloadBinding) -> Mapping[PoolName, str]:
    """The Service of each pool."""
    if binding.route is not None and binding.route.backends:
        return binding.route.backends
    return {pool: marks.option_name(binding.workload, pool) for pool in setting.pools}


def _ours(setting: Setting, binding: WorkloadBinding) -> Mapping[str, int | None]:
    """Backends that are ours to weigh, with the port of those that we make."""
    names = _backends(setting, binding).values()
    made = binding.route is not None and not binding.route.backends
    port = binding.runs.port if made and isinstance(binding.runs, Owned) else None
    return dict.fromkeys(names, port)


def _weighed(
    before: Sequence[Body], wanted: Mapping[str, int], ours: Mapping[str, int | None]
) -> list[Body]:
    after = []
    for ref in before:
        name = str(ref.get("name", ""))
        if name not in ours or not _is_service(ref):
            after.append(ref)
        elif name in wanted or ours[name] is None:
            after.append({**ref, "weight": wanted.get(name, 0)})
    present = {ref.get("name") for ref in after if _is_service(ref)}
    added = [name for name in wanted if name not in present]
    return after + [_new(name, wanted[name], ours[name] or _port(before, ours)) for name in added]


def _new(name: str, weight: int, port: int | None) -> Body:
    if port is None:
        raise Refused(f"the route has no backend {name} and its port is not known; add it once")
    return {"group": "", "kind": "Service", "name": name, "port": port, "weight": weight}


def _port(refs: Sequence[Body], ours: Mapping[str, int | None]) -> int | None:
    """The port that a sibling of ours is asked on."""
    ports = [ref.get("port") for ref in refs if ref.get("name") in ours]
    return next((port for port in ports if isinstance(port, int)), None)


def _is_service(ref: Body) -> bool:
    return not ref.get("group") and ref.get("kind", "Service") == "Service"


async def _read(client: Client, route: Route) -> Body:
    try:
        body: Body = msgspec.json.decode(await client.get(_path(route)))
    except NotThere:
        raise Refused(
            f"httproute {route.namespace}/{route.name} is not there; make it with a rule "
            f"{route.rule}, or take the route out of the document"
        ) from None
    return body


def _path(route: Route) -> str:
    group = "/apis/gateway.networking.k8s.io/v1"
    return f"{group}/namespaces/{route.namespace}/httproutes/{route.name}"
