"""Services: replicas and traffic of one service on one pool, as a Deployment has them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import msgspec

from adapters.base import AdapterError, PlaceOrder, Refused, Throttled
from adapters.kubernetes import manifests, marks
from adapters.kubernetes.client import MANAGER, Client
from adapters.kubernetes.contest import contest
from adapters.kubernetes.door import allowed, asked
from adapters.kubernetes.faults import Conflict, NotThere
from adapters.kubernetes.routes import weigh
from adapters.kubernetes.setting import Setting
from adapters.kubernetes.shapes import Deployment, Marked
from adapters.kubernetes.slices import gpu_unit
from adapters.kubernetes.traffic import read_shares, write_share
from adapters.kubernetes.view import View
from scheduler.domain.bindings import Adopted, Owned
from scheduler.domain.names import ActionKey, Instant, PoolName, WorkloadName

MANAGERS = re.compile(r'conflicts? with "([^"]+)"')
FIELDS = re.compile(r"(?:^- |: )(\.\S+)", re.MULTILINE)


async def place_service(
    client: Client, view: View, setting: Setting, order: PlaceOrder, now: Instant
) -> None:
    """Give the service the order's pods and share on the pool; nothing is sent for what is so.

    Pods come before their traffic, and traffic goes before its pods. A service that left the
    documents can only be cleared away. Refused where somebody else sets the number of replicas.
    """
    binding = setting.bindings.workloads.get(order.workload)
    runs = binding.runs if binding else None
    if not order.pods:
        order = replace(order, share=0.0)
    if isinstance(runs, Adopted | Owned):
        allowed(setting, runs.namespace)

    async def pods() -> None:
        with asked(f"{order.workload} on {order.pool}"):
            match runs:
                case Adopted():
                    await _rescale(client, view, runs, order, now)
                case Owned() if order.pods:
                    await _run(client, view, setting, runs, order, now)
                case _ if order.pods:
                    raise Refused(
                        f"the document of {order.workload} does not say how it runs as a service "
                        "on Kubernetes; add adopt or own"
                    )
                case _:
                    await _clear(client, view, setting, order)

    await _with_traffic(client, setting, order, pods)


async def tend_services(client: Client, view: View, setting: Setting, now: Instant) -> None:
    """Roll out templates that the documents have changed: the number of replicas stays.

    An order is only sent when numbers change; a new image changes none. Each for itself: what
    failed first is raised when all have had their turn.
    """
    failed: list[AdapterError] = []
    for seen in view.deployments.values():
        order, runs = _as_ordered(seen), _owned(seen, setting)
        if runs is None or not _is_outdated(seen, setting, runs, order):
            continue
        try:
            allowed(setting, runs.namespace)
            with asked(f"{order.workload} on {order.pool}"):
                # The view may be older than an order of a moment ago.
                there = await _read(client, runs.namespace, seen.metadata.name)
                if there is not None and _owned(there, setting):
                    await _run(client, view, setting, runs, _as_ordered(there), now)
        except AdapterError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _owned(there: Deployment, setting: Setting) -> Owned | None:
    """How the service runs whose Deployment this is; None if it is not one, or not to run."""
    order = _as_ordered(there)
    binding = setting.bindings.workloads.get(order.workload)
    runs = binding.runs if binding else None
    known = order.workload in setting.services and order.pool in setting.pools
    if not (known and isinstance(runs, Owned) and _is_of(there, order) and order.pods):
        return None
    place = (runs.namespace, marks.option_name(order.workload, order.pool))
    going = there.metadata.deletion_timestamp is not None
    same = (there.metadata.namespace, there.metadata.name) == place
    return runs if same and not going else None


async def _with_traffic(
    client: Client, setting: Setting, order: PlaceOrder, pods: Callable[[], Awaitable[None]]
) -> None:
    shares = await read_shares(client, setting, order.workload)
    if order.share < shares.get(order.pool, 0.0):
        await _shift(client, setting, order, shares)
        await pods()
    else:
        await pods()
        await _shift(client, setting, order, shares)


async def _shift(
    client: Client, setting: Setting, order: PlaceOrder, before: Mapping[PoolName, float]
) -> None:
    # The table is what observations tell, so it is written last: who fails before is sent again.
    shares = {**before, order.pool: order.share}
    here = {pool: share for pool, share in shares.items() if pool in setting.pools}
    await weigh(client, setting, order.workload, here)
    await write_share(client, setting, order.workload, order.pool, order.share)


async def _rescale(
    client: Client, view: View, runs: Adopted, order: PlaceOrder, now: Instant
) -> None:
    """Of a Deployment of somebody else we write the scale and nothing more."""
    name = runs.deployments.get(order.pool, "")
    there = await _read(client, runs.namespace, name) if name else None
    if there is None:
        if not order.pods:
            return
        missing = f"deployment {runs.namespace}/{name} is not there" if name else "none is named"
        raise Refused(
            f"{order.workload} adopts a deployment on {order.pool}, but {missing}; "
            "make it, or correct the document"
        )
    if there.spec.replicas == order.pods:
        return
    _check_uncontested(there, view, now)
    path = f"{_path(runs.namespace, name)}/scale"
    await client.patch(path, {"spec": {"replicas": order.pods}})


async def _run(
    client: Client, view: View, setting: Setting, runs: Owned, order: PlaceOrder, now: Instant
) -> None:
    unit = gpu_unit(view, setting, order.pool)
    body = manifests.deployment(order, setting, runs, unit)
    name = body["metadata"]["name"]
    there = await _read(client, runs.namespace, name)
    if there is not None:
        _check_ours(there, order)
        current = there.metadata.annotations.get(marks.TEMPLATE) == manifests.template_of(body)
        if current and there.spec.replicas == order.pods:
            return
        if there.spec.replicas != order.pods:
            _check_uncontested(there, view, now)
    if runs.port is not None:
        # First, so that a Deployment that is there and as it should be has its Service too.
        await _front(client, order, runs, runs.port)
    await _apply(client, view, body, runs.namespace, now)


async def _front(client: Client, order: PlaceOrder, runs: Owned, port: int) -> None:
    body = manifests.service(order, runs, port)
    path = _service_path(runs.namespace, body["metadata"]["name"])
    try:
        there = msgspec.json.decode(await client.get(path), type=Marked)
        _check_ours(there, order, kind="service")
    except NotThere:
        pass
    await client.apply(path, body)


async def _apply(
    client: Client, view: View, body: manifests.Body, namespace: str, now: Instant
) -> None:
    name = body["metadata"]["name"]
    path = _path(namespace, name)
    try:
        await client.apply(path, body)
    except Conflict as fault:
        others = sorted(set(MANAGERS.findall(fault.message)) - {MANAGER})
        fields = sorted(set(FIELDS.findall(fault.message)))
        there = await _read(client, namespace, name)
        if there is None:
            raise
        _check_uncontested(there, view, now)
        if fields != [".spec.replicas"]:
            if not others:
                raise
            raise Refused(
                f"deployment {namespace}/{name}: {', '.join(others)} has set "
                f"{', '.join(fields)}; put the change into the document and delete the "
                "deployment, which is then made anew"
            ) from fault
        # A number that somebody set once and left: as with adopted ones, it is ours again.
        await client.apply(path, body, force=True)


async def _clear(client: Client, view: View, setting: Setting, order: PlaceOrder) -> None:
    """Delete what we made for the workload on the pool, wherever it lies; pods get their grace."""
    name = marks.option_name(order.workload, order.pool)
    binding = setting.bindings.workloads.get(order.workload)
    places = {key for key, deployment in view.deployments.items() if _is_of(deployment, order)}
    if binding and isinstance(binding.runs, Owned):
        places.add((binding.runs.namespace, name))
    for namespace, each in sorted(places):
        allowed(setting, namespace)
        await _delete(client, _path(namespace, each), order)
        await _delete(client, _service_path(namespace, each), order)


async def _delete(client: Client, path: str, order: PlaceOrder) -> None:
    try:
        there = msgspec.json.decode(await client.get(path), type=Marked)
        if _is_of(there, order) and there.metadata.deletion_timestamp is None:
            await client.delete(path, uid=there.metadata.uid)
    except NotThere:
        pass  # It went by itself.


async def _read(client: Client, namespace: str, name: str) -> Deployment | None:
    try:
        return msgspec.json.decode(await client.get(_path(namespace, name)), type=Deployment)
    except NotThere:
        return None


def _check_ours(there: Deployment | Marked, order: PlaceOrder, kind: str = "deployment") -> None:
    where = f"{kind} {there.metadata.namespace}/{there.metadata.name}"
    if not _is_of(there, order):
        raise Refused(
            f"{where} is there and not ours, but {order.workload} on {order.pool} would have "
            "its name; rename or remove it"
        )
    if there.metadata.deletion_timestamp is not None:
        raise Throttled(f"{where} is being deleted; it is made anew when it is gone")


def _check_uncontested(there: Deployment, view: View, now: Instant) -> None:
    if why := contest(there, view, now):
        raise Refused(f"deployment {there.metadata.namespace}/{there.metadata.name}: {why}")


def _is_of(there: Deployment | Marked, order: PlaceOrder) -> bool:
    labels = there.metadata.labels
    return marks.ours(labels) and (labels.get(marks.WORKLOAD), labels.get(marks.POOL)) == (
        order.workload,
        order.pool,
    )


def _is_outdated(there: Deployment, setting: Setting, runs: Owned, order: PlaceOrder) -> bool:
    body = manifests.deployment(order, setting, runs)
    return there.metadata.annotations.get(marks.TEMPLATE) != manifests.template_of(body)


def _as_ordered(there: Deployment) -> PlaceOrder:
    """The order that the Deployment stands for now."""
    labels, annotations = there.metadata.labels, there.metadata.annotations
    return PlaceOrder(
        key=ActionKey(annotations.get(marks.KEY, "")),
        workload=WorkloadName(labels.get(marks.WORKLOAD, "")),
        pool=PoolName(labels.get(marks.POOL, "")),
        pods=there.spec.replicas,
    )


def _path(namespace: str, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def _service_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/services/{name}"
