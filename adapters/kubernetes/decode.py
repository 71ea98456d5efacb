"""Decoding: pages of lists and events of watches, from raw bytes to shapes."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from adapters.kubernetes.client import Status
from adapters.kubernetes.faults import Silent
from adapters.kubernetes.shapes import ListMeta, Meta, Shape
from adapters.kubernetes.sharing import Sharing
from adapters.kubernetes.view import Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list."""

    objects: Mapping[Key, T]
    version: str
    """The version of the whole list."""
    more: str
    """The token of the next page; empty: this was the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Became(Generic[T]):
    """An object is new, or changed."""

    key: Key
    version: str
    new: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """An object is gone."""

    key: Key
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """Nothing happened up to this version."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The server ends the watch with an error."""

    status: Status


Event = Became[T] | Went | Bookmark | Ended


class Reader(Generic[T]):
    """Decodes one kind: a Shape with metadata, or plain dictionaries.

    An odd object (a null where there should be a map, a text where there should be a number) is
    kept with what can be read of it, and counted in `odd`. Raises Silent on what is no JSON.
    """

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._object = msgspec.json.Decoder(shape)
        listed: Any = _Listed
        self._page = msgspec.json.Decoder(listed[shape])
        self._sharing = Sharing()
        self.odd = 0

    def page(self, content: bytes) -> Page[T]:
        """One page."""
        with _collector_off(), _garbled():
            try:
                listed = self._page.decode(content)
            except msgspec.ValidationError:
                listed = self._page_one_by_one(content)
            for item in listed.items:
                self._sharing.share(item)
        return Page(
            objects={key: item for item in listed.items if (key := _key(_meta(item)))[1]},
            version=listed.metadata.resource_version,
            more=listed.metadata.continue_,
        )

    def event(self, line: bytes) -> Event[T]:
        """One line of a watch."""
        with _garbled():
            told = _EVENT.decode(line)
            if told.type == "ERROR":
                return Ended(status=msgspec.json.decode(told.object, type=Status))
            if told.type == "BOOKMARK":
                bookmark = msgspec.json.decode(told.object, type=_Bare)
                return Bookmark(version=bookmark.metadata.resource_version)
            seen = self._read(told.object)
        meta = _meta(seen)
        self._sharing.share(seen)
        if told.type == "DELETED":
            return Went(key=_key(meta), version=meta.resource_version)
        return Became(key=_key(meta), version=meta.resource_version, new=seen)

    def _page_one_by_one(self, content: bytes) -> "_Listed[T]":
        raw = msgspec.json.decode(content, type=_RawList)
        return _Listed(metadata=raw.metadata, items=tuple(map(self._read, raw.items or ())))

    def _read(self, raw: bytes | msgspec.Raw) -> T:
        try:
            return self._object.decode(raw)
        except msgspec.ValidationError:
            self.odd += 1
            return _best(_without_nulls(msgspec.json.decode(raw)), self._shape)


class _Listed(Shape, Generic[T], frozen=True):
    metadata: ListMeta = ListMeta()
    items: tuple[T, ...] = ()


class _RawList(Shape, frozen=True):
    metadata: ListMeta = ListMeta()
    items: tuple[msgspec.Raw, ...] | None = None


class _RawEvent(Shape, frozen=True):
    type: str
    object: msgspec.Raw = msgspec.Raw(b"{}")


class _Bare(Shape, frozen=True):
    metadata: Meta = Meta()


_EVENT = msgspec.json.Decoder(_RawEvent)


def _best(value: object, shape: type[T]) -> T:
    """As much of `value` as fits the shape; what does not fit keeps its default."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value), type=shape, strict=False)
    except msgspec.ValidationError:
        if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
            raise
    parts = {}
    for field in msgspec.structs.fields(shape):
        if isinstance(value, dict) and field.encode_name in value:
            try:
                parts[field.name] = _best(value[field.encode_name], field.type)
            except msgspec.ValidationError:
                continue
    return shape(**parts)


def _without_nulls(value: object) -> object:
    match value:
        case dict():
            return {key: _without_nulls(of) for key, of in value.items() if of is not None}
        case list():
            return [_without_nulls(of) for of in value if of is not None]
        case _:
            return value


def _meta(item: object) -> Meta:
    if isinstance(item, dict):
        return _best(_without_nulls(item.get("metadata") or {}), Meta)
    found: Meta = getattr(item, "metadata")  # noqa: B009 - T is any shape that has it
    return found


def _key(meta: Meta) -> Key:
    return meta.namespace, meta.name


@contextmanager
def _garbled() -> Iterator[None]:
    try:
        yield
    except msgspec.MsgspecError as error:
        raise Silent(f"an answer that is no object of the API: {error}") from error


@contextmanager
def _collector_off() -> Iterator[None]:
    """Thousands of small maps at once would each time be searched for cycles that are not there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
