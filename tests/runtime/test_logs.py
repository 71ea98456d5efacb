"""Logs: machines read JSON, people read columns, nobody reads secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from scheduler.runtime.logs import configure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def logged(
    event: str,
    stream: io.StringIO | None = None,
    env: dict[str, str] | None = None,
    **fields: object,
) -> str:
    stream = stream or io.StringIO()
    configure(stream, env or {})
    structlog.get_logger("tidegate.test").info(event, **fields)
    return stream.getvalue()


def test_a_pipe_gets_one_json_object_an_event() -> None:
    with bound_contextvars(cycle=7):
        line = json.loads(logged("order.sent", pool="p", nodes=3))
    assert line["event"] == "order.sent"
    assert (line["cycle"], line["pool"], line["nodes"]) == (7, "p", 3)
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_terminal_gets_columns() -> None:
    text = logged("order.sent", Terminal(), {"NO_COLOR": "1"}, pool="p")
    assert "order.sent" in text
    assert "pool=p" in text
    assert "\x1b" not in text


def test_the_format_can_be_forced() -> None:
    assert json.loads(logged("order.sent", Terminal(), {"LOG_FORMAT": "json"}))
    assert "{" not in logged("order.sent", env={"LOG_FORMAT": "console"})


def test_the_level_is_taken_from_the_environment() -> None:
    assert logged("order.sent", env={"LOG_LEVEL": "warning"}) == ""


@pytest.mark.parametrize("env", [{"LOG_LEVEL": "LOUD"}, {"LOG_FORMAT": "xml"}])
def test_a_setting_that_is_not_understood_names_those_that_are(env: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="use "):
        configure(io.StringIO(), env)


def test_secrets_are_blanked_by_their_name_and_by_their_look() -> None:
    text = logged(
        "cloud.asked",
        api_key="abc123",
        headers={"Authorization": "Basic abc123", "Accept": "*/*"},
        why="401 for https://robot:abc123@cloud.example/?Signature=abc123&x=1",
        header="Bearer abc123abc123",
        tried=["token=abc123"],
    )
    assert "abc123" not in text
    assert "https://robot:***@cloud.example/?Signature=***&x=1" in text
    assert json.loads(text)["headers"] == {"Authorization": "***", "Accept": "*/*"}


def test_secrets_in_a_traceback_are_blanked() -> None:
    stream = io.StringIO()
    configure(stream, {})
    try:
        raise RuntimeError("password=abc123")
    except RuntimeError:
        structlog.get_logger("tidegate.test").exception("tick.failed")
    line = json.loads(stream.getvalue())
    assert "RuntimeError: password=***" in line["exception"]


def test_libraries_log_the_same_way() -> None:
    stream = io.StringIO()
    configure(stream, {})
    logging.getLogger("apscheduler").info("chatter")
    logging.getLogger("some.library").warning("trouble with %s", "dc")
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "trouble with dc"
