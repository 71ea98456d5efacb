"""Logs: one line an event on stderr, JSON for machines and columns for people, without secrets.

structlog is imported when the first event is logged: a dry run that has nothing to say starts
without it, a tenth of a second sooner.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_KEYS = re.compile(
    r"secret|password|passwd|token|credential|authorization|api_?key|access_?key|private_?key|cookie",
    re.IGNORECASE,
)
SECRET_VALUES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"(\w://[^/\s:@]+):[^/\s@]+@"), r"\1:***@"),
    (re.compile(r"(?i)\b(signature|sig|token|password|secret|api_?key)=[^&\s]+"), r"\1=***"),
)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
CHATTY = ("apscheduler", "httpx", "httpcore", "uvicorn", "watchfiles", "asyncio")


class Logger:
    """A named logger of structlog's that comes to life with its first event."""

    pending: Callable[[], None] | None = None
    """The configuration that waits for the first event of any logger."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, word: str) -> Any:  # noqa: ANN401 - whatever structlog's has
        """`info`, `warning` and the like."""
        import structlog

        if Logger.pending is not None:
            configured, Logger.pending = Logger.pending, None
            configured()
        return getattr(structlog.get_logger(self._name), word)


def configure_on_use(stream: TextIO, env: Mapping[str, str]) -> None:
    """As `configure`, at the first event. Raises ValueError for wrong settings at once."""
    _level(env), _as_json(stream, env)
    Logger.pending = lambda: configure(stream, env)


def configure(stream: TextIO, env: Mapping[str, str]) -> None:
    """Send all logs, the libraries' too, to `stream` (stderr in the daemon).

    LOG_LEVEL is a level's name (default INFO). LOG_FORMAT is `json` or `console`; without it,
    `console` on a terminal. Raises ValueError for anything else.
    """
    import structlog

    level, as_json = _level(env), _as_json(stream, env)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=_rendering(as_json, stream, env)
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank what is secret by its key, and what looks secret inside a text."""
    return {key: _redacted(key, value) for key, value in event.items()}


def _redacted(key: str, value: object) -> object:
    if SECRET_KEYS.search(key):
        return "***"
    match value:
        case str():
            return _without_secrets(value)
        case Mapping():
            return {inner: _redacted(str(inner), item) for inner, item in value.items()}
        case list() | tuple():
            return [_redacted(key, item) for item in value]
        case _:
            return value


def _without_secrets(text: str) -> str:
    for pattern, blank in SECRET_VALUES:
        text = pattern.sub(blank, text)
    return text


def _rendering(as_json: bool, stream: TextIO, env: Mapping[str, str]) -> list[Processor]:
    import structlog

    clean: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
    ]
    if as_json:
        return [*clean, structlog.processors.JSONRenderer(default=str)]
    colors = stream.isatty() and not env.get("NO_COLOR")
    return [*clean, structlog.dev.ConsoleRenderer(colors=colors)]


def _level(env: Mapping[str, str]) -> str:
    level = env.get("LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise ValueError(f"LOG_LEVEL={level}: use one of {', '.join(LEVELS)}")
    return level


def _as_json(stream: TextIO, env: Mapping[str, str]) -> bool:
    wanted = env.get("LOG_FORMAT", "")
    if wanted not in ("", "json", "console"):
        raise ValueError(f"LOG_FORMAT={wanted}: use json or console")
    return wanted == "json" or (not wanted and not stream.isatty())
