"""Departures of fields: values that stand nowhere, or under another label, in other words, elsewhere on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from engine.contract.model import Breach, Severity
from engine.contract.provenance.anchors import Anchor, Row, namesakes_of, rivals_of
from engine.contract.provenance.choices import Choice, choice_of
from engine.contract.provenance.looks import TRAITS
from engine.contract.provenance.phrases import names_money, says_aside, says_instead
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.struck import any_replaced
from engine.contract.provenance.tables import last_name
from engine.contract.provenance.units import CURRENCIES, Weight, change, senses, words_of

_ANCHORED = 0.95  # share of values that stood on the page, from which on all must
_ALLOWED = 0.05  # share of values that may stand nowhere all the same; of few values, one
_NEW = 0.1  # share of values of which a new look is told; of few, two
_MANY = 0.3  # share of values that may stand nowhere, where only a part of the page was mapped
_LABELS, _HEADINGS, _WORDINGS, _OTHERS = 6, 4, 5, 3  # different texts from which on a new one is no surprise
_RIVALS = 0.3  # share of amounts with another beside them
_EVERY = 0.9  # share of amounts with the same text before them, from which on it is their label
_SEVERAL = 2  # different texts of good runs, from which on a further one is data
_SEVERITIES: Mapping[Weight, Severity] = {
    "": "advisory", "explained": "advisory", "unknown": "doubtful", "other": "structural",
}  # fmt: skip
_SAME_SECTION = ({"", "main"}, {"", "main", "form"}, {"aside", "dialog"})


@dataclass(frozen=True)
class Case:
    """A run that is held against a signature.

    Args:
        known: The signature.
        reading: The run.
        about: Words of the task.
    """

    known: Mapping[str, Any]
    reading: Reading
    about: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def choices(self) -> Mapping[str, Choice | None]:
        """By path of a field of states, the place that it is read from; None where no place alone is."""
        return {path: choice_of(path, described, self.about) for path, described in self.known["choices"].items()}

    @property
    def chosen_places(self) -> set[str]:
        """The places that fields of states are read from."""
        return {choice.place for choice in self.choices.values() if choice is not None}


class News(NamedTuple):
    """Texts of a trait that good runs never had, each with how often, and those that they had."""

    known: Sequence[str]
    fresh: Counter[str]

    @property
    def was(self) -> str:
        """The text that good runs mostly had."""
        return self.known[0]

    @property
    def now(self) -> str:
        """The new text that is most frequent."""
        return self.fresh.most_common(1)[0][0]

    @property
    def size(self) -> int:
        """The number of values with a new text."""
        return sum(self.fresh.values())


class Sights:
    """The anchors of a field, and their looks with how often: a few looks are those of all values."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.anchors = anchors
        looks, counts = {id(a.look): a.look for a in anchors}, Counter(id(a.look) for a in anchors)
        self.looks = [(look, counts[key]) for key, look in looks.items()]

    def __len__(self) -> int:
        return len(self.anchors)


def check_fields(case: Case) -> Iterator[Breach]:
    """Yield the departures of all fields that the signature has."""
    computed = set(case.known.get("computed", ()))
    for path, known in case.known["fields"].items():
        found, missing = case.reading.fields.get(path, ([], []))
        if (found or missing) and path not in computed:
            yield from _check_field(case, path, known, found, missing)


def _check_field(
    case: Case,
    path: str,
    known: Mapping[str, Any],
    found: Sequence[tuple[Row, Anchor]],
    missing: Sequence[tuple[Row, Any]],
) -> Iterator[Breach]:
    yield from _unanchored(case, path, known, len(found), missing)
    if not found or not known["found"]:
        return
    anchors = Sights([anchor for _, anchor in found])
    yield from _zeros(path, known, anchors)
    rivals = rivals_of(case.reading.document, anchors.anchors)
    if not known.get("rivals", 1) and rivals >= max(_RIVALS * len(anchors), min(2, len(anchors))):
        got = f"a second one beside it in {rivals} of {len(anchors)}"
        yield Breach("several", path, "one amount in its place", got, "doubtful")
    elif not known.get("namesakes", 1):
        twice = namesakes_of(case.reading.document, anchors.anchors)
        if twice >= max(_RIVALS * len(anchors), min(2, len(anchors))):
            label = anchors.anchors[0].spot.text.place.label
            got = f"another value under {label!r} on {twice} of {len(anchors)} pages"
            yield Breach("several", path, "one value of that name on its page", got, "doubtful")
    yield from _told_otherwise(case, path, known, anchors)
    yield from _elsewhere(case, path, known, anchors)
    yield from _under_other_headings(case, path, known, anchors)


