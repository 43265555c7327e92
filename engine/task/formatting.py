"""Text for people: numbers with their units, and text of web pages on one line."""

from __future__ import annotations

from engine.task.text import collapse, shorten
from sandbox.invisible import visible


def clean(text: str) -> str:
    """Remove control characters and those that are not seen, except line ends and tabs.

    >>> clean("red \\x1b[31malert")
    'red [31malert'
    """
    return visible(text)


def one_line(text: str, width: int = 100) -> str:
    """Put text on one line, cut to a width with an ellipsis.

    >>> one_line("page.goto(\\n    url)", 12)
    'page.goto(…'
    """
    return shorten(collapse(clean(text)), width)


def dollars(amount: float) -> str:
    """Format an amount of money; below one dollar with four decimals.

    >>> dollars(0), dollars(0.00412), dollars(12.5), dollars(-0.02)
    ('$0', '$0.0041', '$12.50', '-$0.0200')
    """
    if amount == 0:
        return "$0"
    if amount < 0:
        return f"-{dollars(-amount)}"
    return f"${amount:.4f}" if amount < 1 else f"${amount:.2f}"


def seconds(amount: float) -> str:
    """Format a duration given in seconds.

    >>> seconds(0.84), seconds(12.3), seconds(125), seconds(900)
    ('0.8 s', '12 s', '2 min 5 s', '15 min')
    """
    if amount < 9.95:
        return f"{amount:.1f} s"
    if round(amount) < 60:
        return f"{amount:.0f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age(amount: float) -> str:
    """Format an age given in seconds, in its largest unit.

    >>> age(3.2), age(125), age(7300), age(200000)
    ('3 s', '2 min', '2 h', '2 d')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if amount >= length:
            return f"{amount // length:.0f} {unit}"
    return f"{max(0.0, amount):.0f} s"


def count(number: int, thing: str) -> str:
    """Format a number with its noun, singular or plural.

    >>> count(1, "model call"), count(12, "model call")
    ('1 model call', '12 model calls')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
