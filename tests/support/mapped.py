"""Pages that an automation reads in the session's sandbox, and their maps."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from sandbox import Automation, Egress, Outcome
from sandbox.page_map import PageMap, Place
from tests.support.pages import Pages, pages
from tests.support.warm import LentSandbox

READ = "return await page.locator('body').inner_text()"
Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture(scope="module")
def shop() -> Iterator[Pages]:
    with pages() as site:
        site.url += "/"
        yield site


@pytest.fixture
def run(warm: LentSandbox, shop: Pages) -> Run:
    async def on_page(html: str = "", code: str = READ, **options: Any) -> Outcome:
        if html:
            shop.html["/"] = html
        source = "async def run(page, parameters, task):\n" + textwrap.indent(textwrap.dedent(code), "    ")
        parameters = options.pop("parameters", {})
        other = shop.url.replace("127.0.0.1", "localhost")
        egress = Egress(allow=(shop.url.rstrip("/"), other.rstrip("/")))
        outcome = await warm.run(Automation(source), parameters, start_url=shop.url, egress=egress, **options)
        assert outcome.error is None, outcome.error
        return outcome

    return on_page


def places(found: PageMap) -> dict[str, Place]:
    return {unit.text: found.places[unit.place] for unit in found.units}


def rows(found: PageMap) -> list[list[str]]:
    return [[unit.text for unit in found.units if unit.item == at] for at in range(len(found.items))]
