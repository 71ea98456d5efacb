"""Statuses: what the API says when it does not do what was asked, in the real server's words."""

from collections.abc import Sequence
from typing import Any

Object = dict[str, Any]
NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character"
)


class Failure(Exception):  # noqa: N818 - the word of the API itself.
    """An answer that is no success."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Object | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message = code, reason, message
        self.details, self.retry_after_s = details, retry_after_s

    def body(self) -> Object:
        """As a Status object."""
        details = dict(self.details or {})
        if self.retry_after_s is not None:
            details["retryAfterSeconds"] = self.retry_after_s
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": details} if details else {}),
            "code": self.code,
        }


def not_found(resource: str, name: str) -> Failure:
    """`resource` is the plural with its group, as deployments.apps."""
    return Failure(404, "NotFound", f'{resource} "{name}" not found', details=_of(resource, name))


def no_such_resource() -> Failure:
    """A kind that the server does not have."""
    return Failure(404, "NotFound", "the server could not find the requested resource")


def exists(resource: str, name: str) -> Failure:
    """A second one of a name."""
    message = f'{resource} "{name}" already exists'
    return Failure(409, "AlreadyExists", message, details=_of(resource, name))


def stale(resource: str, name: str) -> Failure:
    """Written against a version that is not the newest."""
    message = (
        f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified;'
        " please apply your changes to the latest version and try again"
    )
    return Failure(409, "Conflict", message, details=_of(resource, name))


def other_one(kind: str, name: str, *, asked: str, found: str) -> Failure:
    """A precondition on the uid that does not hold."""
    message = (
        f'Operation cannot be fulfilled on {kind} "{name}": the UID in the precondition'
        f" ({asked}) does not match the UID in record ({found})."
        " The object might have been deleted and then recreated"
    )
    return Failure(409, "Conflict", message, details={"name": name, "kind": kind})


def invalid(kind: str, name: str, field: str, words: str) -> Failure:
    """An object that breaks a rule of its kind. `kind` with its group, as Job.batch."""
    details: Object = {
        "name": name,
        "kind": kind,
        "causes": [{"reason": "FieldValueInvalid", "message": words, "field": field}],
    }
    return Failure(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {words}', details=details)


def bad_patch() -> Failure:
    """A JSON patch that cannot be carried out, or whose test fails."""
    words = "the server rejected our request due to an error in our request"
    return Failure(422, "Invalid", words)


def bad_request(message: str) -> Failure:
    """What cannot be understood."""
    return Failure(400, "BadRequest", message)


def expired(message: str) -> Failure:
    """A version that is no longer kept."""
    return Failure(410, "Expired", message)


def unauthorized() -> Failure:
    """A token that is not known."""
    return Failure(401, "Unauthorized", "Unauthorized")


def apply_conflict(conflicts: Sequence[tuple[str, str]]) -> Failure:
    """Fields that other managers have: (who, as `"git" using v1`; the path)."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, path in conflicts
    ]
    plural = "s" if len(conflicts) > 1 else ""
    if len(conflicts) == 1:
        told = f"conflict with {conflicts[0][0]}: {conflicts[0][1]}"
    else:
        told = "".join(_told(who, conflicts) for who in dict(conflicts)).rstrip("\n")
    message = f"Apply failed with {len(conflicts)} conflict{plural}: {told}"
    return Failure(409, "Conflict", message, details={"causes": causes})


def _told(who: str, conflicts: Sequence[tuple[str, str]]) -> str:
    paths = [path for other, path in conflicts if other == who]
    return f"conflicts with {who}:\n" + "".join(f"- {path}\n" for path in paths)


def too_many(message: str, *, retry_after_s: int | None = 1) -> Failure:
    """Asked too often."""
    return Failure(429, "TooManyRequests", message, retry_after_s=retry_after_s)


def _of(resource: str, name: str) -> Object:
    plural, _, group = resource.partition(".")
    return {"name": name, **({"group": group} if group else {}), "kind": plural}
