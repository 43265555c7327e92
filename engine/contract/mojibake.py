"""Text whose bytes were read in the wrong encoding: what it looks like, and what it was."""

from __future__ import annotations

import re
from typing import Any

_PUNCTUATION = "\u2018\u2019\u201c\u201d\u201e\u201a\u2026\u2013\u2014\u2039\u203a\u00a0\u00ab\u00bb\u00b7"
# What the bytes 0x80 to 0xBF are in Latin-1 or in Windows-1252.
_WINDOWS = bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")
_REST = f"[\x80-\xbf{_WINDOWS}]"
_SURE = f"[\x80-\x9f\xa1-\xaa\xac-\xb6\xb8-\xba\xbc-\xbf{''.join(sorted(set(_WINDOWS) - set(_PUNCTUATION)))}]"
_CAPITAL = "A-Z\xc0-\xd6\xd8-\xde"
_SEQUENCE = f"(?:[\xc2-\xdf]{_REST}|[\xe0-\xef]{_REST}{{2}}|[\xf0-\xf4]{_REST}{{3}})"
_GARBLED = re.compile(
    "\ufffd"
    f"|\xe2[\x80\u20ac]{_REST}"  # quotation marks, dashes, an ellipsis
    f"|[\xc2-\xc5]{_SURE}"  # letters of the Latin alphabet with marks, and signs
    # A quotation mark may well follow a capital letter with a mark at the end of a word in capitals.
    f"|(?<![{_CAPITAL}])[\xc2\xc3]{_REST}(?![{_CAPITAL}])"
    f"|{_SEQUENCE}{{2,}}"  # a word of another alphabet
)


def garbled(value: Any) -> bool:
    """Whether a text has letters that were garbled by the wrong encoding.

    >>> [garbled(text) for text in ("fÃ¼r", "naÃ¯ve â€œsoâ€", "Â£5", "für", "CAFÉ”, AMANHÃ…", 5)]
    [True, True, True, False, False, False]
    """
    return isinstance(value, str) and not value.isascii() and bool(_GARBLED.search(value))


def restored(text: str) -> str | None:
    """What a text was before UTF-8 was read as Latin-1 or Windows-1252; None where it was nothing of the kind.

    >>> restored("fÃ¼r"), restored("für")
    ('für', None)
    """
    try:
        found = b"".join(_byte(letter) for letter in text).decode("utf-8")
    except UnicodeError:
        return None
    return found if found != text else None


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("latin-1")
    except UnicodeEncodeError:
        return letter.encode("cp1252")
