"""The totals that one text unit of a page states, in any of many languages.

A unit is what a reader sees as one text, so a number and a word from two elements are never taken for one statement.
"""

from __future__ import annotations

import re
from functools import cache

from sandbox.paging import MOST_DIGITS, NUMBER, stated_totals

_TO = r"[-\u2013\u2014~\uff5e]|bis|à|al?|t\/m|tot|til|\u0434\u043e"
_OF = r"von|sur|de|di|van|av|af|z|\u0438\u0437|\/"
RANGE = rf"\d\s*(?:to|{_TO})\s*\d[\d.,]*\s*(?:of|out of|{_OF})\s*\D{{0,12}}\d"
"""The rows that are shown, of all, as in "Treffer 1-20 von 47": a pattern for Python and JavaScript, in any case."""
_NOUN = (
    r"ergebnisse?|treffer|eintr[äa]ge?|artikel|produkte?|datens[äa]tze?"  # German
    r"|r[ée]sultats?|[ée]l[ée]ments?|articles?|produits?|annonces?"  # French
    r"|resultados?|elementos?|art[íi]culos?|productos?|registros?|itens"  # Spanish, Portuguese
    r"|risultati?|elementi|prodotti|articoli"  # Italian
    r"|resultaten|producten|artikelen|r[eæä]sultater|treff|produkter|varer|tr[äa]ffar|tuotetta|tulosta"  # Dutch, Nordic
    r"|wynik(?:i|ów)|produkt(?:y|ów)|v[ýy]sledk[yůu]|polo[žz]ek|tal[áa]lat|rezultate|sonu[çc]"  # Polish, Czech, …
    r"|\u0440\u0435\u0437\u0443\u043b\u044c\u0442\u0430\u0442\w{0,2}"  # Russian
)
_TOTALS = (
    rf"\d+\s*(?:{_TO})\s*\d+\s+(?:{_OF})\s+{NUMBER}",  # "Treffer 1-20 von 47", "11 a 20 de 47"
    rf"(?<![\d.,$€£/-])\b{NUMBER}\s+(?:{_NOUN})\b",
    rf"\b(?:{_NOUN}|gesamt|insgesamt|total|totaal|razem|\u0432\u0441\u0435\u0433\u043e)\s*:\s*{NUMBER}(?![\d.,]*\d)",
    r"[共全총計]\s*(\d[\d,]*)",
    r"(?<![\d,~\uff5e-])(\d[\d,]*)\s*(?:件|条|個|项|項|개|건)(?!目)",
)
# "Showing 1 to 10 of 57 entries (filtered from 1,000 total entries)": the second is not the total of what is shown.
_UNFILTERED = (
    r"[(\uff08,;]?\s*\b(?:filtered|gefiltert|filtr[ée]e?s?|filtrad[oa]s?|filtrat[oi]|gefilterd)\b[^()\n]*[)\uff09]?"
)


@cache
def _patterns() -> tuple[re.Pattern[str], list[re.Pattern[str]]]:
    """Return the patterns of what is left out, and of totals; workers, which import this, never use them."""
    return re.compile(_UNFILTERED, re.I), [re.compile(pattern, re.I) for pattern in _TOTALS]


def totals_of_unit(text: str) -> list[tuple[str, int]]:
    """Return the totals that a text unit states, each with its wording.

    >>> totals_of_unit("Showing 1 to 10 of 57 entries (filtered from 1,000 total entries)")
    [('1 to 10 of 57 entries', 57)]
    >>> totals_of_unit("Treffer 1-20 von 1.247"), totals_of_unit("共 47 条")
    ([('1-20 von 1.247', 1247)], [('共 47', 47)])
    """
    found = list[tuple[str, int]]()
    unfiltered, totals = _patterns()
    for part in unfiltered.sub("\n", text).split("\n"):
        known = stated_totals(part)
        numbers = {number for _, number in known}
        found += known
        for pattern in totals:
            for match in pattern.finditer(part):
                digits = re.sub(r"\D", "", match[1])
                if len(digits) <= MOST_DIGITS and int(digits) not in numbers:
                    numbers.add(int(digits))
                    found.append((match[0].strip()[:80], int(digits)))
    return found
