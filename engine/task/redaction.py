"""Detection of secret parameters, and removal of their values from everything that is kept or shown."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from engine.task.spellings import SpellingSearch

_BETWEEN = "\n\0\n"  # stands between texts that are searched together; nothing is found across it

_SECRET_NAME = re.compile(
    r"(?:(?:^|[_\-.])(?:pass(?:phrase|code)?|pwd?|kennwort|mot_?de_?passe|contrase[nñ]a|bearer|tokens?|secrets?|(?:api|private|access)[_-]?keys?|totp|otp|pin(?:code)?|cvv|cvc|csc"
    r"|(?:card|cc)[_-]?(?:number|num|no)|security[_-]?code|credentials?|authorization)|passw(?:or)?[dt]s?)\d*(?:$|[_\-.])"
)
_USERINFO = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://(?P<userinfo>[^\s/?#@\"'<>]+)@", re.IGNORECASE)
_CARD = re.compile(
    r"(?=[0-9 -]+$)(?:(?:4|5[1-5]|2[2-7]|6[0-9])(?:[ -]?[0-9]){14,17}|3[0-9](?:[ -]?[0-9]){12,13}|35(?:[ -]?[0-9]){14})"
)
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
    found = {
        name
        for name, value in parameters.items()
        if any(map(_means_a_secret, (name, *_names_in(value)))) or any(map(_is_a_secret, secret_values(value)))
    }
    return frozenset(found | {name for name in named if name in parameters})


def _means_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(_CAMEL.sub("_", name).lower()) is not None


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


def _is_a_secret(text: str) -> bool:
    """Return True for a URL with a password, and for a card's number."""
    return _USERINFO.search(text) is not None or _is_card_number(text)


def _is_card_number(text: str) -> bool:
    """Return True for the digits of a payment card: a known issuer's beginning, and the right check digit."""
    if not _CARD.fullmatch(text):
        return False
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    return sum(sum(divmod(digit * (1 + at % 2), 10)) for at, digit in enumerate(digits)) % 10 == 0


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

    A short one is replaced as a whole token only; see `SpellingSearch`.

    >>> Redactor({"password": "hunter2", "user": "ada"}, {"password"}).text("ada typed hunter2")
    'ada typed [secret:password]'
    """

    def __init__(self, parameters: Mapping[str, Any], secrets: Collection[str]) -> None:
        self._names = {leaf: name for name in sorted(secrets) for leaf in secret_values(parameters.get(name))}
        self._secrets = frozenset(secrets)
        marks = "|".join(map(re.escape, sorted(self._secrets)))
        self._marks = re.compile(rf"\[secret:(?:{marks})\]")

    @cached_property
    def _search(self) -> SpellingSearch:
        return SpellingSearch(self._names)

    @property
    def active(self) -> bool:
        """True where there are secrets to hide."""
        return bool(self._names)

    @property
    def values(self) -> list[str]:
        """The secret values."""
        return list(self._names)

    @property
    def named(self) -> dict[str, str]:
        """The secret values, each with the name of its parameter."""
        return dict(self._names)

    def text(self, text: str, *, known: Collection[str] = ()) -> str:
        """Return the text without secret values.

        Args:
            known: Words in lower case that stay, because the reader knows that they stand there: of the engine's own
                messages. Masking one of them tells the secret.
        """
        return self.texts([text], known=known)[0]

    def texts(self, texts: Sequence[str], *, known: Collection[str] = ()) -> list[str]:
        """Return texts without secret values: many in about the time of one."""
        if not self._names or not texts:
            return list(texts)
        joined = _BETWEEN.join(texts)
        marks = [mark.span() for mark in self._marks.finditer(joined)]
        spans = [
            span
            for span in self._search.spans(joined)
            if not _within(span, marks) and joined[span[0] : span[1]].casefold() not in known
        ]
        if not spans:
            return list(texts)
        shown, at, following = list[str](), 0, 0
        for text in texts:
            end, parts, last = at + len(text), list[str](), at
            while following < len(spans) and spans[following][0] < end:
                start, stop, name = spans[following]
                following += 1
                if start >= last:
                    parts += [joined[last:start], f"[secret:{name}]"]
                    last = min(stop, end)
            shown.append("".join([*parts, joined[last:end]]))
            at = end + len(_BETWEEN)
        return shown

    def data(self, value: Any, *, numbers: bool = True) -> Any:
        """Return JSON-serializable data without secret values, keys included.

        Args:
            numbers: Replace numbers, too; False where they are the engine's own.
        """
        if not self._names:
            return value
        found: list[str] = []
        _collect(value, found)
        return self._rebuilt(value, iter(self.texts(found)), numbers=numbers)

    def fields(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return facts of the engine without secret values: their names and numbers are its own, and stay.

        >>> Redactor({"cvv": "123"}, {"cvv"}).fields({"tokens": 123, "text": "CVV 123"})
        {'tokens': 123, 'text': 'CVV [secret:cvv]'}
        """
        values = [None if isinstance(value, (int, float)) else value for value in facts.values()]
        shown = self.data(values)
        return {n: v if isinstance(v, (int, float)) else s for (n, v), s in zip(facts.items(), shown, strict=True)}

    def _rebuilt(self, value: Any, shown: Iterator[str], *, numbers: bool) -> Any:
        if isinstance(value, str):
            return next(shown)
        if isinstance(value, Mapping):
            return {next(shown): self._rebuilt(inner, shown, numbers=numbers) for inner in value.values()}
        if isinstance(value, (list, tuple)):
            return [self._rebuilt(inner, shown, numbers=numbers) for inner in value]
        if numbers and isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._names:
            return f"[secret:{self._names[str(value)]}]"
        return value

    def parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters as they may be shown and kept: of a secret one, only the name."""
        return {
            name: f"[secret:{name}]" if name in self._secrets else self.data(value)
            for name, value in parameters.items()
        }


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            found.append(str(key))
            _collect(inner, found)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _collect(inner, found)


def _within(span: tuple[int, int, str], marks: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(marks, (span[0], sys.maxsize)) - 1
    return at >= 0 and span[0] < marks[at][1]


def secret_values(value: Any) -> list[str]:
    """Return the texts of a secret parameter, which may be nested: none for null, a truth value or an empty text."""
    if isinstance(value, Mapping):
        return [leaf for v in value.values() for leaf in secret_values(v)]
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in secret_values(v)]
    if value is None or isinstance(value, bool) or value == "":
        return []
    return [str(value)]
