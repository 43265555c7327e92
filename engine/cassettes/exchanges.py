"""The recorded exchanges of a cassette, each handed out in its turn."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from engine.cassettes.content import Exchange
from engine.cassettes.matching import Key, key_of, same_variant, variant_of
from engine.cassettes.options import CassetteOptions
from engine.task.text import shorten
from sandbox.egress.tape import MESSAGE, Sent
from sandbox.http_methods import SAFE

_MOST_COMPARED = 500
_LONGEST_COMPARED = 300
_LONGEST_BODY = 120


class Exchanges:
    """The exchanges, by what equal requests have in common.

    Equal requests get their answers in the order of the recording. One that is made more often than it was recorded
    gets the last answer again if it only reads; one that may change something is answered as often as it was recorded.

    Args:
        recorded: All of them.
        body: Returns a body by its hash.
        options: What is not compared.
    """

    def __init__(self, recorded: Sequence[Exchange], body: Callable[[str], bytes], options: CassetteOptions) -> None:
        self._recorded = recorded
        self._body = body
        self._options = options
        self._found: dict[Key, list[Exchange]] = {}
        self._played: set[int] = set()
        for each in recorded:
            key = key_of(
                each.method, each.url, each.content_type, body(each.body), each.variant.get("range", ""), options
            )
            self._found.setdefault(key, []).append(each)

    def take(self, sent: Sent) -> Exchange | None:
        """Return the exchange whose turn it is for a request; None if there is none."""
        equal = self._found.get(self._key(sent), [])
        variant = variant_of(sent)
        alike = [each for each in equal if same_variant(each.variant, variant, self._options.ignore_headers)]
        for those in (alike, equal):
            fresh = next((each for each in those if id(each) not in self._played), None)
            if fresh is not None:
                self._played.add(id(fresh))
                return fresh
            # a message that was sent more than once is a page's heartbeat
            if those and (sent.method in SAFE or (sent.method == MESSAGE and len(those) > 1)):
                return those[-1]
        return None

    def _key(self, sent: Sent) -> Key:
        content_type, part = sent.header("content-type") or "", sent.header("range") or ""
        return key_of(sent.method, sent.url, content_type, sent.body, part, self._options)

    def explain(self, sent: Sent) -> tuple[str, str | None]:
        """Return what a request lacks that was not found, and the nearest recorded one as its method and URL."""
        times = len(self._found.get(self._key(sent), []))
        if times:
            return f"was recorded {times} times, and this run sends it once more", f"{sent.method} {sent.url}"
        same = [each for each in self._recorded if (each.method, each.url) == (sent.method, sent.url)]
        if same:
            bodies = [shorten(repr(body.decode("utf-8", "replace")), _LONGEST_BODY) for body in (
                sent.body, self._body(same[-1].body)
            )]  # fmt: skip
            return f"was recorded with another body: {bodies[1]}, and not {bodies[0]}", same[-1].name
        nearest = self._nearest(sent)
        return "was not recorded", nearest

    def _nearest(self, sent: Sent) -> str | None:
        host = _host(sent.url)
        found = [each for each in self._recorded if _host(each.url) == host] or self._recorded
        names = {each.name[:_LONGEST_COMPARED]: each.name for each in found[-_MOST_COMPARED:]}
        wanted = f"{sent.method} {sent.url}"[:_LONGEST_COMPARED]
        nearest = difflib.get_close_matches(wanted, names, 1, 0.0)
        return names[nearest[0]] if nearest else None


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
