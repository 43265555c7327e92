"""Revisions of a bundle and their commit messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import InvalidRequest
from engine.task.text import collapse, shorten_at_word

_LONGEST_SUBJECT = 120  # characters
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# Always written last, so that no paragraph of a task's text can be taken for the engine's trailers.
_FORMAT_TRAILER = ("Bundle-Format", "1")


@dataclass(frozen=True)
class Revision:
    """One commit of a bundle.

    Args:
        id: Full id of the commit, 40 hex digits.
        tree: Id of its files; two revisions with the same tree hold the same files.
        parent: Id of the revision before it; None for the first.
        subject: First line of the message.
        body: The message without subject and trailers.
        trailers: Facts at the end of the message, such as ``Task-Id``, ``Model``, ``Cost-Usd``, ``Reason``.
        timestamp: Time of the commit, UTC.
        author: Its author, as ``Name <address>``.
    """

    id: str
    tree: str
    parent: str | None
    subject: str
    body: str
    trailers: Mapping[str, str]
    timestamp: datetime
    author: str

    @property
    def short(self) -> str:
        """The first ten digits of the id."""
        return self.id[:10]


def parse_commit(commit_id: str, raw: bytes) -> Revision:
    """Parse a git commit object.

    Raises:
        ValueError: The bytes are no commit.
    """
    head, _, message = raw.decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, str] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        if name:  # a line that starts with a space continues a signature
            fields.setdefault(name, value)
    if not {"tree", "author", "committer"} <= fields.keys():
        raise ValueError(f"object {commit_id} is not a commit")
    author = fields["author"].rsplit(" ", 2)[0]
    seconds = int(fields["committer"].rsplit(" ", 2)[1])
    subject, body, trailers = _parse_message(message)
    return Revision(
        id=commit_id,
        tree=fields["tree"],
        parent=fields.get("parent"),
        subject=subject,
        body=body,
        trailers=trailers,
        timestamp=datetime.fromtimestamp(seconds, UTC),
        author=author,
    )


def format_message(subject: str, body: str = "", trailers: Mapping[str, str] | None = None) -> str:
    """Return a commit message from whose text :func:`parse_commit` restores the parts, whatever they hold.

    Raises:
        InvalidRequest: The subject is empty, or a trailer's name is not letters, digits and dashes.
    """
    first = _line(subject)
    if not first:
        raise InvalidRequest("a commit needs a subject", field="subject")
    lines = []
    for name, value in (*(trailers or {}).items(), _FORMAT_TRAILER):
        if _TRAILER.fullmatch(f"{name}: ") is None:
            raise InvalidRequest(f"{name!r} cannot name a trailer: letters, digits and dashes", field="trailers")
        lines.append(f"{name}: {_line(str(value))}")
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", body.replace("\r\n", "\n")).strip()
    return (
        "\n\n".join(part for part in (shorten_at_word(first, _LONGEST_SUBJECT), text, "\n".join(lines)) if part) + "\n"
    )


def _line(text: str) -> str:
    return collapse(_CONTROL.sub(" ", text))


def _parse_message(message: str) -> tuple[str, str, dict[str, str]]:
    subject, _, rest = message.strip("\n").partition("\n")
    body, _, last = ("\n" + rest.strip("\n")).rpartition("\n\n")
    found = [_TRAILER.fullmatch(line) for line in last.strip("\n").split("\n")]
    matches = [match for match in found if match is not None]
    if not matches or len(matches) < len(found):
        return subject, rest.strip("\n"), {}
    trailers = {match[1]: match[2] for match in matches if match[1] != _FORMAT_TRAILER[0]}
    return subject, body.strip("\n"), trailers
