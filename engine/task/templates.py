"""Templates of task texts: the values that a text names, and later texts that name others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

from engine.task.proper_names import is_name, proper_names
from engine.task.redaction import secret_names
from engine.task.text import collapse, comparable

_MOST_INPUTS = 5
_LOOKED_AT = 4_000  # characters of a text in which inputs are looked for
_SHORTEST_VALUE = 2  # characters of a parameter's value that is looked for in a text
_PROPER, _DATE = "name", "date"  # kinds of slots
_QUOTES = "\"“”„'‘’«»"  # noqa: RUF001  a text may use any
_URL = re.compile(r"https?://\S+|\[secret:[^\]]*\]")
_MONTHS = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WORDED_DATE = rf"(?:{_DAY} (?:of )?{_MONTHS}(?:,? \d{{4}})?|{_MONTHS} (?:{_DAY},? )?\d{{4}}|{_MONTHS} {_DAY})"
_LITERAL = re.compile(
    r"""(?P<quoted>(?<!\w)(?:"[^"]{1,80}"|“[^”]{1,80}”|„[^“]{1,80}“|«[^»]{1,80}»|'[^']{1,80}'(?!\w)))
    |(?P<email>(?<![\w.+-])[\w.+-]+@[\w-]+\.\w[\w.]*\w)
    |(?P<date>\b(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|"""
    + _WORDED_DATE.replace(" ", r"\ ")
    + r""")\b)
    |(?P<code>\b(?=[\w/.-]{0,80}\d)(?=[\w/.-]{0,80}[A-Z])[A-Za-z0-9]{1,80}+(?:[-_/.][A-Za-z0-9]{1,80}){0,9}\b)
    |(?P<number>\b\d{3,}\b)""",
    re.VERBOSE,
)
# "room 7", and not "the first 7", "7 rooms", "top 7"
_NUMBERED = re.compile(
    r"\b([a-z]{3,40}) (\d{1,2})(?=\s*$|[.,;:!?](?:\s|$)| (?:of|in|on|at|for|and|to|by|with|from|as)\b)"
)
_BEFORE_AMOUNTS = """
about above all and any are around below between but equals every exactly first for from has have into
last least most newest next nearly over only other past per previous recent some than the then top under
until with within
"""
_AMOUNTS = frozenset(_BEFORE_AMOUNTS.split())
_STOPS = " .!?"  # at a text's end
# "1 = Tokyo": a short code and its meaning.
_MEANING = re.compile(
    r"""(?<![\w=])(?P<quote>["']?)(?:\d{1,4}|[A-Z]{1,3}\d{0,2}|[a-z])(?P=quote)
    \s*(?:=|:(?=\s)|→|->|means|stands\ for)\s*[^,;/()\[\]\n.]{1,60}?(?=\s+(?:and|or)\b|[,;/()\[\]\n.]|$)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z]+")
_NO_NAMES = frozenset(
    ("a", "an", "and", "at", "between", "by", "called", "for", "from", "has", "have", "id", "in", "is", "it", "named",
     "no", "not", "nr", "number", "of", "on", "or", "than", "that", "the", "to", "under", "where", "which", "whose",
     "with")
)  # fmt: skip


def text_inputs(task: str, parameters: Mapping[str, Any], host: str = "") -> dict[str, str]:
    """Return values that a task's text names and that look like inputs, under names taken from the words before them.

    Args:
        parameters: The request's; their values and names are left out.
        host: That of the site, whose own name is no input.

    >>> text_inputs("List the seats of batch S24, sorted by row", {})
    {'batch': 'S24'}
    >>> text_inputs('Find order number 10234 of "Ada Lovelace"', {"order": "10234"})
    {'order_2': 'Ada Lovelace'}
    >>> text_inputs("List the departures from Newport to Cardiff Central", {})
    {'departures': 'Newport', 'departures_2': 'Cardiff Central'}
    >>> text_inputs("List the first 10 entries", {})
    {}
    >>> text_inputs("Show the weather of the city (1 = Tokyo, 2 = Osaka)", {"city": 2})
    {}
    """
    task = _without_legend(task[:_LOOKED_AT])
    known = {comparable(str(value)) for value in parameters.values()}
    found: dict[str, str] = {}
    literals = _literals(task)
    literals = sorted([*literals, *_names(task, literals, host)])
    values = "|".join(re.escape(value) for _, value, _ in literals)
    for start, value, _ in literals:
        if comparable(value) in known or value in found.values() or len(found) == _MOST_INPUTS:
            continue
        name = _unused(_name(re.sub(values, " ", task[:start])), {*parameters, *found})
        if not secret_names({name: value}):
            found[name] = value
    return found


def same_values(a: str, b: str) -> bool:
    """Return True if two texts name the same values: they may differ in their words only.

    >>> same_values("List batch S24", "Show me batch S24"), same_values("List batch S24", "List batch W25")
    (True, False)
    """
    return _values(a) == _values(b)


def _values(task: str) -> set[str]:
    quoted = {value.casefold() for _, value, kind in _literals(task) if kind in ("quoted", "email")}
    return quoted | set(re.findall(r"(?<!\w)\w*\d\w*", task.casefold()))


def make_template(task: str, parameters: Mapping[str, Any]) -> str | None:
    """Return the text with names in place of these parameters' values; None where it names none of them.

    >>> make_template("List the seats of batch S24", {"batch": "S24", "limit": 3})
    'List the seats of batch {batch}'
    """
    text, slots = collapse(task), dict[str, str]()
    values = {n: collapse(str(v)) for n, v in parameters.items() if isinstance(v, (str, int)) and _is_name(n)}
    named = [(value, name) for name, value in values.items() if len(value) >= _SHORTEST_VALUE]
    for value, name in sorted(named, key=lambda pair: -len(pair[0])):
        slots.setdefault(value.casefold(), name)
    if not slots:
        return None
    pattern = "|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in slots)
    parts = re.split(f"({pattern})", text, flags=re.IGNORECASE)
    if len(parts) == 1:
        return None
    escaped = (part.replace("{", "{{").replace("}", "}}") for part in parts)
    return "".join(
        f"{{{slots[part.casefold()]}{_spec(part, parts[n - 1])}}}" if n % 2 else text
        for n, (part, text) in enumerate(zip(parts, escaped, strict=True))
    )


def read_values(templates: Iterable[str], task: str, parameters: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the values that a text names by the first template that it fits; None where it fits none.

    Args:
        parameters: The request's; where a template names one of them, the text has to name its value.

    >>> read_values(["List the seats of batch {batch}"], "list the seats of batch W25", {})
    {'batch': 'W25'}
    >>> read_values(["List the seats of batch {batch}"], "List the seats of batch W25 and W26", {}) is None
    True
    """
    for template in templates:
        if (found := _read(template.rstrip(_STOPS), collapse(task).rstrip(_STOPS), parameters)) is not None:
            return found
    return None


def slots(templates: Iterable[str]) -> frozenset[str]:
    """Return the names that templates hold."""
    return frozenset(name for template in templates for _, name, _ in _parts(template) if name is not None)


def _read(template: str, task: str, parameters: Mapping[str, Any]) -> dict[str, str] | None:
    pattern, before, names, proper = "", "", list[str](), set[str]()
    for literal, name, spec in _parts(template):
        pattern += re.escape(literal)
        before = literal or before
        if name is None:
            continue
        if name in parameters:
            pattern += re.escape(collapse(str(parameters[name])))
        elif name in names:
            pattern += f"(?P=s{names.index(name)})"
        else:
            value = r"(?=\S*[\d@])\S{1,200}?"
            if literal[-1:] in _QUOTES and literal != "":
                value = rf"[^{_QUOTES}]{{1,200}}"
            elif spec == _DATE:
                value = _WORDED_DATE
            elif spec == _PROPER:
                value = r"\S{1,100}?(?: \S{1,100}?){0,4}?"
                proper.add(name)
            pattern += f"(?P<s{len(names)}>{value})"
            names.append(name)
    match = re.fullmatch(pattern, task, re.IGNORECASE)
    values = {name: match[f"s{n}"] for n, name in enumerate(names)} if match is not None else {}
    return values if match is not None and all(is_name(values[name]) for name in proper) else None


def _spec(value: str, before: str) -> str:
    """Return what a template says of the values that may stand in the place of one: names or worded dates, like it."""
    if before and before[-1] in _QUOTES:
        return ""
    if re.fullmatch(_WORDED_DATE, value, re.IGNORECASE):
        return f":{_DATE}"
    return f":{_PROPER}" if is_name(value) else ""


def _parts(template: str) -> list[tuple[str, str | None, str]]:
    """Return a template's literal texts, each with the name after it, and its kind; none where it is malformed."""
    try:
        return [(literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(template)]
    except ValueError:
        return []


def _without_legend(task: str) -> str:
    """Return a text with blanks in place of two or more explanations of what values mean, which name no inputs."""
    legend = list(_MEANING.finditer(task))
    return _MEANING.sub(lambda match: " " * len(match[0]), task) if len(legend) > 1 else task


def _literals(task: str) -> list[tuple[int, str, str]]:
    """Return where in a text values begin that look like inputs, the values, and their kinds."""
    hidden = [match.span() for match in _URL.finditer(task)]
    found = []
    for match in _LITERAL.finditer(task):
        if not any(start < match.end() and match.start() < end for start, end in hidden):
            value = match[0][1:-1].strip() if match.lastgroup == "quoted" else match[0]
            if value:
                found.append((match.start(), value, match.lastgroup or ""))
    numbered = (match for match in _NUMBERED.finditer(task) if match[1] not in _AMOUNTS)
    return found + [(match.start(2), match[2], "number") for match in numbered]


def _names(task: str, literals: list[tuple[int, str, str]], host: str) -> list[tuple[int, str, str]]:
    """Return the proper names of a text that stand in none of the other values, as `_literals` returns those."""
    taken = [match.span() for match in _URL.finditer(task)]
    taken += [(start, start + len(value) + 2) for start, value, _ in literals]
    names = proper_names(task, host)
    return [(at, name, "name") for at, name in names if not any(start <= at < end for start, end in taken)]


def _name(before: str) -> str:
    words = [word.lower() for word in _WORD.findall(before)[-4:]]
    return next((word for word in reversed(words) if word not in _NO_NAMES), "value")


def _unused(name: str, taken: set[str]) -> str:
    numbers = (f"{name}_{n}" for n in range(2, 100))
    return name if name not in taken else next(other for other in numbers if other not in taken)


def _is_name(name: str) -> bool:
    return name.isidentifier()
