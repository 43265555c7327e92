"""Text operations that several packages share."""

from __future__ import annotations


def collapse(text: str) -> str:
    r"""Put a text on one line, with one space between words.

    >>> collapse("  two\n\t lines ")
    'two lines'
    """
    return " ".join(text.split())


def comparable(text: str) -> str:
    r"""Return the form in which two texts are compared that differ by case and white space only.

    >>> comparable("Straße\n 5") == comparable("STRASSE 5")
    True
    """
    return collapse(text).casefold()


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most ``limit`` characters, the ellipsis at its end included.

    >>> shorten("short", 5), shorten("longer", 5)
    ('short', 'long…')
    """
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def shorten_at_word(text: str, limit: int) -> str:
    """Cut a text like ``shorten``, but between words where there are any in its last third.

    >>> shorten_at_word("the price of each book", 18), shorten_at_word("x" * 20, 5)
    ('the price of each…', 'xxxx…')
    >>> shorten_at_word("the price of each book", 19), shorten_at_word("price, and name", 8)
    ('the price of each…', 'price…')
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if not text[limit - 1].isspace() and (at := kept.rfind(" ")) >= 2 * limit // 3 - 1:
        kept = kept[:at]
    return kept.rstrip(" ,;:\u2013\u2014-(") + "…"
