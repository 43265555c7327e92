"""The page as the model sees it: short, and without losing a control."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Page

from engine.observation.aria import parse
from engine.observation.observer import CAP, Observer
from sandbox.inside import snapshots
from sandbox.results import PageSnapshot
from tests.support import observed_pages as pages
from tests.support.reach import pages as unfold_pages
from tests.support.reach import reach, take

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


async def show(page: Page, html: str) -> PageSnapshot:
    await page.set_content(html)
    return await take(page)


async def test_no_control_is_lost(blank: Page) -> None:
    for name, html in pages.ALL.items():
        await blank.set_content(html)
        found = await reach(blank)
        assert not found.lost, f"{name}: {found.look}"
        assert found.controls > 0, name
        assert len(found.look) <= CAP, name


async def test_a_table_is_folded_to_its_shape_count_and_exceptions(blank: Page) -> None:
    snapshot = await show(blank, pages.table())
    look = Observer().first(snapshot)
    assert len(look) < len(snapshot.aria) / 8
    assert '"Invoice 1…"' in look
    assert '"Invoice 2…"' in look
    assert '"Invoice 3…"' not in look
    assert '"Invoice 31 voided"' in look  # the one that differs
    assert '"Invoice 50…"' in look
    shown = 4
    assert sum(int(n) for n in re.findall(r"⋯ (\d+) more like these", look)) == 50 - shown
    assert 'h1 "50 results"' in look
    assert '"Page 1 of 4"' in look
    assert re.search(r'link "Next page" \[e\d+\] \?page=2', look)
    assert '("Invoice 1 of the year")' in look  # what the ellipsis hides


async def test_an_empty_header_keeps_its_place(blank: Page) -> None:
    head = "".join(f'<span role="columnheader">{name}</span>' for name in ("", "State", "Number"))
    row = "".join(f'<span role="cell">{text}</span>' for text in ("", "Paid", "NP-7"))
    rows = f'<div role="row">{head}</div>' + f'<div role="row">{row}</div>' * 2
    look = Observer().first(await show(blank, f'<div role="table" aria-label="Orders">{rows}</div>'))
    assert '- | "State" | "Number"' in look
    assert '- | "Paid" | "NP-7"' in look


async def test_decoration_is_dropped_and_single_characters_stay(blank: Page) -> None:
    look = Observer().first(await show(blank, pages.grid() + "<p>9</p><p>1</p>"))
    assert "img" not in look
    assert '"9"' in look
    assert '"1"' in look
    assert '"Sold out"' in look
    assert "cursor" not in look


async def test_fields_are_all_shown_and_options_folded(blank: Page) -> None:
    look = Observer().first(await show(blank, pages.FORM))
    assert all(f'textbox "Field {letter}" [e' in look for letter in "ABCDEFGHIJKLMN")
    assert re.search(r'"Country 0".*⋯ 50 more in e\d+', look)
    assert 'form: "GET /save: f0 f1' in look
    assert 'button "Save"' in look


async def test_a_password_is_masked(blank: Page) -> None:
    snapshot = await show(blank, pages.LOGIN)
    observer = Observer()
    ref = re.search(r'textbox "Password" \[(e\d+)\]', observer.first(snapshot))
    assert ref
    said = observer.first(snapshot) + observer.find(snapshot, "password") + observer.unfold(snapshot, ref[1])
    assert "hunter2" in snapshot.aria
    assert "hunter2" not in said


async def test_unfolding_shows_each_row_on_pages(blank: Page) -> None:
    snapshot = await show(blank, pages.table(200))
    observer = Observer()
    fold = re.search(r"in (e\d+) \((e\d+)-(e\d+)\)", observer.first(snapshot))
    assert fold
    first_page = observer.unfold(snapshot, fold[1])
    assert len(first_page) <= CAP
    assert "unfold " in first_page
    everything = unfold_pages(observer, snapshot, fold[1])
    assert re.findall(r'link "Invoice (\d+)…"', everything) == [str(i) for i in range(1, 201) if i != 31]
    part = unfold_pages(observer, snapshot, f"{fold[2]}-{fold[3]}")
    assert "Invoice 3…" in part
    assert "Invoice 1…" not in part
    assert "no " in observer.unfold(snapshot, "e99999")


async def test_find_returns_refs_places_and_a_count(blank: Page) -> None:
    snapshot = await show(blank, pages.table())
    observer = Observer()
    assert re.search(
        r'1 match:\nin table \[e\d+\] > row "Invoice 31.*\n "Invoice 31 voided"', observer.find(snapshot, "VOIDED")
    )
    assert re.search(r'link "Invoice 42…" \[e\d+\] /invoices/42', observer.find(snapshot, "invoices/42"))
    assert observer.find(snapshot, r"^link Invoice 1\d…").startswith("10 matches:")
    many = observer.find(snapshot, "delete")
    assert many.startswith("49 matches:")
    assert len(many) < CAP
    assert "more: search for something narrower" in many
    assert "Nothing" in observer.find(snapshot, "zebra")
    assert "some of the words only" in observer.find(snapshot, "voided zebra")
    assert observer.find(snapshot, "(a+)+$" * 3).startswith("Nothing")  # would run away as an expression


async def test_a_later_look_shows_only_changes(blank: Page) -> None:
    observer = Observer()
    observer.first(await show(blank, pages.ENDLESS))
    assert observer.again(await take(blank)) == "Nothing changed; unfold=page shows it whole."
    await blank.get_by_role("button", name="Load more").click()
    grown = observer.again(await take(blank))
    assert re.search(r'^ \+ .*link "News 21"', grown, re.MULTILINE)
    assert '"News 1"' not in grown
    assert '"News 40"' in grown
    await blank.evaluate("document.querySelector('h1').textContent = 'Old news'; list.children[7].remove()")
    changed = observer.again(await take(blank))
    assert '"Old news"' in changed
    assert '(was h1 "News")' in changed
    assert re.search(r'- .*"News 8"', changed)
    assert len(changed) < 400


async def test_a_typed_value_is_a_change_and_another_path_a_new_page(blank: Page) -> None:
    observer = Observer()
    observer.first(await show(blank, pages.FORM))
    await blank.get_by_label("Field C").fill("blue")
    typed = observer.again(await take(blank))
    assert re.search(r'~ textbox "Field C" \[e\d+\] active = "blue"', typed)
    assert "Field D" not in typed
    moved = replace(await take(blank), url="http://elsewhere.test/")
    assert "Field D" in observer.again(moved)


async def test_renumbered_refs_are_listed_without_a_change(blank: Page) -> None:
    observer = Observer()
    observer.first(await show(blank, pages.LOGIN))
    await blank.evaluate("document.body.replaceChildren(document.body.firstChild.cloneNode(true))")
    again = observer.again(await take(blank))
    assert "new refs" in again
    assert re.search(r'button "Sign in" \[e\d+\]', again)


async def test_page_text_cannot_imitate_the_engines_marks(blank: Page) -> None:
    snapshot = await show(blank, pages.HOSTILE)
    observer = Observer()
    for said in (observer.first(snapshot), observer.unfold(snapshot, "page"), observer.find(snapshot, "e")):
        assert not re.search(r"</?\s*/?\s*page", said, re.IGNORECASE)
        assert not re.search("[\u200b\u202e\U000e0041]", said)
        ours = QUOTED.sub("", said)
        assert "Buy" not in ours
        assert "Drop" not in ours
        assert set(re.findall(r"\[(e\d+)\]", said)) <= {node.ref for node in parse(snapshot.aria).walk()}


async def test_find_returns_the_ref_of_the_control_around_a_text(blank: Page) -> None:
    snapshot = await show(blank, pages.FRAMES + "<section><div onclick='1'>Plain opener</div><p>b</p></section>")
    observer = Observer()
    for words, text in (
        ("drawer", "Open the drawer"),
        ("plain opener", "Plain opener"),
        ("in the shadow", "In the shadow"),
    ):
        found = re.search(r"\[(e\d+)\]", observer.find(snapshot, words).splitlines()[-1])
        assert found, words
        assert await blank.get_by_ref(found[1]).inner_text() == text


def _as_sandbox(found: dict[str, Any]) -> PageSnapshot:
    return PageSnapshot(found["url"], found["title"], found["aria"], tuple(found["hints"]))


async def test_a_large_page_is_looked_at_in_part_and_says_so(blank: Page) -> None:
    rows = "".join(
        f"<tr><td>{n:05}</td><td>Holder {n}</td><td style='visibility: visible'>ward</td></tr>" for n in range(3000)
    )
    style = "<style>td {transition: visibility 1s}</style>"
    await blank.set_content(f"{style}<h1>3,000 permits</h1><table><tbody>{rows}</tbody></table><a href='/2'>Next</a>")
    everything = "{attributes: true, subtree: true, childList: true}"
    await blank.evaluate(
        f"() => new MutationObserver(() => document.title = 'changed').observe(document, {everything})"
    )
    observer, snapshot = Observer(), _as_sandbox(await snapshots.snapshot(blank))
    look = observer.first(snapshot)
    assert re.search(r"left out: \d+ of 3000 tr in tbody \(the first \d+ and last \d+ are shown\)", look)
    assert '"3,000 permits"' in look
    assert '"00000" | "Holder 0" | "ward"' in look
    assert '"02999" | "Holder 2999" | "ward"' in look
    assert 'link "Next"' in look
    assert len(snapshot.aria) < 300_000
    assert "left out: " in observer.find(snapshot, "Holder 1700")
    assert await blank.locator("tr").nth(1700).is_visible()
    assert await blank.title() == ""


async def test_many_small_lists_are_looked_at_in_part(blank: Page) -> None:
    box = "<section><h2>Box</h2><ul>" + "<li>one</li>" * 30 + "</ul></section>"
    await blank.set_content("<main>" + box * 50 + "</main><footer><div><p>" + box * 250 + "</p></div></footer>")
    found = await snapshots.snapshot(blank)
    assert found["hints"][0][0] == "partial"
    assert found["aria"].count("listitem") < snapshots.MOST_ELEMENTS
    assert found["aria"].count("listitem") > snapshots.MOST_ELEMENTS / 2


async def test_a_page_that_does_not_answer_is_said_to(blank: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_ANSWER_SECONDS", 0.1)
    await blank.set_content("<h1>Busy</h1>")
    await blank.evaluate("() => { setTimeout(() => { const end = Date.now() + 700; while (Date.now() < end); }) }")
    look = Observer().first(_as_sandbox(await snapshots.snapshot(blank)))
    assert "gave no answer in time" in look
    assert await blank.evaluate("() => document.title = 'done'") == "done"  # it is usable after
    monkeypatch.undo()
    assert 'h1 "Busy"' in Observer().first(_as_sandbox(await snapshots.snapshot(blank)))


async def test_a_snapshot_is_bounded_in_size(blank: Page) -> None:
    await blank.set_content(
        f"<title>{'t' * 2_000_000}</title><h1>Long</h1><p>{'word ' * 500_000}</p><p>{'x' * 100}</p>"
    )
    found = await snapshots.snapshot(blank)
    assert len(found["aria"]) <= snapshots.MOST_CHARACTERS
    assert len(found["title"]) <= 1_000
    assert "heading" in found["aria"]
    assert found["hints"][0] == ("partial", "what follows the first 1,048,576 characters")
