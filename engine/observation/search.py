"""Search in a simplified tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.observation.aria import Node
from engine.task.regex_safety import is_cheap_to_compile, most_steps, repetitions

_LONGEST = 2_000
_MOST_REPETITIONS = 2  # in sequence; more take minutes on a long line
_SAMPLE, _MOST_STEPS = 40, 10_000_000  # what is worse on a short text has no end on a long one
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


@dataclass(frozen=True)
class Match:
    """A matching node, and the elements around it, outermost first."""

    node: Node
    path: tuple[Node, ...]


@dataclass(frozen=True)
class SearchResult:
    """The matches of a search.

    Args:
        all_words: False if the matches have only some of the words.
    """

    matches: tuple[Match, ...]
    all_words: bool = True


def find(root: Node, query: str) -> SearchResult:
    """Return the smallest parts of the page that match all words of the query, or a regular expression, in any case.

    Words are searched for in roles, names, texts, values, URLs, placeholders and states. A query with special
    characters is tried as a regular expression first; slashes around it are allowed. An expression that could take
    exponential time is taken as words.
    """
    for test in (*_expressions(query), _all_of(query)):
        if matches := _search(root, test):
            return SearchResult(tuple(matches))
    words = query.casefold().split()
    if len(words) > 1 and (matches := _search(root, lambda text: any(word in text.casefold() for word in words))):
        return SearchResult(tuple(matches), all_words=False)
    return SearchResult(())


def _all_of(query: str) -> Callable[[str], bool]:
    words = query.casefold().split()
    return lambda text: bool(words) and all(word in text.casefold() for word in words)


def _expressions(query: str) -> list[Callable[[str], bool]]:
    source = query.strip()
    if len(source) > 2 and source.startswith("/") and re.search(r"/[a-z]*$", source[1:]):
        source = source[1 : source.rindex("/")]
    elif not _SPECIAL.search(source):
        return []
    source = source.removeprefix("(?i)")  # they are in any case anyway
    if len(source) > 200:
        return []
    try:
        found = repetitions(source)
        pattern = re.compile(source, re.IGNORECASE)
    except re.error:
        return []
    if found.total > _MOST_REPETITIONS or found.nesting > 1 or not is_cheap_to_compile(source):
        return []
    if most_steps(source, _SAMPLE) > _MOST_STEPS:  # repetitions with a limit, one in another
        return []
    return [lambda text: bool(pattern.search(text))]


def _search(root: Node, test: Callable[[str], bool]) -> list[Match]:
    matches: list[Match] = []

    def visit(node: Node, path: tuple[Node, ...]) -> tuple[str, bool]:
        """Return the text of a node and all below it, and True if there was a match in it."""
        texts, inside = [_own(node)], False
        for child in node.children:
            text, found = visit(child, (*path, node))
            texts.append(text)
            inside = inside or found
        text = " ".join(texts)[:_LONGEST]
        if inside and (node.role == "page" or not test(texts[0])):
            return text, True
        if node.role != "page" and test(text):
            at = len(matches)
            while at and any(above is node for above in matches[at - 1].path):
                at -= 1
            matches.insert(at, Match(node, path))
            return text, True
        return text, inside

    visit(root, ())
    return _promoted(matches)


def _own(node: Node) -> str:
    role = "" if node.role in ("text", "generic") else node.role
    parts = (role, node.name, *node.states, node.url or "", node.placeholder or "", node.note)
    return " ".join(part for part in parts if part)


def _promoted(matches: list[Match]) -> list[Match]:
    """Replace matches by the control that they belong to, else by the nearest element with a ref; each once."""
    promoted: list[Match] = []
    seen: set[int] = set()
    for match in matches:
        node, path = match.node, match.path
        chain = (*path, node)
        for above in range(len(chain) - 1, max(-1, len(chain) - 5), -1):
            if chain[above].is_control:
                node, path = chain[above], chain[:above]
                break
        else:
            if not node.ref and path and path[-1].ref and len(path[-1].children) <= 3:
                node, path = path[-1], path[:-1]
        if id(node) not in seen:
            seen.add(id(node))
            promoted.append(Match(node, path))
    return promoted
