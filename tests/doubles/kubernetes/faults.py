"""Faults: what can be wrong with an API server, by request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from tests.doubles.kubernetes.statuses import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as a fault sees it."""

    method: str
    path: str
    params: Mapping[str, str]

    @property
    def watches(self) -> bool:
        """Whether it opens a watch."""
        return self.params.get("watch") in ("1", "true")


@dataclass(frozen=True, slots=True)
class Delay:
    """It is answered, later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks before an answer. `after`: what was asked for has been done."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Never an answer, and no end. A watch that falls silent is `Stall`."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is answered with a failure."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Truncate:
    """A watch breaks after so many events: in the middle of the next line, or (`clean`) before."""

    after: int
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """A watch says nothing any more after so many events, and does not end."""

    after: int


Effect = Delay | Drop | Hang | Refuse | Truncate | Stall
Match = Callable[[Call], bool]


@dataclass(slots=True)
class Fault:
    """An effect on the requests that match; `times` None: until it is lifted."""

    match: Match
    effect: Effect
    times: int | None = None
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """Those in force. The first that matches strikes."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def on(self, match: Match, effect: Effect, *, times: int | None = None) -> Fault:
        """Puts one in force."""
        fault = Fault(match, effect, times)
        with self._lock:
            self._faults.append(fault)
        return fault

    def lift(self, fault: Fault | None = None) -> None:
        """Ends one, or all."""
        with self._lock:
            self._faults = [one for one in self._faults if fault is not None and one is not fault]

    def struck_by(self, call: Call) -> Effect | None:
        """The effect on this request, counted."""
        with self._lock:
            for fault in self._faults:
                if (fault.times is None or fault.struck < fault.times) and fault.match(call):
                    fault.struck += 1
                    return fault.effect
        return None


def every(_: Call) -> bool:
    """Matches all requests."""
    return True


def to(text: str, *methods: str) -> Match:
    """Requests whose path holds the text, of these methods (none: of any)."""
    return lambda call: text in call.path and (not methods or call.method in methods)


def watches(text: str = "") -> Match:
    """Requests that open a watch on such a path."""
    return lambda call: call.watches and text in call.path


def writes(text: str = "") -> Match:
    """Requests that change something on such a path."""
    return lambda call: call.method != "GET" and text in call.path
