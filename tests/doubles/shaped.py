"""Shapes from plain objects, as the API would send them."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def shaped(shape: type[T], fields: object) -> T:
    """The same way as from a server: through JSON."""
    return msgspec.json.decode(msgspec.json.encode(fields), type=shape)
