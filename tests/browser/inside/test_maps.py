"""Maps of pages of different make, as an automation read them."""

from __future__ import annotations

import pytest

from sandbox.page_map import MOST_MAPS, PageMap
from tests.support.mapped import READ, Run, places, rows
from tests.support.pages import Pages


async def last(run: Run, html: str, code: str = READ) -> PageMap:
    outcome = await run(html, code)
    assert outcome.evidence.unmapped == 0
    return outcome.evidence.maps[-1]


async def test_table_cells_have_the_heads_of_their_columns_and_rows(run: Run) -> None:
    found = await last(
        run,
        """<h1>Stock</h1><table><caption>Paper</caption>
        <thead><tr><th rowspan=2>Name<th colspan=2>Price<tr><th>net<th>gross</thead>
        <tr><th>A4</th><td>1.00<td>1.20<tr><th>A5</th><td colspan=2>sold out
        <tfoot><tr><td>Sum<td>1.00<td>1.20</tfoot></table>
        <table><tr><th>Group<th>Item<th>Kilos<tr><td rowspan=2>Ink<td>blue<td>3<tr><td>red<td>4</table>""",
    )
    known = places(found)
    assert known["1.20"].label == "Price / gross"  # of the foot, which is the last
    assert known["sold out"].label == "Price / net / A5"
    assert [known[text].label for text in ("Ink", "blue", "red", "4")] == ["Group", "Item", "Item", "Kilos"]
    assert (known["A4"].label, known["A4"].caption, known["A4"].headings) == ("Name", "Paper", ("Stock",))
    assert rows(found) == [["A4", "1.00", "1.20"], ["A5", "sold out"], ["Ink", "blue", "3"], ["red", "4"]]
    assert found.containers == (2, 2)


async def test_definitions_have_their_terms_and_fields_their_labels(run: Run) -> None:
    found = await last(
        run,
        """<dl><dt>Weight<dd>3 kg<dt>Size<dt>Measure<dd>A4<div><dt>Color<dd>blue</div></dl>
        <label>Street <input value="Long Lane 4"></label>
        <span id=l>Note</span><textarea aria-labelledby=l>soft</textarea>
        <div aria-label="Rating">4.5</div>""",
    )
    labels = {text: place.label for text, place in places(found).items()}
    assert [labels[t] for t in ("3 kg", "A4", "blue", "Long Lane 4", "soft", "4.5")] == [
        "Weight", "Size / Measure", "Color", "Street", "Note", "Rating",
    ]  # fmt: skip
    assert ("input", "Street", "Long Lane 4") in found.state


async def test_cards_without_any_role_are_items_with_their_headings_inside(run: Run) -> None:
    found = await last(
        run,
        """<main><h1>Books</h1><h2>New</h2><div><div class="card big"><h3>One</h3><div>£5</div></div>
        <div class="card"><h3>Two</h3><div>£6</div><a href="/2"><img alt="a cover" src="/2.png" data-src="/big.png"></a>
        </div><div class="card sale"><h3>Three</h3><div>£7 <i aria-label="4 of 5 stars"></i></div></div></div>
        <h2>You may also like</h2><div><x-card class=c>Four<b>x</b><i>z</i></x-card>
        <x-card class=c>Five<b>y</b><i>z</i></x-card></div>
        <aside><ul><li>Ad</ul></aside></main>""",
    )
    known = places(found)
    names = ["One", "Two", "Three", "Four\u0005x\u0005z", "Five\u0005y\u0005z", "Ad"]
    assert [row[0] for row in rows(found)] == names
    assert known["£7"].headings == ("Books", "New")
    assert known[names[3]].headings == ("Books", "You may also like")
    assert (known["Ad"].region, known["£5"].region) == ("aside", "main")
    paths = {unit.text: found.places[unit.place].path.rpartition("@")[2] for unit in found.units}
    assert [paths[t] for t in ("/2", "a cover", "/2.png", "/big.png", "4 of 5 stars")] == [
        "href", "alt", "src", "data-src", "aria-label",
    ]  # fmt: skip


