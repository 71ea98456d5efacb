"""Documents that are objects: the server checks them, and they are read whole and answered."""

import json
from contextlib import suppress
from typing import Any

import pytest

from adapters.kubernetes.custom_resources import ObjectStatus, list_objects, write_status
from adapters.kubernetes.faults import ApiError, Conflict, Invalid, KubernetesError, NotThere
from scheduler.config.crd import PLURALS, custom_resource_definitions
from scheduler.domain.names import Instant
from tests.doubles.api_worlds import Api, refused, until

VERSION = "tidegate.io/v1alpha1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NOON = Instant(1_794_400_000.0)
SPEC = {
    "replica": {"gpus": 1, "cpu": "500m", "memory": "8Gi"},
    "replicas": {"max": 8},
    "objective": {"latency": "60ms"},
    "speed": {"A100": {"base": "8ms", "queue": "6ms", "limit": "900/s"}},
}


@pytest.fixture
async def defined(api: Api) -> Api:
    """A corner of a server that has our kinds."""
    for definition in custom_resource_definitions():
        with suppress(Conflict):
            await api.create(CRDS, definition)
    for plural in PLURALS.values():
        await until(lambda plural=plural: _served(api, plural))
    return api


async def test_the_documents_are_read_with_their_places_and_nothing_of_the_server(defined: Api):
    await _create(defined, "search", SPEC)
    (found,) = await list_objects(defined.client, PLURALS, defined.namespace)
    assert found.place == f"inferenceservices/{defined.namespace}/search"
    assert found.document == {
        "apiVersion": VERSION,
        "kind": "InferenceService",
        "metadata": {"name": "search"},
        "spec": SPEC,
    }


async def test_all_namespaces_are_read_where_none_is_named(defined: Api):
    await _create(defined, "search", SPEC)
    places = {thing.place for thing in await list_objects(defined.client, PLURALS)}
    assert f"inferenceservices/{defined.namespace}/search" in places


async def test_a_server_without_our_kinds_says_what_to_apply(api: Api):
    kinds = {"Ghost": "ghosts"}
    fault = await refused(NotThere, list_objects(api.client, kinds, api.namespace))
    assert "tidegate schema --crd" in fault.message


async def test_what_became_of_it_can_be_read_from_the_object(defined: Api):
    await _create(defined, "search", SPEC)
    (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
    status = ObjectStatus(
        phase="Pending",
        at=NOON,
        placed={"owned": 4, "rented": 2},
        pending="120 of 900 requests/s",
        reason="rented is sold out",
    )
    assert await write_status(defined.client, thing, status)
    told = (await defined.get(_path(defined, "search")))["status"]
    assert told == {
        "phase": "Pending",
        "placed": {"owned": 4, "rented": 2},
        "placement": "owned 4, rented 2",
        "pending": "120 of 900 requests/s",
        "reason": "rented is sold out",
        "planTime": "2026-11-11T12:26:40Z",
        "observedGeneration": thing.generation,
    }


async def test_nothing_is_written_while_nothing_is_new(defined: Api):
    await _create(defined, "search", SPEC)
    (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
    await write_status(defined.client, thing, ObjectStatus(phase="Placed", at=NOON))
    (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
    soon = ObjectStatus(phase="Placed", at=Instant(NOON + 60.0))
    assert not await write_status(defined.client, thing, soon)
    later = ObjectStatus(phase="Placed", at=Instant(NOON + 3600.0))
    assert await write_status(defined.client, thing, later)


async def test_a_status_says_nothing_of_pools_that_were_left(defined: Api):
    await _create(defined, "search", SPEC)
    for placed in ({"owned": 4, "rented": 2}, {"owned": 6}):
        (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
        await write_status(defined.client, thing, ObjectStatus(phase="Placed", placed=placed))
    assert (await defined.get(_path(defined, "search")))["status"]["placed"] == {"owned": 6}


async def test_another_object_of_the_same_name_is_not_answered_for_the_first(defined: Api):
    await _create(defined, "search", SPEC)
    (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
    await defined.client.delete(_path(defined, "search"), uid=thing.uid)
    await _create(defined, "search", SPEC)
    fault = await refused(
        ApiError, write_status(defined.client, thing, ObjectStatus(phase="Placed"))
    )
    assert fault.status in (409, 422)


@pytest.mark.parametrize(
    "change",
    [
        {"replicas": {"max": "many"}},
        {"replicas": {"max": 0}},
        {"objective": {"latency": 60}},
        {"objective": {"latency": "60 parsecs"}},
        {"priority": "urgent"},
        {"replica": {"gpus": 0}},
    ],
    ids=json.dumps,
)
async def test_the_real_server_refuses_an_ill_typed_document(
    defined: Api, change: dict[str, object]
):
    if not defined.real:
        pytest.skip("the double does not check schemas")
    await refused(Invalid, _create(defined, "bad", {**SPEC, **change}))


async def test_the_real_server_refuses_an_unknown_key_that_is_applied(defined: Api):
    if not defined.real:
        pytest.skip("the double does not check schemas")
    body = _body("bad", {**SPEC, "replicaz": 3})
    with pytest.raises(KubernetesError, match=r"spec.replicaz: field not declared in schema"):
        await defined.client.apply(_path(defined, "bad"), body)


async def test_the_real_server_keeps_a_pod_template_as_it_is(defined: Api):
    template = {"spec": {"containers": [{"name": "x", "image": "r/x", "anything": [1, {"a": 2}]}]}}
    spec = {**SPEC, "kubernetes": {"namespace": "ml", "own": {"template": template}}}
    await _create(defined, "search", spec)
    (thing,) = await list_objects(defined.client, PLURALS, defined.namespace)
    assert thing.document["spec"] == spec


async def _served(api: Api, plural: str) -> bool:
    await api.get(api.path(VERSION, plural))
    return True


async def _create(api: Api, name: str, spec: object) -> dict[str, Any]:
    return await api.create(_path(api), _body(name, spec))


def _body(name: str, spec: object) -> dict[str, Any]:
    return {
        "apiVersion": VERSION,
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": spec,
    }


def _path(api: Api, name: str = "") -> str:
    return api.path(VERSION, "inferenceservices", name)
