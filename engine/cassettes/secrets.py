"""Secrets in a cassette: a name in the place of each value, which is filled in again from the task's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.models.recording_placeholders import Placeholders
from sandbox.egress.tape import Received, Sent

_SHORTEST = 4  # characters; a shorter value is part of anything
_NOT_OF_A_NAME = re.compile(r"\W+", re.ASCII)
_TEXT_SAMPLE = 1_024


class Veil:
    """Hides the secrets of one task in its exchanges, and fills them in again.

    Args:
        secrets: Each value, and the name of its parameter.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        named: dict[str, str] = {}
        for value, name in secrets.items():
            plain = "secret_" + _NOT_OF_A_NAME.sub("_", name)
            number = sum(other == plain or other.startswith(f"{plain}__") for other in named)
            if len(value) >= _SHORTEST:
                named[f"{plain}__{number}" if number else plain] = value
        self.placeholders = Placeholders(named)

    def hide_sent(self, sent: Sent) -> Sent:
        """Return a request without secrets."""
        hide = self.placeholders.hide
        headers = tuple((name, hide(value)) for name, value in sent.headers)
        return Sent(sent.method, hide(sent.url), headers, self.hide_body(sent.body))

    def hide_body(self, body: bytes) -> bytes:
        """Return a body without secrets."""
        return _changed(body, self.placeholders.hide) if self.placeholders.names else body

    def fill(self, received: Received) -> Received:
        """Return an answer with the secrets that it was recorded without."""
        if not self.placeholders.names:
            return received
        fill = self.placeholders.fill
        headers = tuple((name, fill(value)) for name, value in received.headers)
        body = _changed(received.body, fill)
        return Received(received.status, headers, body, received.end, received.refusal)


def _changed(body: bytes, change: object) -> bytes:
    assert callable(change)
    if b"\0" in body[:_TEXT_SAMPLE]:
        return body
    return str(change(body.decode("utf-8", "surrogateescape"))).encode("utf-8", "surrogateescape")