async def test_nested_lists_are_items_within_items(run: Run) -> None:
    found = await last(run, "<ul><li>Fruit<ul><li>Fig<li>Pear</ul><li>Nuts<ol><li>Hazel</ol></ul>")
    names = [row[0] for row in rows(found)]
    tree = {names[at]: names[item.parent] if item.parent >= 0 else "" for at, item in enumerate(found.items)}
    assert tree == {"Fruit": "", "Fig": "Fruit", "Pear": "Fruit", "Nuts": "", "Hazel": "Nuts"}
    assert sorted(found.containers) == [1, 2, 2]


async def test_grids_of_any_elements_have_columns_and_the_number_of_all_their_rows(run: Run) -> None:
    cell = "<div role=gridcell aria-colindex={}>{}</div>"
    row = "<div role=row aria-rowindex={}>" + cell.format(1, "{}") + cell.format(3, "{}") + "</div>"
    found = await last(
        run,
        "<div role=grid aria-rowcount=501><div role=row aria-rowindex=1>"
        + "".join(f"<span role=columnheader>{name}</span>" for name in ("Id", "Name", "Balance"))
        + "</div><div role=rowgroup>"
        + "".join(row.format(n, f"u{n}", f"{n} EUR") for n in (2, 3))
        + "</div></div>",
    )
    known = places(found)
    assert (known["u2"].label, known["3 EUR"].label) == ("Id", "Balance")
    assert found.row_count == 500, "without the row of heads"
    assert [unit.item for unit in found.units if unit.text in ("u3", "3 EUR")] == [1, 1]


async def test_what_stands_in_a_shadow_root_counts(run: Run) -> None:
    found = await last(
        run,
        """<h1>Prices</h1><my-list></my-list><script>
        const root = document.querySelector('my-list').attachShadow({mode: 'open'});
        root.innerHTML = '<ul><li>Fig <b>3 EUR</b><li>Pear <slot></slot></ul>'
          + '<select aria-label=Sort><option>up</select>';
        </script>""",
    )
    assert [row[0] for row in rows(found)] == ["Fig \u00053 EUR", "Pear"]
    assert found.state == (("select", "Sort", "up"),)


async def test_frames_of_this_and_of_another_origin_count(run: Run, shop: Pages) -> None:
    shop.html["/inner"] = "<table><tr><th>Rate<tr><td>4 %</table>"
    other = shop.url.replace("127.0.0.1", "localhost")
    outcome = await run(
        f"<h1>Rates</h1><iframe srcdoc='<p>here</p>'></iframe><iframe src='{other}inner'></iframe>",
        "return await page.frame_locator('iframe >> nth=1').locator('td').inner_text()",
    )
    foreign, page = outcome.evidence.maps
    assert (places(page)["here"].frame, places(page)["Rates"].frame) == (True, False)
    assert (places(foreign)["4 %"].label, places(foreign)["4 %"].frame) == ("Rate", True)


async def test_state_of_forms_and_tabs_is_told_but_no_secret(run: Run) -> None:
    found = await last(
        run,
        """<div role=tablist aria-label=Tickets><button role=tab aria-selected=true>Open</button><button role=tab>Closed
        </button></div><nav><a class="nav-link active">Home</a> <a>Shop</a></nav>
        <select name=cat><option>All<option selected>Clocks</select>
        <label><input type=checkbox checked> In stock</label>
        <input type=radio name=size id=s checked><label for=s>Small</label>
        <input name=q value="oak"><input type=password value=sesame-1><input name=otp value=123456>
        <input type=hidden name=csrf_token value=abcdef><input autocomplete=cc-number value=4111>
        <table><tr><th aria-sort=descending>Price<tr><td>3</table>""",
    )
    assert set(found.state) == {
        ("current", "Tickets", "Open"), ("current", "", "Home"), ("select", "cat", "Clocks"),
        ("checkbox", "In stock", "In stock"), ("radio", "size", "Small"), ("input", "q", "oak"),
        ("sort", "Price", "descending"),
    }  # fmt: skip
    for secret in ("sesame", "123456", "abcdef", "4111"):
        assert secret not in repr(found.units)


