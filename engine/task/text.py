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
