"""A visit is booked only while the page shows the day and the sum that were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskResult
from engine.testing import ScriptedModel
from tests.support.own_site import Answer, Asked, OwnSite, own_site
from tests.support.stage import NoModel

BOOK = """\
async def run(page, parameters, task):
    year, month, day = parameters["day"].split("-")
    await page.get_by_label("Day of the visit").press_sequentially(f"{day}{month}{year}")
    await page.get_by_label("Donation").fill(parameters["amount"])
    await page.get_by_role("button", name="Check").click()
    async with task.irreversible("book the visit"):
        await page.get_by_role("button", name="Book").click()
        await page.get_by_role("status").wait_for()
    return {"reference": await page.get_by_role("status").inner_text()}
"""
FORM = """<title>Museum</title><h1>Book a visit</h1>
<label>Day of the visit <input id="day"></label><label>Donation <input id="amount"></label>
<button onclick="check()">Check</button><dl id="seen"></dl><p id="sum"></p>
<form method="post" action="/book" hidden><button>Book</button></form>
<script>
const first = {first}, whole = {whole};
function check() {{
  const digits = day.value.replace(/[^0-9]/g, ''), a = +digits.slice(0, 2), b = +digits.slice(2, 4);
  const date = new Date(Date.UTC(+digits.slice(4), (first === 'month' ? a : b) - 1, first === 'month' ? b : a));
  const shown = date.toLocaleDateString('en-GB', {{dateStyle: 'full', timeZone: 'UTC'}});
  seen.innerHTML = '<dt>Your visit</dt><dd>' + shown + '</dd>';
  const paid = whole ? Math.floor(+amount.value) : (+amount.value).toFixed(2);
  document.querySelector('#sum').textContent = 'Your card is charged £' + paid + ' at once.';
  document.forms[0].hidden = false;
}}
</script>"""
FIRST = {"day": "2026-05-13", "amount": "40.25"}


class Museum:
    """A page that books, and its ways with what is typed."""

    first, whole = "day", False

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            return Answer("<p role='status'>Booked: R-7</p>")
        return Answer(FORM.format(first=repr(self.first), whole=str(self.whole).lower()))


async def book(store: Path, site: OwnSite, model: Any = None, **parameters: str) -> TaskResult:
    async with AsyncEngine(store=store, model=model or NoModel()) as engine:
        ai: Any = "auto" if model else "never"
        return await engine.run("Book a visit", start_url=site.url, reuse_key="k", parameters=parameters, ai=ai)


async def test_nothing_is_booked_where_the_page_shows_another_day_or_sum(tmp_path: Path) -> None:
    museum = Museum()
    with own_site(museum) as site:
        write = ScriptedModel([("write", {"code": BOOK}), ("finish", {"summary": "Book a visit"})])
        first = await book(tmp_path, site, write, **FIRST)
        assert (first.ok, first.effect) == (True, "performed"), first.error
        good = await book(tmp_path, site, day="2026-03-04", amount="12.50")
        assert (good.ok, good.effect) == (True, "performed"), good.error
        museum.first = "month"
        wrong_day = await book(tmp_path, site, day="2026-03-04", amount="12.50")
        museum.first, museum.whole = "day", True
        wrong_sum = await book(tmp_path, site, day="2026-03-04", amount="12.50")
    assert site.sent("POST") == ["/book", "/book"]
    for result, told in (
        (wrong_day, "3 April 2026' for 'Your visit'"),
        (wrong_sum, "'Your card is charged £12 at once.'"),
    ):
        assert result.error is not None
        assert (result.error.reason, result.effect) == ("drift", "none")
        assert "before 'book the visit', which was not done" in result.error.message
        assert told in result.error.message
