"""Detection and repair of mojibake: text whose bytes were decoded with the wrong encoding."""

from __future__ import annotations

import re
from typing import Any

_PUNCTUATION = "\u2018\u2019\u201c\u201d\u201e\u201a\u2026\u2013\u2014\u2039\u203a\u00a0\u00ab\u00bb\u00b7"
# The bytes 0x80 to 0xBF in Latin-1 or in Windows-1252.
_WINDOWS = bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")
_REST = f"[\x80-\xbf{_WINDOWS}]"
_SURE = f"[\x80-\x9f\xa1-\xaa\xac-\xb6\xb8-\xba\xbc-\xbf{''.join(sorted(set(_WINDOWS) - set(_PUNCTUATION)))}]"
_CAPITAL = "A-Z\xc0-\xd6\xd8-\xde"
_SEQUENCE = f"(?:[\xc2-\xdf]{_REST}|[\xe0-\xef]{_REST}{{2}}|[\xf0-\xf4]{_REST}{{3}})"
_GARBLED = re.compile(
    "\ufffd"
    f"|\xe2[\x80\u20ac]{_REST}"  # quotation marks, dashes, an ellipsis
    f"|[\xc2-\xc5]{_SURE}"  # accented Latin letters, and symbols
    # At the end of a word in capitals, a quotation mark may follow an accented capital letter.
    f"|(?<![{_CAPITAL}])[\xc2\xc3]{_REST}(?![{_CAPITAL}])"
    f"|{_SEQUENCE}{{2,}}"  # a word of another alphabet
)


def is_garbled(value: Any) -> bool:
    """Return True for a text with characters of a wrong encoding.

    >>> [is_garbled(text) for text in ("fÃ¼r", "naÃ¯ve â€œsoâ€", "Â£5", "für", "CAFÉ”, AMANHÃ…", 5)]
    [True, True, True, False, False, False]
    """
    return isinstance(value, str) and not value.isascii() and bool(_GARBLED.search(value))


def restore(text: str) -> str | None:
    """Return the text before its UTF-8 was read as Latin-1 or Windows-1252; None if that did not happen.

    >>> restore("fÃ¼r"), restore("für")
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