def _unanchored(
    case: Case, path: str, known: Mapping[str, Any], found: int, missing: Sequence[tuple[Row, Any]]
) -> Iterator[Breach]:
    """Yield a breach where values stand nowhere, in a field whose values always stood on the page.

    Where a map has only a part of the page, a few values may have stood in the other.
    """
    if not missing or known["found"] < _ANCHORED * known["count"]:
        return
    count, sampled = found + len(missing), case.reading.document.sampled
    if len(missing) < max(min(2, count), (_MANY if sampled else _ALLOWED) * count):
        return
    defaults = [value for _, value in missing if value in (0, "0", "-", "n/a", "N/A", "unknown", "none")]
    default = len(defaults) == len(missing)  # the page may have words for it: "free", "none"
    severity: Severity = "doubtful" if default or (sampled and found > len(missing)) else "structural"
    if known["count"] == 1 and _is_of_another(case.known["fields"], path):
        severity = "advisory"  # computed, as a browser's language is, its one value may have stood there by chance
    yield Breach(
        "unanchored", path, "values that stand on the pages that were read",
        f"{len(missing)} of {count} values stand nowhere on them, such as {missing[0][1]!r}", severity,
    )  # fmt: skip


def _is_of_another(fields: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    """Return True where the value of a field stood in the very place that another field was read from."""
    traits = ("path", "label", "headings", "beside", "raw")
    own = [fields[path][trait] for trait in traits]
    return any(other != path and [known[trait] for trait in traits] == own for other, known in fields.items())


def _zeros(path: str, known: Mapping[str, Any], anchors: Sights) -> Iterator[Breach]:
    """Yield a breach where amounts of money are zero that never were: a page shows so what it has lost."""
    zeros = sum(anchor.value == 0 and not isinstance(anchor.value, bool) for anchor in anchors.anchors)
    if zeros and not known["zeros"] and _is_money(known):
        yield Breach("zero", path, "amounts other than zero", f"zero in {zeros} of {len(anchors)}", "doubtful")


def _is_money(known: Mapping[str, Any]) -> bool:
    label = _main(known, "label")
    return bool(senses(_main(known, "words"), label).units & CURRENCIES) or names_money(label)


def _told_otherwise(case: Case, path: str, known: Mapping[str, Any], anchors: Sights) -> Iterator[Breach]:
    """Yield breaches of label and words: read together, for a unit may have moved from one to the other."""
    label, words = _news(known, anchors, "label", _LABELS), _news(known, anchors, "words", _WORDINGS)
    count = len(anchors)
    if label or words:
        was = [label.was if label else _main(known, "label"), words.was if words else _main(known, "words")]
        now = [label.now if label else _now(anchors, "label"), words.now if words else _now(anchors, "words")]
        mine = words_of(last_name(path))
        named = label is not None and not label.was and bool(mine) and words_of(label.now) == mine
        if named:  # a label that says what the field is, where none was, says nothing new
            was, now = was[1:], now[1:]
        weight = change(was, now, case.about, words_of(last_name(path)))
        if weight == "unknown" and max(len(news.known) for news in (label, words) if news) > _SEVERAL:
            weight = "explained"  # the words go with the data
        if label is not None:
            others = {_main(f, "label") for other, f in case.known["fields"].items() if other != path} - {""}
            if named:
                weight = "explained" if weight == "unknown" else weight
            elif label.now in others and label.now not in label.known:
                weight = "other"
            elif not label.now and weight == "unknown":
                weight = "explained"  # the page names it no longer, which says nothing against it
            yield Breach(
                "label", path, f"values labeled {_quoted(label.known)}",
                f"labeled {label.now!r} in {label.size} of {count}", _SEVERITIES[weight],
            )  # fmt: skip
        if words is not None:
            yield Breach(
                "wording", path, f"values written {_quoted(words.known)}",
                f"written {words.now!r} in {words.size} of {count}", _SEVERITIES[weight],
            )  # fmt: skip
    elif (beside := _news(known, anchors, "beside", 2)) and beside.now and _is_label(known, beside, anchors):
        weight = change(beside.known, [beside.now], case.about, words_of(last_name(path)))
        yield Breach(
            "label", path, f"values after {_quoted(beside.known)}", f"{beside.size} of {count} after {beside.now!r}",
            "doubtful" if weight == "other" else _SEVERITIES[weight],
        )  # fmt: skip
    elif known["raw"] and len(known["raw"]) == 1 and known["found"] > 1 and (raw := _news(known, anchors, "raw", 1)):
        # A number beside the value that never changed is a part of what it means: "out of 5".
        yield Breach(
            "wording", path, f"values written {_quoted(raw.known)}", f"written {raw.now!r} in {raw.size} of {count}",
            "doubtful",
        )  # fmt: skip


def _is_label(known: Mapping[str, Any], beside: News, anchors: Sights) -> bool:
    """Return True where a new text before values stands in for a label.

    That is where one was, in the same line, or before every amount of money.
    """
    if all(beside.known) or any(a.spot.piece > 0 for a in anchors.anchors if a.look.beside == beside.now):
        return True
    return _is_money(known) and beside.fresh[beside.now] >= _EVERY * len(anchors)


def _elsewhere(case: Case, path: str, known: Mapping[str, Any], anchors: Sights) -> Iterator[Breach]:
    """Yield breaches of how and where values stand: struck through, hidden, in another section, as another date."""
    count = len(anchors)
    struck = _news(known, anchors, "struck", 1)
    # A closed ticket's number may be struck through; an amount that is no longer holds.
    void = struck and struck.now == "yes" and (_is_money(known) or any_replaced(case.reading.document, anchors.anchors))
    if struck and void:
        yield Breach("struck", path, "values that are not struck through", f"{struck.size} of {count} are")
    if (hidden := _news(known, anchors, "hidden", 1)) and hidden.now == "yes":
        yield Breach("hidden", path, "values that are visible", f"{hidden.size} of {count} are not", "doubtful")
    section = _news(known, anchors, "region", _OTHERS)
    if section and not any({section.was, section.now} <= alike for alike in _SAME_SECTION):
        yield Breach(
            "section", path, f"values in {_quoted(section.known)}", f"{section.size} of {count} in {section.now!r}",
            "doubtful",
        )  # fmt: skip
    if (form := _news(known, anchors, "form", 2)) and {form.now, *form.known} >= {"dmy", "mdy"}:
        yield Breach("date-form", path, f"dates written {form.was}", f"{form.size} of {count} written {form.now}")


def _under_other_headings(case: Case, path: str, known: Mapping[str, Any], anchors: Sights) -> Iterator[Breach]:
    news = _news(known, anchors, "headings", _HEADINGS)
    if news is None:
        return
    names = [name for name in case.reading.lens.names if all(f"{{{name}}}" in text for text in news.known)]
    lost = [name for name in names if any(f"{{{name}}}" not in text for text in news.fresh)]
    instead = [text for text in news.fresh if says_instead(text) and not any(map(says_instead, news.known))]
    aside = [text for text in news.fresh if says_aside(text) and not any(map(says_aside, news.known))]
    weight = change(news.known, [news.now], case.about)
    if lost or instead:
        severity: Severity = "structural"
    elif aside or (len(news.known) == 1 and weight in ("unknown", "other")):
        severity = "doubtful"
    else:
        severity = "advisory"
    said = f"{news.size} of {len(anchors)} under {news.now!r}"
    if lost:
        said += f"; no heading names {{{lost[0]}}} any more"
    yield Breach("heading", path, f"values under {_quoted(news.known)}", said, severity)


def _news(known: Mapping[str, Any], anchors: Sights, trait: str, most: int) -> News | None:
    """Return the new texts of a trait, if they are many enough, and good runs had only a few texts."""
    had = known[trait]
    if not had or len(had) > most:
        return None
    fresh: Counter[str] = Counter()
    for look, count in anchors.looks:
        text = look.trait(trait) if trait in TRAITS else getattr(look, trait)
        if text not in had:
            fresh[text] += count
    if not fresh or sum(fresh.values()) < max(_NEW * len(anchors), min(2, len(anchors))):
        return None
    return News(sorted(had, key=lambda text: -had[text]), fresh)


def _main(known: Mapping[str, Any], trait: str) -> str:
    had = known[trait]
    return max(had, key=lambda text: had[text]) if had else ""


def _now(anchors: Sights, trait: str) -> str:
    return max(anchors.looks, key=lambda seen: seen[1])[0].trait(trait)


def _quoted(texts: Sequence[str]) -> str:
    return " or ".join(repr(text) for text in texts[:3])
