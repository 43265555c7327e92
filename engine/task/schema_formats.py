"""The formats of JSON Schema, draft 2020-12, that jsonschema checks only with further packages.

Those packages take a second to import. All patterns here take linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import jsonschema

_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](.+)", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
_DURATION = re.compile(
    r"P(?:\d+W|(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)", re.ASCII
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.ASCII | re.IGNORECASE)
_URI = re.compile(r"(?:[\w.~:/?@!$&'()*+,;=-]|%[0-9a-f]{2})*", re.ASCII | re.IGNORECASE)
_IRI = re.compile(r"(?:[\w.~:/?@!$&'()*+,;=-]|%[0-9a-f]{2}|[^\x00-\xa0\ud800-\udfff\ufffe\uffff])*", re.IGNORECASE)
_BRACKETS = re.compile(r"(//(?:[^/?#@\[\]]*@)?)\[([0-9a-f:.]+|v[0-9a-f]+\.[^\[\]/?#]+)\]", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"(?:[^\x00-\x20\"'%<>\\^`{|}]|%[0-9a-f]{2}"
    r"|\{[+#./;?&=,!@|]?[\w.%]+(?::[1-9]\d{0,3}|\*)?(?:,[\w.%]+(?::[1-9]\d{0,3}|\*)?)*\})*",
    re.IGNORECASE,
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_RELATIVE_POINTER = re.compile(r"(?:0|[1-9]\d*)(?:#|(?:/(?:[^~/]|~[01])*)*)", re.ASCII)


def checker() -> jsonschema.FormatChecker:
    """Return a checker of every format of the draft, and of those of ``LOCAL_FORMATS``."""
    made = jsonschema.FormatChecker(list(jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers))
    for name, check in _CHECKS.items():
        made.checks(name)(_of_text(check))
    return made


def _of_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _is_time(text: str, *, local: bool = False) -> bool:
    found = _TIME.fullmatch(text)
    return found is not None and (local or found[4] is not None)


def _is_date_time(text: str, *, local: bool = False) -> bool:
    found = _DATE_TIME.fullmatch(text)
    if found is None or not _is_time(found[2], local=local):
        return False
    try:
        date.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def _is_hostname(text: str) -> bool:
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _is_reference(text: str, characters: re.Pattern[str]) -> bool:
    rest, _, fragment = _BRACKETS.sub(r"\1host", text, count=1).partition("#")
    if not characters.fullmatch(rest) or not characters.fullmatch(fragment):
        return False
    first = re.split("[/?]", rest, maxsplit=1)[0]
    return ":" not in first or _SCHEME.match(first) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "local-date-time": lambda text: _is_date_time(text, local=True),
    "time": _is_time,
    "local-time": lambda text: _is_time(text, local=True),
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "hostname": _is_hostname,
    "uri": lambda text: _SCHEME.match(text) is not None and _is_reference(text, _URI),
    "uri-reference": lambda text: _is_reference(text, _URI),
    "iri": lambda text: _SCHEME.match(text) is not None and _is_reference(text, _IRI),
    "iri-reference": lambda text: _is_reference(text, _IRI),
    "uri-template": lambda text: _TEMPLATE.fullmatch(text) is not None,
    "json-pointer": lambda text: _POINTER.fullmatch(text) is not None,
    "relative-json-pointer": lambda text: _RELATIVE_POINTER.fullmatch(text) is not None,
}
