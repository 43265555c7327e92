"""Classification of values: pattern class, shape of the text, and number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATES = (
    r"\d{4}-\d\d?-\d\d?(?:[T ].*)?",
    r"\d\d?[./-]\d\d?[./-]\d{2,4}",
    rf"(?:\w+,? )?\d\d?\.? {_MONTH}\.?,? \d{{4}}",
    rf"{_MONTH}\.? \d\d?,? \d{{4}}",
)
# Three capitals and digits are a code, unless they name a currency.
_CURRENCY = (
    r"[$€£¥₹₽₩₺₫₪฿₴₦]|(?:AED|ARS|AUD|BDT|BGN|BHD|BRL|CAD|CHF|CLP|CNY|COP|CRC|CZK|DKK|EGP|EUR|GBP|GEL|GHS|HKD|HUF|IDR|ILS"
    r"|INR|ISK|JOD|JPY|KES|KRW|KWD|KZT|LKR|MAD|MXN|MYR|NGN|NOK|NZD|OMR|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB"
    r"|TND|TRY|TWD|UAH|USD|UYU|UZS|VND|ZAR)"
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("url", re.compile(r"(?:https?://|www\.)\S+", re.I)),
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.I)),
    ("date", re.compile("|".join(_DATES), re.I)),
    ("money", re.compile(rf"(?:{_CURRENCY})\s?-?\d[\d.,' ]*|-?\d[\d.,' ]*\s?(?:{_CURRENCY})")),
    ("percent", re.compile(r"-?\d+(?:[.,]\d+)?\s?%")),
    ("number", re.compile(r"-?\d[\d.,' ]*")),
    ("phone", re.compile(r"\+?[\d(][\d()\s./-]{5,}")),
    ("code", re.compile(r"(?=.*\d)[A-Z0-9][A-Z0-9._/#-]*")),
)  # fmt: skip
_ANY = re.compile(
    "|".join(f"(?P<{name}>(?{'i' if known.flags & re.I else ''}:{known.pattern}))" for name, known in _PATTERNS)
)
_ADDRESS = re.compile(r"@|://|www\.", re.I)
_HAS_DIGIT = re.compile(r"\d")
_NUMERIC = frozenset({"number", "money", "percent"})
_AMOUNTS = _NUMERIC | {"date"}
_LARGEST = 1e100
_DIGITS_APART = re.compile(r"(?<=\d)[ ,.'\u00a0\u202f](?=\d{3}(?!\d))")
_SLASHED = re.compile(r"(\d\d?)([./-])(\d\d?)[./-]\d{2,4}")
_MISSING = re.compile(r"n/?a|n\.a\.|null|none|unknown|not available|tb[acd]|k\.\s?a\.|[-\u2013\u2014?]+", re.IGNORECASE)
_ERROR = re.compile(
    r"(?:oops\b|error\b|something went wrong|an? (?:unexpected |internal )?error (?:has )?occurr?ed|page not found"
    r"|internal server error|not found\b|access denied|forbidden\b|unauthori[sz]ed\b|bad gateway|service unavailable"
    r"|gateway time-?out|too many requests|\d{3} (?:error|not found|forbidden)|traceback \(most recent|exception\b"
    r"|timed? ?out\b|timeout\b|failed to\b|could not\b|unable to\b|please (?:log|sign) in|log ?in required"
    r"|session (?:has )?expired|locator\.|\w+(?:error|exception):)",
    re.IGNORECASE,
)


def pattern(value: Any) -> str:
    """Return the pattern class of a value.

    >>> [pattern(v) for v in (3, "£4.50", "2025-03-01", "two\\nlines", "Ada", "A-17")]
    ['number', 'money', 'date', 'lines', 'text', 'code']
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        text = value.strip()
        if "\n" in text:
            return "lines"
        # Only addresses have no digit: most texts are told from the rest by that alone.
        if not _HAS_DIGIT.search(text) and not _ADDRESS.search(text):
            return "text"
        found = _ANY.fullmatch(text)
        return found.lastgroup or "text" if found is not None else "text"
    return "object" if isinstance(value, Mapping) else "array"


def kind(value: Any) -> str:
    """Return the JSON type of a scalar; integers are numbers."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "string"


def shape(text: str) -> str:
    """Return the text with digits as 9 and letters as a; in a numeric date, D marks what can only be the day.

    >>> shape("€ 1,234.50"), shape("Sept. 3, 2025"), shape("31/12/2025"), shape("1.234,50 €")
    ('€ 9.9', 'a. 9, 9', 'D/9/9', '9,9 €')
    """
    text = text.strip()
    if date := _SLASHED.fullmatch(text):
        first, between, second = date.groups()
        return f"{_day(first)}{between}{_day(second)}{between}9"
    plain = _DIGITS_APART.sub("", text)
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", plain))[:40]


def day_position_changed(known: Iterable[str], new: Iterable[str]) -> bool:
    """Return True where dates, given by their shapes, had the day first and have it second, or the reverse."""
    before, after = {s.find("D") for s in known} - {-1}, {s.find("D") for s in new} - {-1}
    return len(before) == 1 and bool(after) and not before & after


def _day(digits: str) -> str:
    return "D" if int(digits) > 12 else "9"


def is_amount(value: Any) -> bool:
    """Return True for a number, an amount or a date: data that change by themselves, and may be alike in all rows.

    >>> [is_amount(v) for v in (3, "£4.50", "2025-03-01", "Ada", "A-17", True)]
    [True, True, True, False, False, False]
    """
    return pattern(value) in _AMOUNTS


def number(value: Any) -> float | None:
    """Return the number that a value is or shows, or None.

    >>> number("€ 1.234,50"), number("12 %"), number("soon")
    (1234.5, 12.0, None)
    """
    return number_of(value, pattern(value))


def number_of(value: Any, known: str) -> float | None:
    """Return the number that a value of a known pattern class is or shows, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return finite(value)
    if not isinstance(value, str) or known not in _NUMERIC:
        return None
    digits = re.sub(r"[^\d.,-]", "", value)
    decimals = re.search(r"[.,](\d{1,2})$", digits)
    whole = re.sub(r"[.,]", "", digits[: decimals.start()] if decimals else digits)
    try:
        return finite(f"{whole}.{decimals[1]}" if decimals else whole)
    except ValueError:
        return None


def finite(written: str | float) -> float | None:
    """Return a number as a float; None for one so large that sums or squares of such are no numbers any more.

    Raises:
        ValueError: A text is no number.

    >>> finite("1.5"), finite("9" * 400), finite(10**400)
    (1.5, None, None)
    """
    try:
        number = float(written)
    except OverflowError:
        return None
    return number if abs(number) < _LARGEST else None  # nor is a NaN


def error_text(value: Any) -> bool:
    """Return True for a text that reads like an error message.

    >>> error_text("Something went wrong. Try again later."), error_text("Errol Flynn")
    (True, False)
    """
    return isinstance(value, str) and len(value) < 500 and bool(_ERROR.match(value.strip()))


def is_shortened(value: Any) -> bool:
    """Return True for a text that ends with an ellipsis."""
    return isinstance(value, str) and value.rstrip().endswith(("…", "..."))


def is_missing(value: Any) -> bool:
    """Return True for a value that is blank, or that a site shows in place of one.

    >>> is_missing("N/A"), is_missing(" - "), is_missing(None), is_missing("Nadia")
    (True, True, True, False)
    """
    return is_blank(value) or (isinstance(value, str) and bool(_MISSING.fullmatch(value.strip())))


def is_blank(value: Any) -> bool:
    """Return True for a missing value: null, or an empty text, list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value == [] or value == {}
