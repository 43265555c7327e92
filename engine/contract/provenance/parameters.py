"""Signs by which a page names a run's parameters: headings, form state, title, address, rows."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from engine.contract.provenance.document import Document
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.reading import Reading

Signs = dict[str, set[str]]
SEARCHED = frozenset({"url", "typed"})
"""The signs of a search's words: where both are there, the site was asked with these, whatever it has for them."""

_ALL = 0.9  # share of rows that name a parameter, so that the list is one of it


def address_parts(url: str) -> list[str]:
    """Return the parts of an address that may name something.

    >>> address_parts("https://a.example/books/new?genre=sci+fi")
    ['books', 'new', 'sci fi']
    """
    parts = urlsplit(url)
    return [unquote_plus(p) for p in parts.path.split("/") if p] + [value for _, value in parse_qsl(parts.query)]


def signs(reading: Reading) -> Signs:
    """Return by which signs what was read names each parameter.

    These are ``url``, ``title``, ``h1``, ``heading`` of the rows, ``crumb``, ``state`` of a form, ``typed``, ``rows``
    and ``text``.
    """
    lens = reading.lens
    found: Signs = {name: set() for name in lens.names}

    def note(sign: str, texts: Sequence[str]) -> None:
        for text in texts:
            for name in lens.named_in(text):
                found[name].add(sign)

    for page in reading.document.maps:
        note("url", address_parts(page.url))
        note("title", [page.title] if page.kind == "page" else [])
        note("h1", page.h1)
        note("crumb", page.breadcrumbs)
        note("state", [value for kind, _, value in page.state if kind != "input"])
        note("typed", [value for kind, _, value in page.state if kind == "input"])
    listed = any(table.table.many for table in reading.tables)
    for text in reading.document.texts:
        if not (text.chain and listed) and not text.attribute and not text.aside:
            note("text", [text.plain])
    for anchors, _ in reading.fields.values():
        note("heading", list({heading for _, a in anchors for heading in a.spot.text.place.headings}))
    for name, (_, free, count) in row_shares(reading).items():
        if count and free >= _ALL:
            found[name].add("rows")
    return found


def row_shares(reading: Reading) -> dict[str, tuple[float, float, int]]:
    """Return for each parameter the shares of rows with it as a cell and within a text, and the number of rows."""
    if reading.shares is not None:
        return reading.shares
    main = next((table for table in reading.tables if table.table.many), None)
    items = [row.item for row in main.rows if row.item is not None and row.item >= 0] if main is not None else []
    found = {}
    for name in reading.lens.names:
        own, free = _naming(reading.document, reading.lens, set(items), name)
        count = len(items)
        found[name] = (
            sum(item in own for item in items) / count if count else 0.0,
            sum(item in free for item in items) / count if count else 0.0,
            count,
        )
    reading.shares = found
    return found


def _naming(document: Document, lens: Lens, items: set[int], name: str) -> tuple[set[int], set[int]]:
    own, free = set[int](), set[int]()
    for item in items:
        for text in document.texts_of[item]:
            if text.is_link or text.aside or name not in lens.named_in(text.plain):
                continue
            free.add(item)
            if any(lens.mask(piece) == f"{{{name}}}" for piece, _ in text.pieces):
                own.add(item)
    return own, free
