"""Pages that lead on by their numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from fixtures_sites.http import Request
from fixtures_sites.server import FixtureServer, Site
from sandbox import Automation, Egress
from tests.support.warm import LentSandbox

REGISTER = Site("register", about="a register by pages", state=SimpleNamespace, versions=("v1",))
FORMS = {
    "postback": "<div><b>{n}</b> <a href=\"javascript:__doPostBack('g','Page${m}')\">{m}</a> <a href='#'>...</a></div>",
    "bar": "<nav><ul><li class=active><a href='?p={n}'>{n}</a></li><li><a href='?p={m}'>{m}</a></li></ul></nav>",
    "table": "<table><tr class=GridPager><td><span>{n}</span></td><td><a href='#'>{m}</a></td></tr></table>",
    "last": "<div class=pager><a href='?p={n}'>{n}</a> <span>{m}</span></div>",
    "days": "<table><tr><td><b>{n}</b></td><td><a href='/day/{m}'>{m}</a></td></tr></table>",
}


@REGISTER.route("/{form}")
def register(request: Request, form: str) -> str:
    rows = "".join(f"<li>Case {n}</li>" for n in range(10))
    return f"<title>Register</title><ul>{rows}</ul>{FORMS[form].format(n=1, m=2)}"


@pytest.fixture
def site() -> Iterator[FixtureServer]:
    """The register."""
    with FixtureServer(REGISTER) as server:
        yield server


@pytest.mark.parametrize(
    ("form", "pages"), [("postback", ("2",)), ("bar", ("2",)), ("table", ("2",)), ("last", ()), ("days", ())]
)
async def test_link_with_the_next_number_leads_on(
    warm: LentSandbox, site: FixtureServer, form: str, pages: tuple[str, ...]
) -> None:
    code = "async def run(page, parameters, task):\n    return await page.locator('li').all_inner_texts()\n"
    parts = urlsplit(site.url)
    egress = Egress(allow=(f"{parts.scheme}://{parts.netloc}",))
    outcome = await warm.run(Automation(code), {}, start_url=site.url + form, egress=egress)
    assert outcome.evidence.next_pages == pages, outcome.error
