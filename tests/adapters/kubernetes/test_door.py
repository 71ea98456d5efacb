"""What leaves the door when an answer is no object of the API."""

import msgspec
import pytest

from adapters.base import Unreachable
from adapters.kubernetes.door import asked
from adapters.kubernetes.fanout import fan_out
from adapters.kubernetes.shapes import Node


async def test_a_page_of_a_proxy_is_no_answer_and_stops_no_other_work() -> None:
    done: list[str] = []

    async def one(answer: str) -> None:
        done.append(msgspec.json.decode(answer, type=Node).metadata.name)

    answers = ["<html>", '{"metadata": {"name": "gpu-1"}}']
    with pytest.raises(Unreachable, match="close nodes: an answer that"), asked("close nodes"):
        await fan_out(answers, one)
    assert done == ["gpu-1"]