async def test_struck_prices_are_marked_whether_by_tag_or_by_style(run: Run) -> None:
    found = await last(
        run,
        """<style>.was {text-decoration: line-through}</style><p><s>£9</s> £8</p><p><span class=was>£7</span> £6</p>
        <div class=was><span>£5</span></div><div style="text-decoration: line-through">£4</div>""",
    )
    texts = [unit.text.replace("\u0005", "") for unit in found.units]
    assert texts[:2] == ["\u0001£9\u0002 £8", "\u0001£7\u0002 £6"]
    assert texts[3] == "\u0001£4\u0002"
    assert texts[2].startswith("\u0001")


async def test_hidden_rows_are_told_as_hidden(run: Run) -> None:
    found = await last(
        run,
        """<ul><li>a<li style="display:none">b<li hidden>c<li style="visibility:hidden">d</ul>
        <details><summary>more</summary><p>e</details><div style="display:contents"><p>f</div>""",
    )
    hidden = {text: place.hidden for text, place in places(found).items()}
    assert hidden == {"a": False, "b": True, "c": True, "d": True, "more": False, "e": True, "f": False}


async def test_totals_and_messages_are_those_of_the_list(run: Run) -> None:
    found = await last(
        run,
        """<title>Search</title><nav>12 packages</nav><ol class=breadcrumb><li>Home<li>Books</ol><main><h1>Search</h1>
        <b>600</b><span>Stores</span><p>47 Ergebnisse</p><div role=status>No exact match for "oak"</div>
        <ul><li>Fig, 12 reviews<li>Pear, 9 entries</ul></main>""",
    )
    assert found.totals == (("47 Ergebnisse", 47),)
    assert 'No exact match for "oak"' in found.messages
    assert (found.title, found.h1, found.breadcrumbs) == ("Search", ("Search",), ("Home > Books",))


async def test_the_range_of_a_list_is_a_total_though_it_stands_in_an_item(run: Run) -> None:
    found = await last(run, "<ul><li>Appel, 9 resultaten<li>Peer, 12 stuks<li>11 t/m 20 van 47</ul>")
    assert found.totals == (("11 t/m 20 van 47", 47),)


async def test_pages_that_hide_the_walk_from_itself_are_mapped(run: Run) -> None:
    found = await last(
        run,
        """<form><input name=children value=1><input name=tagName><input name=getAttribute><input name=childNodes>
        <input name=parentElement><p>inside</form><script>Array.prototype.toJSON = Object.prototype.toJSON = () => 'x';
        </script><p>🦉\ud83e""".encode("utf-8", "replace").decode(),
    )
    assert "inside" in places(found)


async def test_a_page_that_makes_up_its_map_fails_no_run(run: Run) -> None:
    outcome = await run("<p>x</p><script>JSON.stringify = () => '{\"units\": 7}'</script>")
    assert (outcome.value, outcome.evidence.maps, outcome.evidence.unmapped) == ("x", (), 1)


async def test_long_lists_are_sampled_with_their_numbers_and_within_bounds(run: Run) -> None:
    html = (
        "<table><tr><th>Name<th>Price" + "".join(f"<tr><td>row {n}<td>{n}.50" for n in range(5000)) + "</table><p>end"
    )
    found = await last(run, html, "return await page.locator('tr').count()")
    assert (found.containers, found.items[-1].number) == ((5000,), 4999)
    assert 100 <= len(found.items) <= 400
    numbers = [item.number for item in found.items]
    assert [rows(found)[at][0] for at in range(len(numbers))] == [f"row {n}" for n in numbers]
    assert found.cut == 5000 - len(found.items)
    assert found.units[-1].text == "end"


