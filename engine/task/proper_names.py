"""Proper names in a task's text, which look like inputs although nobody quoted them: "departures from Newport"."""

from __future__ import annotations

import re

_MOST = 3  # of more, the text names labels or columns
_MOST_WORDS = 5
_TOKEN = re.compile(r"[^\W\d_][\w'’.-]*|\d+|&")  # noqa: RUF001  as people write it
_SENTENCE = re.compile(r"(?:^|[.!?:;\n•*]|\s-)\s*[\"“(]?$")
_WITHIN = "of de del della di da do dos du la le van von der den ter ten upon sur y"
_FUNCTIONS = "from to the and of in for with all by on at each their its a an or then per"
_LABELS = """
button tab link page menu field column section table form dialog checkbox box heading option view panel website site
web app application portal dashboard admin format file files style
name names title titles translation spelling
"""
_SHOUTED = """
not no only must never always do don't exactly any every if but csv tsv xls xlsx pdf json xml html rss url
urls uri id ids api utc gmt iso vat faq sku ean isbn issn doi ip pin ok am pm tv pc ceo cfo cto gdp sql http
https ui uuid
"""
_ADDRESSED = "dr prof mr mrs ms st sr jr inc ltd co corp"
_GERMAN = "der die das den dem des und alle aller ein eine einen für mit von vom zum zur im ist nach auf welche zeige"
_PARTICLES, _FUNCTION_WORDS = frozenset(_WITHIN.split()), frozenset(_FUNCTIONS.split())
_LABELLED = frozenset(_LABELS.split())  # follow a label of the page, the name of the site, or a language
_NO_CODES = _FUNCTION_WORDS | frozenset(_SHOUTED.split())  # in capitals for their weight, or as usual
_ABBREVIATED = frozenset(_ADDRESSED.split())  # whose stop ends no name
_OF_CAPITALS = frozenset(_GERMAN.split())  # where all nouns have capitals, one tells nothing


def proper_names(text: str, host: str = "") -> list[tuple[int, str]]:
    """Return where in a text proper names begin, and the names.

    Args:
        host: That of the site, whose own name is no input.

    >>> proper_names("List the departures from Newport to Cardiff Central, with their platform")
    [(25, 'Newport'), (36, 'Cardiff Central')]
    >>> proper_names("Find the University of Leeds in the ranking and click the Details link. Read the PDF.")
    [(9, 'University of Leeds')]
    >>> proper_names("Get the price of an iPhone 15 Pro at Marks & Spencer in USD, as CSV")
    [(20, 'iPhone 15 Pro'), (37, 'Marks & Spencer'), (56, 'USD')]
    >>> proper_names("Zeige alle Bestellungen aus dem Lager und den Preis")
    []
    >>> proper_names("List the columns Name, Town, Price and Size")
    []
    >>> proper_names("For the given plant: its height in cm, Latin name, status")
    []
    """
    tokens = list(_TOKEN.finditer(text))
    lower = {token[0] for token in tokens}
    if len(lower & _OF_CAPITALS) > 1 or _is_title(text, tokens):
        return []
    found, at = [], 0
    while at < len(tokens):
        last = _end(text, tokens, at)
        if last is None:
            at += 1
            continue
        start, end = tokens[at].start(), tokens[last].end()
        name = re.sub(r"['’]s?$", "", text[start:end].rstrip(".-"))  # noqa: RUF001  as people write it
        follows = tokens[last + 1][0].lower().rstrip(".'-") if last + 1 < len(tokens) else ""
        labelled = follows in _LABELLED and text[end : tokens[last + 1].start()] == " "
        if not labelled and re.sub(r"\W", "", name).lower() not in re.sub(r"[^\w.]", "", host.lower()):
            found.append((start, name))
        at = last + 1
    return found if len(found) <= _MOST else []


def is_name(value: str) -> bool:
    """Return True for a text of capitalized words, as proper names are, or of capitals, as codes are.

    >>> is_name("Cardiff Central"), is_name("University of Leeds"), is_name("winter"), is_name("Newport and Cardiff")
    (True, True, False, False)
    >>> is_name("MSFT"), is_name("eBay"), is_name("Marks & Spencer"), is_name("Dr. Ada O'Neil"), is_name("the North")
    (True, True, True, True, False)
    """
    words = value.split()
    if not words or len(words) > _MOST_WORDS or not _is_capital(words[0]) or words[-1] in _PARTICLES | {"&"}:
        return False
    return all(_is_capital(word) or word in _PARTICLES or word == "&" or word.isdigit() for word in words)


def _is_capital(word: str) -> bool:
    """Return True for a capitalized word, and for one like JFK or iPhone that is none of `_NO_CODES`."""
    if word[:1].isupper() and any(c.islower() for c in word[1:]):
        return True
    code = any(c.isupper() for c in word) and sum(c.isalpha() for c in word) > 1 and not any(c.isdigit() for c in word)
    return code and word.lower().strip(".'-") not in _NO_CODES


def _is_title(text: str, tokens: list[re.Match[str]]) -> bool:
    """Return True for a text that has capitals as a title has them, or nothing but capitals."""
    if text.isupper():
        return True
    inner = [token[0] for token in tokens if not _SENTENCE.search(text[: token.start()])]
    function = [word for word in inner if word.lower() in _FUNCTION_WORDS and not word.isupper()]
    capital = sum(word[0].isupper() for word in function)
    return capital > len(function) - capital


def _end(text: str, tokens: list[re.Match[str]], at: int) -> int | None:
    """Return the last token of the name that begins at one; None where none does."""
    if not _is_capital(tokens[at][0]) or _SENTENCE.search(text[: tokens[at].start()]):
        return None
    last, ahead = at, at + 1
    while ahead < len(tokens) and text[tokens[ahead - 1].end() : tokens[ahead].start()] in (" ", ""):
        before, word = tokens[ahead - 1][0], tokens[ahead][0]
        ended = before[-1] in "'’" or (before[-1] == "." and before[:-1].lower() not in _ABBREVIATED)  # noqa: RUF001  as people write it
        if ended or ahead - at >= _MOST_WORDS:
            break
        if _is_capital(word) or (word.isdigit() and _is_number_of_a_name(text, tokens, ahead)):
            last = ahead
        elif word not in _PARTICLES and word != "&":
            break
        ahead += 1
    return last


def _is_number_of_a_name(text: str, tokens: list[re.Match[str]], at: int) -> bool:
    """Return True for the number of "iPhone 15 Pro" or "Windows 11", and not of "Leeds 2 nights" or "Leeds 2024"."""
    if len(tokens[at][0]) > 2:
        return False
    follows = tokens[at + 1] if at + 1 < len(tokens) else None
    if follows is None or text[tokens[at].end() : follows.start()] != " ":
        return True
    return _is_capital(follows[0]) or follows[0] in _FUNCTION_WORDS
