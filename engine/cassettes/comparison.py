"""The comparison of two cassettes: exchanges that were added, are gone, or have another answer."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from engine.cassettes.content import CassetteFile, Exchange
from engine.cassettes.matching import Key, key_of
from engine.cassettes.options import CassetteOptions
from engine.task.formatting import one_line

_MOST_LINES = 12
_LONGEST_LINE = 160
_MOST_TEXT = 1 << 20


@dataclass(frozen=True)
class Difference:
    """An exchange that differs.

    Args:
        sign: ``+`` where only the newer cassette has it, ``-`` where only the older one has, ``~`` where the answers
            differ.
        name: Method and URL.
        note: The answer, or the two.
        lines: The first lines that differ, as in a unified diff; none where the body is no text.
    """

    sign: str
    name: str
    note: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"{self.sign} {self.name}  {self.note}", *(f"    {line}" for line in self.lines)))


def compare(old: CassetteFile, new: CassetteFile) -> list[Difference]:
    """Return the differences of two cassettes, those of equal requests in their order."""
    options = new.content.options.joined(old.content.options)
    before, after = _by_key(old, options), _by_key(new, options)
    found: list[Difference] = []
    for key in dict.fromkeys((*before, *after)):
        ours, theirs = before.get(key, []), after.get(key, [])
        for one, other in zip(ours, theirs, strict=False):
            if _answer(one) != _answer(other):
                lines = tuple(_changed_lines(old.body(one.answer), new.body(other.answer)))
                found.append(Difference("~", other.name, _both(outcome(one), outcome(other)), lines))
        found += [Difference("-", each.name, outcome(each)) for each in ours[len(theirs) :]]
        found += [Difference("+", each.name, outcome(each)) for each in theirs[len(ours) :]]
    said, says = ([(each.model, each.answer) for each in file.content.answers] for file in (old, new))
    if said != says:
        found.append(Difference("~", "answers of the model", _both(str(len(said)), str(len(says)))))
    return found


def outcome(exchange: Exchange) -> str:
    """Return what came of an exchange, in a word or two."""
    if exchange.refusal:
        return exchange.refusal
    kind = next((value for name, value in exchange.headers if name.lower() == "content-type"), "")
    broken = {"complete": "", "client": ", left by the page", "server": ", broken off"}[exchange.end]
    return " ".join(filter(None, (str(exchange.status), kind.partition(";")[0]))) + broken


def _by_key(file: CassetteFile, options: CassetteOptions) -> dict[Key, list[Exchange]]:
    found: dict[Key, list[Exchange]] = {}
    for each in file.content.exchanges:
        part = each.variant.get("range", "")
        key = key_of(each.method, each.url, each.content_type, file.body(each.body), part, options)
        found.setdefault(key, []).append(each)
    return found


def _answer(exchange: Exchange) -> tuple[int, str, str]:
    return exchange.status, exchange.answer, exchange.refusal


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} -> {other}"


def _changed_lines(old: bytes, new: bytes) -> Iterator[str]:
    if len(old) + len(new) > _MOST_TEXT:
        return
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return
    compared = difflib.unified_diff(before, after, n=0, lineterm="")
    changed = [line for line in compared if line[0] in "+-" and line[1:].strip() and line[:3] not in ("+++", "---")]
    yield from (one_line(line, _LONGEST_LINE) for line in changed[:_MOST_LINES])
    if len(changed) > _MOST_LINES:
        yield f"… {len(changed) - _MOST_LINES} further lines"
