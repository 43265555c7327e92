"""Sites of different make, each with a good automation, for benches of what a page means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.benchmarks.pages.boards import FLIGHTS, JOBS, TILES
from tests.benchmarks.pages.light import LIGHT
from tests.benchmarks.pages.make import Make, MakeSite, served
from tests.benchmarks.pages.nothing import NOTHING
from tests.benchmarks.pages.notices import FEE, OPEN, REPORTS, SERVICES
from tests.benchmarks.pages.own import OWN, Own, OwnSite, served_own
from tests.benchmarks.pages.saved_lists import ADMINLTE, DATASETTE, DJANGO_ADMIN, ROUNDUP, TRAC
from tests.benchmarks.pages.saved_shop import OSCAR, OSCAR_PRODUCT
from tests.benchmarks.pages.shops import CARDS, PARTS, SHEET
from tests.benchmarks.pages.unusual import UNUSUAL

MAKES: Mapping[str, Make] = {
    make.name: make for make in (CARDS, PARTS, SHEET, JOBS, TILES, FLIGHTS, REPORTS, SERVICES, OPEN, FEE)
}
SAVED: Mapping[str, Make] = {
    make.name: make for make in (OSCAR, OSCAR_PRODUCT, DATASETTE, TRAC, ROUNDUP, DJANGO_ADMIN, ADMINLTE)
}
"""Pages that third-party applications made."""
WORKS: Mapping[str, Make | Own] = {**MAKES, **SAVED, **OWN, **LIGHT}
"""Sites of other make, saved pages, the fixture sites, and some of the first with automations that need no browser."""


@contextmanager
def open_work(work: Make | Own) -> Iterator[MakeSite | OwnSite]:
    """Serve a site."""
    if isinstance(work, Own):
        with served_own(work) as own:
            yield own
    else:
        with served(work) as site:
            yield site


__all__ = ["MAKES", "NOTHING", "SAVED", "UNUSUAL", "WORKS", "Make", "MakeSite", "Own", "OwnSite", "open_work", "served"]
