"""Mutations of the wording, after which a reader still finds the same data."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import in_table, next_control
from engine.testing.drift.reply import Reply, items, table, text

_GERMAN = dict(
    re.findall(
        r"(\S+):(\S+)",
        """
    showing:Zeige of:von entries:Einträge entry:Eintrag business:Betrieb trade:Gewerk town:Ort rating:Bewertung
    call-out:Anfahrt next:Weiter previous:Zurück pages:Seiten number:Nummer title:Titel published:Erschienen
    files:Dateien publications:Veröffentlichungen reports:Berichte report:Bericht invoices:Rechnungen invoice:Rechnung
    client:Kunde due:Fällig date:am amount:Betrag status:Zustand year:Jahr total:Summe apply:Anwenden all:Alle
    user:Benutzer name:Name password:Kennwort sign:Melden log:Melden out:ab in:an story:Meldung stories:Meldungen
    nothing:Nichts found:gefunden start:Beginnen application:Antrag continue:Fortfahren full:Voller email:E-Mail
    address:Anschrift street:Straße house:Haus postcode:Postleitzahl your:Ihre contact:Kontakt details:Angaben
    vehicle:Fahrzeug registration:Kennzeichen make:Marke model:Modell accept:Annehmen cookies:Kekse submit:Absenden
    check:Prüfen answers:Antworten permit:Ausweis duration:Dauer months:Monate choose:Wählen zone:Zone topic:Thema
    """,
    )
)


def translate(page: BeautifulSoup, reply: Reply) -> bool:
    """Translate labels, headings, buttons and column heads into German, but not the list's contents."""
    found = table(page)
    inside = {id(node) for row in (found.rows if found else ()) for node in row.descendants}
    changed = False
    for node in page.find_all(string=True):
        parent = node.parent
        if id(node) in inside or parent is None or parent.name in ("script", "style", "[document]"):
            continue
        if (
            type(node) is not NavigableString
            or text(parent) in reply.layout.keep
            or any(str(node).strip().startswith(label) for label in reply.layout.keep)
        ):
            continue
        shown = re.sub(r"[A-Za-z-]+", lambda match: _GERMAN.get(match[0].lower(), match[0]), str(node))
        if shown != str(node):
            node.replace_with(shown)
            changed = True
    for element in page.select("[aria-label]"):
        element["aria-label"] = re.sub(
            r"[A-Za-z-]+", lambda match: _GERMAN.get(match[0].lower(), match[0]), str(element["aria-label"])
        )
    if isinstance(page.html, Tag):
        page.html["lang"] = "de"
    return changed


def numbers(page: BeautifulSoup, reply: Reply) -> bool:
    """Write the list's numbers with a decimal comma, and the currency after them."""

    def german(match: re.Match[str]) -> str:
        number = match[2].replace(",", " ").replace(".", ",").replace(" ", ".")
        return f"{number} {match[1]}" if match[1] else number

    return in_table(page, lambda shown: re.sub(r"([£€$]?)(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)", german, shown))


def number_strings(data: Any, reply: Reply) -> Any:
    """Send the list's numbers as text."""
    for item in (found := items(data)):
        item.update({k: str(v) for k, v in item.items() if isinstance(v, (int, float)) and not isinstance(v, bool)})
    return data if found else None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PRINTED = re.compile(rf"\b(\d\d?) ({'|'.join(MONTHS)})[a-z]* (\d{{4}})\b")
_ISO = re.compile(r"^(\d{4})-(\d\d)-(\d\d)$")


def dates(form: str) -> tuple[Callable[[BeautifulSoup, Reply], bool], Callable[[Any, Reply], Any]]:
    """Return the changes, of pages and of JSON, that write the list's dates in another form.

    Args:
        form: A format string with ``{y}``, ``{m}`` and ``{d}``.
    """

    def on_page(page: BeautifulSoup, reply: Reply) -> bool:
        def other(match: re.Match[str]) -> str:
            return form.format(y=int(match[3]), m=MONTHS.index(match[2]) + 1, d=int(match[1]))

        return in_table(page, lambda shown: _PRINTED.sub(other, shown))

    def in_json(data: Any, reply: Reply) -> Any:
        changed = False
        for item in items(data):
            for name, value in item.items():
                if isinstance(value, str) and (match := _ISO.match(value)):
                    item[name] = form.format(y=int(match[1]), m=int(match[2]), d=int(match[3]))
                    changed |= item[name] != value
        return data if changed else None

    return on_page, in_json


def rename_next(page: BeautifulSoup, reply: Reply) -> bool:
    """Reword the control for the next page."""
    found = next_control(page)
    if found is None:
        return False
    found.string = "Onward"
    del found["rel"]
    return True


_ISO_FORM = dates("{y:04}-{m:02}-{d:02}")
_US_FORM = dates("{m:02}/{d:02}/{y:04}")

WORDING = (
    Mutation("translate-labels", "labels, buttons and heads are in German", "same", html=translate),
    Mutation("number-format", "decimal commas, the currency after; JSON numbers as text", "same",
             html=numbers, json=number_strings),
    Mutation("date-iso", "dates as YYYY-MM-DD", "same", html=_ISO_FORM[0]),
    Mutation("date-american", "dates as MM/DD/YYYY", "same", html=_US_FORM[0], json=_US_FORM[1]),
    Mutation("next-renamed", "the control for the next page has another wording", "same", html=rename_next),
)  # fmt: skip
