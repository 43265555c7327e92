"""The words by which pages plainly say that they have nothing to list, in several languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST = 200  # characters of a message; it is short
_NONE = r"(?:no|zero|0|nothing|none|not\s+any|any|without)"
_THINGS = (
    r"(?:results?|match(?:es|ed|ing)?|found|records?|entr(?:y|ies)|items?|hits?|rows?|products?|listings?|data|documents?"
    r"|to\s+(?:show|display|see))"
)
_PLAIN = re.compile(
    rf"\b{_NONE}\s+(?:[\w'-]+\s+){{0,4}}?{_THINGS}\b|\b(?:did|do|does|could|was|were)(?:\s+not|n['’]t)\s+(?:match|find|return)\b"  # noqa: RUF001  as pages write it
    r"|\bnothing\s+(?:matches|matched|here)\b"
    r"|\bkeine?\b[^.!?]{0,40}\b(?:gefunden|ergebnis\w*|treffer|einträge|daten)|\b(?:nichts|leider\s+nicht)\s+gefunden"
    r"|\baucune?\b[^.!?]{0,40}\b(?:résultats?|trouvée?s?|correspond\w*)|\bning[uú]na?\b[^.!?]{0,40}\bresultados?\b"
    r"|\bno\s+se\s+(?:encontr|han\s+encontr)\w+|\bsin\s+resultados\b|\bnessun[ao]?\b[^.!?]{0,40}\b(?:risultat\w+|trovat\w+)"
    r"|\bgeen\b[^.!?]{0,40}\b(?:resultaten|gevonden|treffers)|\bnenhuma?\b[^.!?]{0,40}\b(?:resultados?|encontrad\w+)"
    r"|見つかりません|該当.{0,12}(?:ありません|なし)|没有找到|未找到|无结果",
    re.IGNORECASE,
)


def says_plainly(text: str) -> bool:
    """Return True for a message that nothing was found.

    >>> says_plainly("Sorry, no products matched your search."), says_plainly("Es wurden keine Treffer gefunden")
    (True, True)
    >>> says_plainly("No password given"), says_plainly("The service did not answer")
    (False, False)
    >>> says_plainly("No such station")  # the site does not know the value
    False
    """
    return len(text) <= _LONGEST and _PLAIN.search(text) is not None


def plain_lines(text: str) -> Iterator[str]:
    """Yield the lines of a page's text that say so, each by itself.

    >>> list(plain_lines("Search\\n  No results  \\nHelp"))
    ['No results']
    """
    yield from filter(says_plainly, map(str.strip, text.splitlines()))
