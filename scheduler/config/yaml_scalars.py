"""Plain scalars by the core schema of YAML 1.2, where `22:30` and `no` are text."""

import re

Scalar = None | bool | int | float | str

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NUMBER_STARTS = frozenset("+-.0123456789")
LONGEST_NUMBER = 64

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NotFiniteError(ValueError):
    """A number that is not one: infinite, not-a-number, or too long to be meant."""


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises NotFiniteError for what no document can want."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_STARTS:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    if _NOT_FINITE.fullmatch(text):
        raise NotFiniteError("must be a finite number")
    if not (_FLOAT.fullmatch(text) or _BASED.fullmatch(text)):
        return text
    if len(text) > LONGEST_NUMBER:
        raise NotFiniteError(f"has more than {LONGEST_NUMBER} digits")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    value = float(text)
    if abs(value) == float("inf"):
        raise NotFiniteError("must be a finite number")
    return value
