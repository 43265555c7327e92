"""Detection of secret parameters, and removal of their values from everything that is kept or shown."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_SECRET_NAME = re.compile(
    r"(?:(?:^|[_\-.])(?:pass(?:phrase|code)?|pwd|tokens?|secrets?|(?:api|private|access)[_-]?keys?|otp|pin|cvv"
    r"|credentials?|authorization)|passw(?:or)?ds?)\d*(?:$|[_\-.])"
)
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://(?P<userinfo>[^\s/?#@\"'<>]+)@", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def secret_names(parameters: Mapping[str, Any], named: Collection[str] = ()) -> frozenset[str]:
    """Return the parameters whose values no prompt, event, record or commit may hold.

    Args:
        parameters: The task's parameters.
        named: Names that the user declared secret.

    >>> sorted(secret_names({"user": "ada", "password": "x", "apiKey": "y", "bypass": 1}))
    ['apiKey', 'password']
    >>> sorted(secret_names({"feed": "https://ada:x@news.test/feed", "home": "https://news.test/@ada"}))
    ['feed']
    """
    found = {name for name, value in parameters.items() if any(map(_means_a_secret, (name, *_names_in(value))))}
    found |= {name for name, value in parameters.items() if any(map(_USERINFO.search, _leaves(value)))}
    return frozenset(found | {name for name in named if name in parameters})


def secrets_of_urls(
    task: str, http_login: tuple[str, str] | None, parameters: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return secrets that stand in the URLs of a request, by where they stand, under names that no parameter has.

    Args:
        http_login: User name and password of the start URL. A user name without a password is itself a secret.

    >>> secrets_of_urls("Read https://ada:x@news.test/ today", ("token", ""), {})
    {'task': ['x'], 'start_url': ['token']}
    """
    in_task = [_secret_part(*match["userinfo"].partition(":")[::2]) for match in _USERINFO.finditer(task)]
    found = {"task": [unquote(each) for each in in_task]}
    if http_login is not None:
        found["start_url"] = [_secret_part(*http_login)]
    return {name if name not in parameters else f"{name} (URL)": values for name, values in found.items() if values}


def _secret_part(user: str, password: str) -> str:
    return password or user


def _means_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(_CAMEL.sub("_", name).lower()) is not None


def _names_in(value: Any) -> Iterator[str]:
    """Yield the names within a parameter, which is secret as a whole if one of them is."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _names_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _names_in(inner)


class Redactor:
    """Replacement of secret values, however a page or code spells them, by ``[secret:name]``.

    >>> Redactor({"password": "hunter2", "user": "ada"}, {"password"}).text("ada typed hunter2")
    'ada typed [secret:password]'
    """

    def __init__(self, parameters: Mapping[str, Any], secrets: Collection[str]) -> None:
        self._names = {leaf: name for name in sorted(secrets) for leaf in _leaves(parameters.get(name))}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._named = [self._names[leaf] for leaf in longest_first]
        groups = (f"(?P<s{n}>{_in_every_spelling(leaf)})" for n, leaf in enumerate(longest_first))
        self._pattern = re.compile("|".join(groups)) if longest_first else None
        self._secrets = frozenset(secrets)

    @property
    def active(self) -> bool:
        """True where there are secrets to hide."""
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Return the text without secret values."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda m: f"[secret:{self._named[int((m.lastgroup or '')[1:])]}]", text)

    def data(self, value: Any) -> Any:
        """Return JSON-serializable data without secret values, keys included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.data(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(v) for v in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._names:
            return f"[secret:{self._names[str(value)]}]"
        return value

    def parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters as they may be shown and kept: of a secret one, only the name."""
        return {
            name: f"[secret:{name}]" if name in self._secrets else self.data(value)
            for name, value in parameters.items()
        }


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [leaf for v in value.values() for leaf in _leaves(v)]
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in _leaves(v)]
    if value is None or isinstance(value, bool) or value == "":
        return []
    return [str(value)]


def _in_every_spelling(value: str) -> str:
    """Return a pattern for a value as pages, URLs, JSON and Python write it, character by character.

    Encoders differ: a browser escapes other characters of an address than JavaScript or a form does.
    """
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    return f"{''.join(map(_spelled, value))}|{re.escape(encoded)}"


def _spelled(character: str) -> str:
    code, data = ord(character), character.encode("utf-8", "surrogatepass")
    plain = {character, html.escape(character), json.dumps(character)[1:-1], repr(character)[1:-1]}
    ways = [re.escape(way) for way in sorted(plain, key=len, reverse=True)]
    ways.append("(?i:" + "".join(f"%{byte:02x}" for byte in data) + ")")
    if not (character.isascii() and character.isalnum()):
        escaped = "".join(rf"\\u{unit}" for unit in _utf16(character))
        ways.append(f"(?i:&#0*{code};|&#x0*{code:x};|{escaped})")
    if character == " ":
        ways.append(r"\+")
    if character == "'":
        ways.append("&apos;")
    if character in "'\"/":
        ways.append(r"\\+" + character)  # JSON within JSON, JavaScript, Python
    return f"(?:{'|'.join(ways)})"


def _utf16(character: str) -> list[str]:
    data = character.encode("utf-16-be", "surrogatepass").hex()
    return [data[start : start + 4] for start in range(0, len(data), 4)]
