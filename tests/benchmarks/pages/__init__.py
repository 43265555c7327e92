"""Sites of different make, each with a good automation, for benches of what a page means."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.pages.boards import FLIGHTS, JOBS, TILES
from tests.benchmarks.pages.make import Make, MakeSite, served
from tests.benchmarks.pages.notices import FEE, OPEN, REPORTS, SERVICES
from tests.benchmarks.pages.shops import CARDS, PARTS, SHEET

MAKES: Mapping[str, Make] = {
    make.name: make for make in (CARDS, PARTS, SHEET, JOBS, TILES, FLIGHTS, REPORTS, SERVICES, OPEN, FEE)
}

__all__ = ["MAKES", "Make", "MakeSite", "served"]
