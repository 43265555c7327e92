"""Spellings of numbers, dates and texts: every way in which a page may write a value of the output."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from engine.contract.patterns import finite

_MONTHS = (
    "january janvier januar enero gennaio januari ocak",
    "february février fevrier februar febrero febbraio februari",
    "march mars märz maerz mär marzo maart",
    "april avril abril aprile",
    "may mai mayo maggio mei",
    "june juin juni junio giugno",
    "july juillet juli julio luglio",
    "august août aout agosto augustus",
    "september septembre septiembre settembre sept",
    "october octobre oktober octubre ottobre okt",
    "november novembre noviembre",
    "december décembre decembre dezember diciembre dicembre dez",
)
_MONTH = {name: at + 1 for at, names in enumerate(_MONTHS) for name in names.split()}
_MONTH |= {name[:3]: at for name, at in _MONTH.items() if name not in ("juin", "juillet")}
MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]{0,7}"
"""A pattern of words that beside a number are surely a month: other names and abbreviations are words of their own."""
_GROUPS = r"[.,'\u2019\u00a0\u202f\u2009 ]"
_NUMBER = re.compile(
    rf"(?<![\d.,])[-\u2212]?(?:\d{{1,3}}(?:{_GROUPS}\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?(?!\d))"
)
_BETWEEN = re.compile(r"[\u00a0\u202f\u2009 '\u2019]")
_SCALE = re.compile(r"\s?(k|tsd|m|mio|mln|mrd|bn|million|billion)\b\.?", re.IGNORECASE)
_SCALES = {
    "k": 1e3,
    "tsd": 1e3,
    "m": 1e6,
    "mio": 1e6,
    "mln": 1e6,
    "million": 1e6,
    "mrd": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}
_ANY_DATE = re.compile(r"\d{4}|\d[./-]\d\d?[./-]\d")
_DATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(\d{4})[-/](\d\d?)[-/](\d\d?)(?!\d)"), "ymd"),
    (re.compile(r"(?<![\d./-])(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d\d)(?![\d./-]\d|\d)"), "dmy"),
    (
        re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|\.)?\s+(?:of\s+|de\s+)?([^\W\d_]{3,10})\.?,?\s+(?:de\s+)?(\d{4})"),
        "d M y",
    ),
    (re.compile(r"\b([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"), "M d y"),
)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d.*)?")


class Span(NamedTuple):
    """A value within a text: where it begins and ends, and the form that it is written in."""

    begin: int
    end: int
    form: str = ""


def normal(text: str) -> str:
    """Return the form in which texts are compared.

    >>> normal(" Café\\u00a0 Bar ") == normal("CAFÉ bar")
    True
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def readings(token: str) -> set[float]:
    """Return the numbers that a token may be read as: either mark may part thousands or decimals.

    >>> readings("1.234,50"), sorted(readings("1,234")), readings("12'500.00")
    ({1234.5}, [1.234, 1234.0], {12500.0})
    """
    plain = _BETWEEN.sub("", token).replace("\u2212", "-")
    if "," not in plain and "." not in plain:
        return {number} if (number := finite(plain)) is not None else set()
    found: set[float] = set()
    for thousands, decimals in ((",", "."), (".", ",")):
        whole, _, part = plain.partition(decimals)
        if decimals in part or thousands in part:
            continue
        if thousands in whole and not re.fullmatch(rf"-?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole):
            continue
        digits = whole.replace(thousands, "")
        is_number = digits.lstrip("-").isdigit() and (not part or part.isdigit())
        if is_number and (number := finite(f"{digits}.{part}" if part else digits)) is not None:
            found.add(number)
    return found


def numbers(text: str) -> Iterator[tuple[float, Span]]:
    """Yield all numbers that stand in a text as whole tokens, in all readings.

    >>> [value for value, _ in numbers("4.5 of 5, 12k sold")]
    [4.5, 5.0, 12.0, 12000.0]
    """
    for found in _NUMBER.finditer(text):
        begin, end = found.span()
        # A hyphen joins words and parts of a code: only at the beginning of a word it is a sign.
        joined = found[0][0] in "-\u2212" and begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] == ")")
        if joined:
            begin += 1
        scale = _SCALE.match(text, end)
        for value in readings(text[begin:end]):
            yield value, Span(begin, end)
            if scale is not None:
                yield value * _SCALES[scale[1].lower()], Span(begin, end, "scaled")


def dates(text: str) -> Iterator[tuple[str, Span]]:
    """Yield all dates that stand in a text, as YYYY-MM-DD, each with the form that it is written in.

    A numeric date with two possible months is yielded in both readings.

    >>> [(day, span.form) for day, span in dates("3. März 2025, 04/03/2025")]
    [('2025-03-04', 'dmy'), ('2025-04-03', 'mdy'), ('2025-03-03', 'd M y')]
    """
    if not _ANY_DATE.search(text):
        return
    for pattern, form in _DATES:
        for found in pattern.finditer(text):
            for year, month, day, read_as in _readings_of_date(found.groups(), form):
                if 1 <= month <= 12 and 1 <= day <= 31:
                    yield f"{year}-{month:02}-{day:02}", Span(*found.span(), read_as)


def _readings_of_date(parts: tuple[str, ...], form: str) -> Iterator[tuple[str, int, int, str]]:
    first, second, third = parts
    if form == "ymd":
        yield first, int(second), int(third), form
    elif form == "dmy":
        year = third if len(third) == 4 else f"20{third}"
        yield year, int(second), int(first), "dmy"
        if first != second:
            yield year, int(first), int(second), "mdy"
    else:
        day, name = (first, second) if form == "d M y" else (second, first)
        yield third, month_of(name) or month_of(name[:3]), int(day), form


def month_of(word: str) -> int:
    """Return the number of the month that a word names; 0 for other words.

    >>> month_of("March"), month_of("Dez"), month_of("market")
    (3, 12, 0)
    """
    return _MONTH.get(word.casefold(), 0)


def day_of(value: str) -> str | None:
    """Return the day that a value is, as YYYY-MM-DD; None where it is no date, or may be two.

    >>> day_of("2025-03-04T10:00:00Z"), day_of("4 March 2025"), day_of("04/03/2025"), day_of("room 2025")
    ('2025-03-04', '2025-03-04', None, None)
    """
    if iso := _ISO.fullmatch(value):
        return iso[1]
    found = {(day, span.end - span.begin) for day, span in dates(value)}
    if len(found) != 1:
        return None
    ((day, length),) = found
    return day if length == len(value.strip()) else None
