"""A bound on the time of foreign regular expressions: the number and nesting of their repetitions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

_ENDLESS = 100  # repetitions; that many are as good as no limit
_TOKEN = re.compile(
    r"""
    (?P<escape>\\(?:N\{[^}]*\}|x..|u.{4}|U.{8}|0[0-7]{0,2}|[1-9][0-9]?|.))
  | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
  | (?P<comment>\(\?\#(?:\\.|[^)\\])*\))
  | (?P<flags>\(\?[aiLmsux]+\))
  | (?P<backreference>\(\?P=\w+\))
  | (?P<open>\((?:\?(?:P<\w+>|\(\w+\)|<?[=!]|[:>]|[aiLmsux]*(?:-[imsx]+)?:))?)
  | (?P<close>\))
  | (?P<branch>\|)
  | (?P<repeat>(?:[*+?]|\{(?P<exactly>[0-9]+)\}|\{[0-9]*,(?P<most>[0-9]*)\})[?+]?)
  | (?P<character>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What matches one character, spelled in the one way in which no other item here means the same: two alternatives that
# are the same are as bad under a repetition as longer ones.
_ONE_OF_A_SET = re.compile(r"[^.^$\\]|\\[dDsSwW.^$*+?()|\[\\]|\[(?!\^)(?:([^\\])(?!.*\1)){2,}\]", re.DOTALL)
_COMMENT_IN_VERBOSE = re.compile(r"\#(?:\\.|[^\n\\])*\n?|[ \t\n\r\f\v]+", re.DOTALL)


class Repetitions(NamedTuple):
    """The repetitions without a limit in an expression.

    Two that follow each other take time in the square of the text's length, three in its cube. Nested ones can take
    exponential time, and so can a repetition of alternatives, which counts as one repetition nested in another.
    """

    total: int
    nesting: int


def repetitions(pattern: str) -> Repetitions:
    """Count the repetitions of an expression, and how deeply they are nested.

    Raises:
        re.error: The pattern is not a regular expression.

    >>> repetitions(r"^\\d+ of \\d+$"), repetitions("^(a+)+$")
    (Repetitions(total=2, nesting=1), Repetitions(total=2, nesting=2))
    """
    try:
        re.compile(pattern)
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error), pattern) from None
    whole = _read(pattern)
    nestings = [*whole.repeats, *(above + 1 for above in whole.branches if above)]
    return Repetitions(len(nestings), max(nestings, default=0))


@dataclass(frozen=True)
class _Item:
    """A part of an expression to which a quantifier applies: a character, a set, or a group.

    Args:
        source: Its text, where no quantifier follows; empty for a group.
        single: It matches one character out of a set.
        repeats: By repetition without a limit in it, how many of them are nested there, itself included.
        branches: By list of alternatives in it, how many such repetitions are around it.
    """

    source: str = ""
    single: bool = False
    repeats: tuple[int, ...] = ()
    branches: tuple[int, ...] = ()

    def repeated(self, quantifier: re.Match[str]) -> _Item:
        most = quantifier["exactly"] or quantifier["most"] or ("1" if quantifier[0][0] == "?" else "")
        item = replace(self, source="", single=False)
        if most and int(most) < _ENDLESS:
            return item
        return replace(
            item,
            repeats=(1, *(nested + 1 for nested in self.repeats)),
            branches=tuple(above + 1 for above in self.branches),
        )


@dataclass
class _Group:
    """A group that is being read, or the whole expression.

    Args:
        verbose: White space and comments in it mean nothing.
        alternatives: Lists of items, the last one unfinished.
    """

    verbose: bool = False
    alternatives: list[list[_Item]] = field(default_factory=lambda: [[]])

    def to_item(self) -> _Item:
        """Return the group as one item of the group around it."""
        found: list[_Item] = []
        # What all alternatives begin with is matched once, whichever of them follows.
        while all(self.alternatives) and len({(each[0].source or id(each[0])) for each in self.alternatives}) == 1:
            found.append(self.alternatives[0][0])
            self.alternatives = [each[1:] for each in self.alternatives]
        is_set = all(len(each) == 1 and each[0].single for each in self.alternatives)
        branches = (0,) if len(self.alternatives) > 1 and not is_set else ()
        found += [item for each in self.alternatives for item in each]
        return _Item(
            repeats=tuple(nested for item in found for nested in item.repeats),
            branches=(*branches, *(above for item in found for above in item.branches)),
        )


def _read(pattern: str) -> _Item:
    """Read an expression that is known to be valid."""
    groups = [_Group()]
    at = 0
    while at < len(pattern):
        group = groups[-1]
        if group.verbose and (blank := _COMMENT_IN_VERBOSE.match(pattern, at)):
            at = blank.end()
            continue
        token = _TOKEN.match(pattern, at)
        assert token is not None, "any character is a token"
        at = token.end()
        items, text = group.alternatives[-1], token[0]
        match token.lastgroup:
            case "flags":
                group.verbose = group.verbose or "x" in text
            case "open":
                turned_on, _, turned_off = text.partition("-")
                named = text.startswith(("(?P", "(?("))
                verbose = (group.verbose or ("x" in turned_on and not named)) and "x" not in turned_off
                groups.append(_Group(verbose))
            case "close":
                groups.pop()
                groups[-1].alternatives[-1].append(group.to_item())
            case "branch":
                group.alternatives.append([])
            case "repeat":
                items[-1] = items[-1].repeated(token)
            case "escape" | "set" | "backreference" | "character":
                items.append(_Item(text, single=_ONE_OF_A_SET.fullmatch(text) is not None))
    return groups[0].to_item()


_INLINE_FLAGS = re.compile(r"\(\?[aiLmsux-]*[ix]")
_LONGEST_CHEAP = 300
_MOST = 10**12  # as good as endless


def is_cheap_to_compile(pattern: str) -> bool:
    """Return True for a short pattern; in any case, a set that spans all of Unicode alone takes a third of a second."""
    return len(pattern) <= _LONGEST_CHEAP and _INLINE_FLAGS.search(pattern) is None


@lru_cache(maxsize=1024)
def most_steps(pattern: str, length: int) -> int:
    """Return a bound on the ways in which an expression that is cheap to compile is tried on a text of this length.

    Raises:
        re.error: The pattern is not a regular expression.

    >>> most_steps(r"^\\d{4}-\\d\\d$", 7), most_steps("^(a+)+$", 30) > 10**9
    (1, True)
    """
    re.compile(pattern)
    groups: list[list[list[_Ways]]] = [[[]]]
    for token in _TOKEN.finditer(pattern):
        alternatives = groups[-1]
        match token.lastgroup:
            case "open":
                groups.append([[]])
            case "close":
                groups[-2][-1].append(_Ways(_sum(groups.pop()), group=True))
            case "branch":
                alternatives.append([])
            case "repeat":
                alternatives[-1][-1] = alternatives[-1][-1].repeated(token, length)
            case "escape" | "set" | "backreference" | "character":
                alternatives[-1].append(_Ways())
    begins = 1 if pattern.startswith("^") and len(groups[0]) == 1 else length + 1
    return min(_MOST, begins * _sum(groups[0]))


class _Ways(NamedTuple):
    """The number of ways in which a part of an expression may match at one place."""

    number: int = 1
    group: bool = False

    def repeated(self, quantifier: re.Match[str], length: int) -> _Ways:
        least, most = 0, length
        if quantifier["exactly"]:
            least = most = int(quantifier["exactly"])
        elif quantifier[0][0] == "?":
            most = 1
        elif quantifier[0][0] == "{":
            most = int(quantifier["most"]) if quantifier["most"] else length
        choices = max(1, min(most, length + 1) - least + 1) if most != least else 1
        # A group that may be empty is repeated as often as it says, however short the text is.
        times = most if self.group and most != length else 1
        number = _MOST if self.number > 1 and most * self.number.bit_length() > 80 else self.number**most
        return _Ways(min(_MOST, number * choices * max(1, times)), group=True)


def _sum(alternatives: list[list[_Ways]]) -> int:
    return min(_MOST, sum(math.prod(part.number for part in each) for each in alternatives))
