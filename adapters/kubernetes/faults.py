"""What an API server answers when it does not do what was asked, and what follows from it."""

from adapters.base import AdapterError, Refused, Throttled, Unreachable


class KubernetesError(Exception):
    """Whatever can go wrong with a call to an API server."""


class ApiError(KubernetesError):
    """An answer that is no success, with the server's own words."""

    def __init__(
        self, status: int, reason: str, message: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status, self.reason, self.message = status, reason, message
        self.retry_after_s = retry_after_s


class NotThere(ApiError):
    """404: the object is gone, or the server does not know the kind."""


class Conflict(ApiError):
    """409: somebody wrote in between, or it exists already, or another manager has the field."""


class Gone(ApiError):
    """410: that version is no longer kept. List again."""


class TooMany(ApiError):
    """429: asked too often, or a disruption budget says no."""


class Invalid(ApiError):
    """422: the object breaks a rule of its kind."""


class Barred(ApiError):
    """401, 403: who we are is not known, or may not do this."""


class Silent(KubernetesError):
    """No answer: no connection, a broken one, a time-out or a server that is failing (5xx)."""


class AccessError(KubernetesError):
    """There is no way in: no kubeconfig, context, token file or credentials. Says what to do."""


class Fenced(KubernetesError):
    """We do not lead (any more): nothing may be written."""


KINDS: dict[int, type[ApiError]] = {
    401: Barred,
    403: Barred,
    404: NotThere,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooMany,
}


def for_caller(fault: KubernetesError, what: str) -> AdapterError:
    """The same, sorted by what the caller does about it; `what` says what was asked."""
    match fault:
        case Silent():
            return Unreachable(f"{what}: {fault}")
        case TooMany():
            return Throttled(f"{what}: {fault.message}")
        case Conflict():
            return Throttled(f"{what}: {fault.message}; the next tick looks again")
        case Barred():
            return Refused(f"{what}: {fault.message}; grant it, see deploy/ for the roles")
        case Fenced():
            return Refused(f"{what}: {fault}")
        case _:
            return Refused(f"{what}: {fault}")
