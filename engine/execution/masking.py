"""Maps of what an automation read, without the task's secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.task.redaction import Redactor
from sandbox.page_map import PageMap


def mask_maps(maps: Sequence[PageMap], redactor: Redactor) -> tuple[PageMap, ...]:
    """Return the maps without secret values; their numbers of places, items and units stay."""
    return tuple(_mask(page, redactor) for page in maps) if redactor.active else tuple(maps)


def _mask(page: PageMap, redactor: Redactor) -> PageMap:
    texts = list(dict.fromkeys(_texts(page)))
    known = dict(zip(texts, redactor.texts(texts), strict=True))

    def each(found: Sequence[str]) -> tuple[str, ...]:
        return tuple(known[text] for text in found)

    return replace(
        page,
        url=known[page.url],
        title=known[page.title],
        h1=each(page.h1),
        breadcrumbs=each(page.breadcrumbs),
        state=tuple((kind, known[name], known[value]) for kind, name, value in page.state),
        totals=tuple((known[text], number) for text, number in page.totals),
        messages=each(page.messages),
        failed=tuple((known[url], status) for url, status in page.failed),
        places=tuple(
            replace(
                place,
                path=known[place.path],
                label=known[place.label],
                headings=each(place.headings),
                region=known[place.region],
                caption=known[place.caption],
            )
            for place in page.places
        ),
        units=tuple(replace(unit, text=known[unit.text]) for unit in page.units),
    )


def _texts(page: PageMap) -> Iterator[str]:
    yield from (page.url, page.title, *page.h1, *page.breadcrumbs, *page.messages)
    for _, name, value in page.state:
        yield from (name, value)
    yield from (text for text, _ in page.totals)
    yield from (url for url, _ in page.failed)
    for place in page.places:
        yield from (place.path, place.label, *place.headings, place.region, place.caption)
    yield from (unit.text for unit in page.units)
