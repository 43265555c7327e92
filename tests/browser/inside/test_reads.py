"""Evidence of how a run read: data, files, ambiguous locators, early reads, lists without an end."""

from __future__ import annotations

import json

import pytest

from sandbox import GateDecision, Host
from sandbox.page_map import PageMap
from tests.support.mapped import Run, places, rows
from tests.support.pages import Pages


async def test_data_that_code_reads_is_mapped_by_its_keys(run: Run, shop: Pages) -> None:
    shop.html["/api/rows"] = json.dumps(
        {"total": 2, "rows": [{"name": "Fig", "price": 3.5}, {"name": "Pear", "on": True}]}
    )
    outcome = await run(
        """<p>x</p><script type="application/json" id=state>{"order": {"number": "A-17", "open": true}}</script>""",
        """
        answer = await page.request.get(task.start_url + "api/rows")
        rows = (await answer.json())["rows"]
        here = await page.evaluate("fetch('/api/rows').then((r) => r.json())")
        return [rows, here["total"], await page.locator("#state").text_content()]
        """,
    )
    api, fetched, state = (m for m in outcome.evidence.maps if m.kind == "json")
    known = places(api)
    assert (api.url, known["3.5"].path, known["3.5"].label) == (shop.url + "api/rows", "$.rows[].price", "price")
    assert (known["3.5"].headings, known["true"].label) == (("api", "rows"), "on")
    assert (rows(api), api.containers) == ([["Fig", "3.5"], ["Pear", "true"]], (2,))
    assert "Fig" in places(fetched)
    assert places(state)["A-17"].path == "$.order.number"


async def test_html_and_text_that_code_fetches_are_mapped(run: Run, shop: Pages) -> None:
    shop.html |= {"/part": "<table><tr><th>Kilos<tr><td>3</table>", "/data.csv": "name;kilos\nFig;3\n"}
    outcome = await run(
        "<p>x</p>",
        """
        texts = [await (await page.request.get(task.start_url + path)).text() for path in ("part", "data.csv")]
        return texts
        """,
    )
    part, csv = outcome.evidence.maps
    assert (places(part)["3"].label, places(part)["3"].hidden, part.url) == ("Kilos", False, shop.url + "part")
    assert (csv.kind, csv.content, [unit.text for unit in csv.units]) == ("file", "csv", ["name;kilos", "Fig;3"])


async def test_a_saved_file_is_told_with_the_row_of_its_link(run: Run, shop: Pages) -> None:
    class Shelf(Host):
        async def download(self, name: str, content_type: str, url: str | None, chunks: object) -> dict[str, object]:
            async for _ in chunks:  # type: ignore[attr-defined]  # chunks of bytes
                pass
            return {"filename": name}

    shop.html["/bill-2.pdf"], shop.types["/bill-2.pdf"] = "%PDF-1.4 a bill", "application/pdf"
    outcome = await run(
        """<table><tr><th>Bill<th>File<tr><td>B-1<td><a href=/bill-1.pdf>PDF</a>
        <tr><td>B-2<td><a href=/bill-2.pdf>PDF</a></table>""",
        """return await task.download(page.get_by_role("link").nth(1), name="bill.pdf")""",
        host=Shelf(),
    )
    (file,) = [m for m in outcome.evidence.maps if m.kind == "file"]
    assert (file.url, file.content, file.title) == (shop.url + "bill-2.pdf", "pdf", "bill.pdf")
    assert places(file)["B-2"].label == "Bill"
    assert ("link", "PDF", "/bill-2.pdf") in file.state


TOWNS = "<ul><li><a href=/a>Newport</a><li><a href=/b>Newport Pagnell</a><li><a href=/c>York</a></ul>"


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("await page.get_by_role('link', name=parameters['town']).last.inner_text()", "Newport Pagnell | /b"),
        ("await page.locator(f\"a:has-text('{parameters['town']}')\").first.inner_text()", "Newport | /a"),
        ("await page.inner_text(f\"text={parameters['town']}\")", "Newport | /a"),
        ("await page.get_by_role('link', name=parameters['town'], exact=True).first.inner_text()", None),
        ("[await a.inner_text() for a in await page.get_by_role('link', name=parameters['town']).all()]", None),
        (
            "await __import__('asyncio').gather(*(page.get_by_role('link', name=parameters['town']).nth(n).inner_text()"
            " for n in range(2)))",
            None,
        ),
        ("await page.get_by_role('link').first.inner_text()", None),
    ],
)
async def test_a_locator_that_a_parameter_names_and_that_matches_several_is_told(
    run: Run, code: str, used: str | None
) -> None:
    outcome = await run(TOWNS, f"return {code}", parameters={"town": "Newport"})
    found = outcome.evidence.ambiguous
    assert [(each.used, each.count) for each in found] == ([] if used is None else [(used, 2)])
    if found:
        assert found[0].names == ("Newport | /a", "Newport Pagnell | /b")