async def test_what_is_read_is_mapped_before_the_page_changes(run: Run, shop: Pages) -> None:
    shop.html |= {
        "/2": "<title>Two</title><p>second <button onclick=\"fetch('/none')\">ask</button>",
        "/3": "<title>Three</title><p>third",
    }
    outcome = await run(
        "<title>One</title><p>first <a href=/2>on</a>",
        """
        texts = [await page.locator("p").inner_text()]
        await page.get_by_text("on").click()
        await page.wait_for_url("**/2")
        async with page.expect_response("**/none"):
            await page.get_by_text("ask").click()
        texts.append(await page.locator("p").inner_text())
        await page.goto(task.start_url + "3")
        return [*texts, await page.locator("p").inner_text()]
        """,
    )
    maps = outcome.evidence.maps
    assert [m.title for m in maps] == ["One", "Two", "Three"]
    assert maps[1].failed == ((shop.url + "none", 404),)
    assert (maps[0].failed, maps[2].failed) == ((), ())


async def test_a_document_that_failed_is_told_without_what_failed_before_it(run: Run, shop: Pages) -> None:
    outcome = await run(
        "<p>first <button onclick=\"fetch('/none')\">ask</button>",
        """
        async with page.expect_response("**/none"):
            await page.get_by_role("button").click()
        first = await page.locator("p").inner_text()
        await page.goto(task.start_url + "gone")
        return [first, await page.locator("body").inner_text()]
        """,
    )
    assert [m.failed for m in outcome.evidence.maps] == [((shop.url + "none", 404),), ((shop.url + "gone", 404),)]


@pytest.mark.parametrize("act", ["click", "press('Enter')", "page", "keyboard", "script"])
async def test_what_was_read_is_mapped_before_a_script_of_the_page_replaces_it(run: Run, act: str) -> None:
    acts = {
        "page": "await page.click('button')", "keyboard": "await page.keyboard.press('Enter')",
        "script": "await page.evaluate('document.querySelector(`button`).click()')",
    }  # fmt: skip
    call = f"await page.get_by_role('button').{act if '(' in act else act + '()'}"
    outcome = await run(
        "<p>before</p><button autofocus onclick=\"document.querySelector('p').textContent = 'after'\">Go</button>",
        f"""
        read = [await page.locator("p").inner_text()]
        {acts.get(act, call)}
        return [*read, await page.locator("p").inner_text()]
        """,
    )
    assert outcome.value == ["before", "after"]
    assert [found.units[0].text for found in outcome.evidence.maps] == ["before", "after"]


async def test_of_many_pages_the_first_the_last_and_some_between_are_mapped(run: Run, shop: Pages) -> None:
    shop.html |= {f"/p{n}": f"<title>{n}</title><p>page {n}" for n in range(40)}
    outcome = await run(
        "<title>list</title><p>x",
        """
        texts = [await page.locator("p").inner_text()]
        for n in range(40):
            await page.goto(f"{task.start_url}p{n}")
            texts.append(await page.locator("p").inner_text())
        return texts
        """,
    )
    titles = [m.title for m in outcome.evidence.maps]
    assert len(titles) <= MOST_MAPS
    assert (titles[0], titles[-1]) == ("list", "39")
    assert outcome.evidence.unmapped == 41 - len(titles)
    assert len(titles) >= 6


async def test_the_map_changes_nothing_on_the_page(run: Run) -> None:
    outcome = await run(
        """<p style="height:9000px">tall<input id=a><script>
        window.seen = [];
        for (const name of ['focus', 'blur', 'scroll', 'selectionchange', 'click'])
          addEventListener(name, (e) => seen.push(name), true);
        new MutationObserver(() => seen.push('mutation'))
          .observe(document, {subtree: true, childList: true, attributes: true});
        </script>""",
        """
        await page.evaluate("window.seen.length = 0")
        for _ in range(3):
            await page.locator("p").inner_text()
            await page.mouse.wheel(0, 0)
        return await page.evaluate("[window.seen, scrollY, document.activeElement.tagName]")
        """,
    )
    assert outcome.value == [[], 0, "BODY"]


async def test_boxes_tell_where_a_text_stands_where_they_are_asked_for(run: Run) -> None:
    html = "<body style='margin:0'><p style='position:absolute;left:30px;top:2000px;width:200px'>far below"
    assert (await run(html)).evidence.maps[-1].units[0].box is None
    (unit,) = (await run(html, boxes=True)).evidence.maps[-1].units
    assert unit.box is not None
    assert unit.box[0] == 30
    assert 2000 <= unit.box[1] <= 2040
