"""Secrets in a cassette: a name in the place of each value, and made-up values for what a site's login gives.

The names are filled in again from the parameters of the task that is replayed. What sites give to whoever logs in is
as good as a password while it holds, and needs no particular value in a replay.
"""

from __future__ import annotations

import re
import secrets
import string
import threading
from collections.abc import Callable, Mapping

from engine.models.recording_placeholders import Placeholders
from engine.task.spellings import SpellingSearch
from sandbox.egress.tape import Received, Sent

_NOT_OF_A_NAME = re.compile(r"\W+", re.ASCII)
_SPELLING = re.compile(r"(\{\{secret_\w+)\|\w+\}\}")
_TEXT_SAMPLE = 1_024
_SEARCHED = 2 << 20  # characters; in longer texts only the usual spellings are found
_CREDENTIAL = r"(?:[\w-]*[_-])?(?:token|sid|session|sessionid|auth|jwt|api_?key|secret)(?:[_-]?id)?"
_NAMED = re.compile(rf"(?i){_CREDENTIAL}|\w*(?:Token|Session|SessionId|Auth|ApiKey)")
_IN_JSON = re.compile(r'"([\w-]{1,40})"\s*:\s*"([\w.~+/=-]{16,4096})"')
_JWT = re.compile(r"(eyJ[\w-]+\.[\w-]+\.)([\w-]{16,})")
_SHORTEST = 8
_MOST = 300
_LETTERS = string.ascii_letters + string.digits

Change = Callable[[str], str]


class Veil:
    """Hides the secrets of one task in its exchanges, and fills them in again.

    Args:
        secrets: Each value, and the name of its parameter.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        for value, name in secrets.items():
            plain = "secret_" + _NOT_OF_A_NAME.sub("_", name)
            number = sum(each == plain or each.startswith(f"{plain}__") for each in self._names.values())
            self._names[value] = f"{plain}__{number}" if number else plain
        self.placeholders = Placeholders({name: value for value, name in self._names.items()})
        self._search = SpellingSearch(self._names) if self._names else None
        # What a page says that looks like a name, which would be filled in.
        self._like_names = re.compile(rf"\{{\{{(?==*(?:{'|'.join(self._names.values())})(?:\||\}}\}}))")

    def hide(self, text: str) -> str:
        """Return a text without secrets; a short one is hidden as a whole token only."""
        if self._search is None:
            return text
        if len(text) > _SEARCHED:
            return str(self.placeholders.hide(text))
        parts, last = list[str](), 0
        for start, end, name in self._search.spans(text):
            spelled = str(self.placeholders.hide(text[start:end]))
            parts += [self._escaped(text[last:start]), spelled if spelled.startswith("{{") else f"{{{{{name}}}}}"]
            last = end
        return "".join((*parts, self._escaped(text[last:])))

    def _escaped(self, text: str) -> str:
        return self._like_names.sub("{{=", text)

    def hide_sent(self, sent: Sent) -> Sent:
        """Return a request without secrets. Its spellings are left out: another value may be spelled otherwise."""
        return sent if self._search is None else changed_request(sent, lambda t: _SPELLING.sub(r"\1}}", self.hide(t)))

    def fill(self, received: Received) -> Received:
        """Return an answer with the secrets that it was recorded without."""
        return received if self._search is None else changed_answer(received, self.placeholders.fill)


class Disguise:
    """Made-up values in the place of cookies that pages cannot read, of sessions and of tokens.

    The same value gets the same one everywhere, so that what belongs together still does.
    """

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._using = threading.Lock()

    def learn(self, received: Received) -> None:
        """Note what an answer gives to whoever logs in."""
        found = [
            value
            for name, text in received.headers
            if name.lower() == "set-cookie" and (value := _credential_of(text)) is not None
        ]
        if len(received.body) <= _SEARCHED and b"\0" not in received.body[:_TEXT_SAMPLE]:
            text = received.body.decode("utf-8", "surrogateescape")
            found += [signed[2] for signed in _JWT.finditer(text)]
            found += [
                value for name, value in _IN_JSON.findall(text) if _NAMED.fullmatch(name) and not _JWT.match(value)
            ]
        with self._using:
            new = [each for each in found if each not in self._made][: _MOST - len(self._made)]
            for value in new:
                self._made[value] = "".join(secrets.choice(_LETTERS) for _ in value)
            if new:
                longest_first = sorted(self._made, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def put_on(self, text: str) -> str:
        """Return a text with the made-up values."""
        pattern = self._pattern
        return text if pattern is None else pattern.sub(lambda found: self._made[found[0]], text)


def _credential_of(cookie: str) -> str | None:
    """Return the value of a cookie that no page reads, or that is called a session or a token."""
    pair, *attributes = cookie.split(";")
    name, _, value = pair.partition("=")
    value = value.strip().strip('"')
    hidden = any(each.strip().lower() == "httponly" for each in attributes)
    return value if len(value) >= _SHORTEST and (hidden or _NAMED.fullmatch(name.strip())) else None


def changed_request(sent: Sent, change: Change) -> Sent:
    """Return a request whose texts were changed."""
    headers = tuple((name, change(value)) for name, value in sent.headers)
    return Sent(sent.method, change(sent.url), headers, _changed(sent.body, change))


def changed_answer(received: Received, change: Change) -> Received:
    """Return an answer whose texts were changed."""
    headers = tuple((name, change(value)) for name, value in received.headers)
    return Received(received.status, headers, _changed(received.body, change), received.end, received.refusal)


def _changed(body: bytes, change: Change) -> bytes:
    if not body or b"\0" in body[:_TEXT_SAMPLE]:
        return body
    return change(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