TICKETS = """<button>Closed</button><ul></ul><script>
  const show = (texts) => document.querySelector('ul').innerHTML = texts.map((t) => `<li>${t}</li>`).join('');
  show(['a', 'b']);
  document.querySelector('button').onclick = () => setTimeout(() => show(['c', 'd']), DELAY);
</script>"""
TWICE = """
found = [await page.locator("li").all_inner_texts()]
await page.get_by_role("button").click()
if parameters["wait"]:
    await page.get_by_text("c", exact=True).wait_for()
return [*found, await page.locator("li").all_inner_texts()]
"""


async def test_a_list_that_is_read_before_it_changed_is_told(run: Run) -> None:
    outcome = await run(TICKETS.replace("DELAY", "400"), TWICE, parameters={"wait": False})
    (stale,) = outcome.evidence.stale
    assert (stale.texts, "click" in stale.act, "li" in stale.read) == (2, True, True)
    fresh = await run(TICKETS.replace("DELAY", "50"), TWICE, parameters={"wait": True})
    assert fresh.evidence.stale == ()


ENDLESS = """<main><div id=box style="BOX"><ul></ul></div></main><script>
  const list = document.querySelector('ul'), box = BOXED ? document.querySelector('#box') : document.scrollingElement;
  const add = () => { for (let n = 0; n < 10 && list.children.length < 40; n++)
    list.insertAdjacentHTML('beforeend', `<li style="height:100px">row ${list.children.length}</li>`); };
  add();
  (BOXED ? box : window).onscroll = () => {
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 90) setTimeout(add, 60); };
</script>"""
RECYCLED = """<main><div id=box style="height:200px;overflow:auto"><div style="height:1600px;position:relative">
  <ul style="position:absolute;margin:0"></ul></div></div></main><script>
  const list = document.querySelector('ul'), box = document.querySelector('#box');
  const show = () => { const first = Math.floor(box.scrollTop / 40);
    list.style.top = first * 40 + 'px'; list.innerHTML = '';
    for (let n = first; n < Math.min(40, first + 6); n++)
      list.insertAdjacentHTML('beforeend', `<li style="height:40px">row ${n}</li>`); };
  show(); box.onscroll = show;
</script>"""
COMPLETE = "<main><ul>" + "".join(f"<li style='height:60px'>row {n}</li>" for n in range(30)) + "</ul></main>"


@pytest.mark.parametrize(
    ("html", "before", "seen"),
    [
        (ENDLESS.replace("BOXED", "false").replace("BOX", ""), 10, 40),
        (ENDLESS.replace("BOXED", "true").replace("BOX", "height:300px;overflow:auto"), 10, 40),
        (RECYCLED, 6, 40),
        (COMPLETE, 30, 30),
    ],
    ids=["endless", "endless box", "recycled", "complete"],
)
async def test_the_scroll_probe_counts_what_a_list_shows_on_the_way_to_its_end(
    run: Run, html: str, before: int, seen: int
) -> None:
    outcome = await run(html, probe="scroll")
    scrolled = outcome.evidence.scrolled
    assert scrolled is not None
    assert (scrolled.before, scrolled.seen, scrolled.ended, scrolled.more) == (before, seen, True, seen > before)
    assert scrolled.map is not None
    assert f"row {seen - 1}" in places(scrolled.map)
    assert "row 0" in places(outcome.evidence.maps[-1])


async def test_the_host_sees_the_page_before_something_irreversible(run: Run) -> None:
    seen: list[PageMap] = []

    class Keeper(Host):
        async def before_gate(self, action: str, pages: tuple[PageMap, ...]) -> None:
            seen.extend(pages)

        async def gate(self, action: str, key: str | None) -> GateDecision:
            return GateDecision.GO

    await run(
        "<h1>Pay</h1><label>Amount <input></label><button onclick=\"document.body.innerHTML = 'Done'\">Pay</button>",
        """
        await page.get_by_label("Amount").fill("12.50")
        async with task.irreversible("pay", key="1"):
            await page.get_by_role("button").click()
        """,
        host=Keeper(),
    )
    (page,) = seen
    assert (page.h1, page.state) == (("Pay",), (("input", "Amount", "12.50"),))


async def test_no_password_that_was_typed_is_in_a_map(run: Run) -> None:
    outcome = await run(
        "<input type=password oninput=\"document.querySelector('p').textContent = 'Hint: ' + this.value\"><p></p>",
        """
        await page.locator("input").fill(parameters["pin_word"])
        return await page.locator("p").inner_text()
        """,
        parameters={"pin_word": "sesame-17"},
    )
    assert outcome.value == "Hint: sesame-17"
    assert [unit.text for unit in outcome.evidence.maps[-1].units] == ["Hint: [secret]"]
