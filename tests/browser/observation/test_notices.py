"""Notices, hints and messages: what a page has or does beside its plain content."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route

from engine.observation.observer import Observer
from sandbox.inside import snapshots
from sandbox.inside.evidence import READ_PAGE
from sandbox.inside.notices import MOST_NOTICES, PageNotices, drop_handlers
from sandbox.results import PageSnapshot
from sandbox.shadow_roots import open_closed_roots
from sandbox.toolkit import _OPEN_SHADOW_ROOTS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _look(page: Page) -> str:
    found: dict[str, Any] = await snapshots.snapshot(page)
    return Observer().first(PageSnapshot(found["url"], found["title"], found["aria"], tuple(found["hints"])))


async def _serve(page: Page, html: str) -> None:
    async def answer(route: Route) -> None:
        path = route.request.url.partition(".test")[2]
        if path == "/":
            await route.fulfill(body=html, content_type="text/html")
        elif path == "/report":
            await route.fulfill(body="a,b", headers={"content-disposition": 'attachment; filename="report.csv"'})
        elif path == "/other":
            await route.fulfill(body="<h1>Other</h1>", content_type="text/html")
        elif path == "/broken":
            await route.fulfill(status=500)
        else:
            await route.abort()

    await page.context.route("**/*", answer)
    await page.goto("http://shop.test/")


async def test_what_a_page_does_on_the_side_is_told_once(blank: Page) -> None:
    notices, page = PageNotices(blank.context), blank
    await _serve(page, "<h1>Shop</h1><a href='/report'>Report</a>")
    assert notices.take() == []
    assert await page.evaluate("() => confirm('Delete it?')") is False
    await page.evaluate("() => Promise.allSettled(['/broken', '/gone', 'http://tracker.invalid/'].map(u => fetch(u)))")
    async with page.expect_download():
        await page.get_by_role("link").click()
    async with page.expect_popup() as opened:
        await page.evaluate("() => { window.open('/other') }")
    await (await opened.value).wait_for_load_state()
    assert notices.untold() == notices.untold()
    told = notices.take()
    assert "a dialog was dismissed: confirm 'Delete it?'" in told
    assert "a request of the page failed: GET http://shop.test/broken: HTTP 500" in told
    assert any(text.startswith("a request of the page failed: GET http://shop.test/gone: net::") for text in told)
    assert "a download began: 'report.csv'; task.download(locator) takes it" in told
    assert "a pop-up opened: http://shop.test/other" in told
    assert len(told) == 5
    assert notices.take() == []


async def test_a_dialog_that_the_code_answers_is_left_to_it(blank: Page) -> None:
    notices, page = PageNotices(blank.context), blank
    page.once("dialog", lambda dialog: dialog.accept())
    assert await page.evaluate("() => confirm('Go on?')") is True
    assert await page.evaluate("() => confirm('Again?')") is False
    assert notices.take() == ["a dialog was dismissed: confirm 'Again?'"]


async def test_notices_are_few(blank: Page) -> None:
    notices = PageNotices(blank.context)
    await blank.evaluate("() => { for (let n = 0; n < 9; n++) alert(n) }")
    told = notices.take()
    assert len(told) == MOST_NOTICES + 1
    assert told[-1] == "3 more such notices"


async def test_handlers_of_a_run_do_not_outlive_it(blank: Page) -> None:
    PageNotices(blank.context)
    await blank.set_content("<button onclick='this.remove()'>Agree</button><button>Buy</button>")
    blank.on("dialog", lambda dialog: dialog.accept())
    await blank.add_locator_handler(blank.get_by_text("Agree"), lambda locator: locator.click())
    await blank.route("**/*.png", lambda route: route.abort())
    await drop_handlers(blank.context)
    assert await blank.evaluate("() => confirm('Go on?')") is False
    await blank.get_by_text("Buy").click()
    assert await blank.get_by_text("Agree").is_visible()


async def test_spans_fields_captions_frames_and_slots_are_named(blank: Page) -> None:
    await blank.set_content(
        """<table><caption hidden>Times of 2024</caption>
          <tr><td rowspan=2>Monday</td><td>9:00</td></tr><tr><td>10:00</td></tr>
          <tr><td colspan=2>closed</td></tr></table>
        <input name=q><input name=q><input name=named aria-label=City>
        <select name=sort onchange="this.form.submit()"></select>
        <form><select name=size onchange="this.form.submit()"><option value=s>S</select></form>
        <iframe name=results srcdoc="<p>inner</p>"></iframe><x-card><b slot=price>5</b></x-card>"""
    )
    look = await _look(blank)
    assert (
        'cells that span others: "1 span several rows, the first \\"Monday\\"; 1 span several columns, the first'
        in look
    )
    assert 'caption that is not shown: "Times of 2024"' in look
    assert 'fields without a label: "input[name=q] select[name=sort] select[name=size]"' in look
    assert "size=[s] (submits on change)" in look
    assert 'frame: "results"' in look
    assert 'slots: "price"' in look


async def test_texts_that_only_styles_keep_apart_are_named(blank: Page) -> None:
    await blank.set_content(
        """<style>.label { margin-left: 6px } .chip { padding: 0 4px }</style>
        <p><a href="#">Fix it (#137)</a><span class=label>HEAD</span><span class=label>main</span></p>
        <p><b class=chip>new</b><i class=chip>sale</i></p><p><b>half</b><i>word</i> <b>two</b> <i>words</i></p>
        <p><span>one</span><br><span>line</span><div>block</div><div>block</div>"""
    )
    assert 'texts that run together, at |: "Fix it (#137)|HEAD, HEAD|main, new|sale"' in await _look(blank)


async def test_a_closed_shadow_root_is_named_with_a_way_in(blank: Page) -> None:
    html = """<h1>Clinics</h1><clinic-list></clinic-list><div style="width: 20px; height: 20px"></div><script>
      customElements.define('clinic-list', class extends HTMLElement { connectedCallback() {
        const root = this.attachShadow({mode: 'closed'});
        root.innerHTML = '<style>b {color: red}</style><h2>9 clinics</h2><b>North 1</b>' } })</script>"""
    await blank.set_content(html)
    look = await _look(blank)
    assert '`await task.open_shadow_roots()`: "<clinic-list> 9 clinics North 1"' in look
    await blank.add_init_script(_OPEN_SHADOW_ROOTS)
    await _serve(blank, html)
    assert await blank.get_by_text("North 1").inner_text() == "North 1"
    assert "open_shadow_roots" not in await _look(blank)


async def test_closed_shadow_roots_in_frames_and_in_the_html_itself_are_named_and_opened(blank: Page) -> None:
    inner = """<h2>Inner</h2><div id=box><template shadowrootmode=closed><b>South 7</b></template></div>"""
    html = """<h1>Clinics</h1><clinic-card><template shadowrootmode=closed><p>North 1</p></template></clinic-card>
      <iframe src="/inner"></iframe><iframe src="http://other.test/inner"></iframe>"""
    for path in ("http://shop.test/inner", "http://other.test/inner"):
        await blank.route(path, lambda route: route.fulfill(body=inner, content_type="text/html"))
    await _serve(blank, html)
    await blank.frames[2].get_by_text("Inner").wait_for()
    look = await _look(blank)
    assert '"<clinic-card> North 1"' in look
    assert '"<div> South 7"' in look
    assert await open_closed_roots(blank) == 3
    assert await blank.get_by_text("North 1").inner_text() == "North 1"
    for frame in blank.frames[1:]:
        assert await frame.get_by_text("South 7").inner_text() == "South 7"
    assert "open_shadow_roots" not in await _look(blank)


async def test_selects_that_act_by_a_script_are_named(blank: Page) -> None:
    await blank.set_content(
        """<select name=sort><option>a</select><form><select id=town><option>b</select></form>
        <select name=plain><option>c</select>
        <select name=way onchange="location = this.value"><option>d</select><script>
        document.querySelector('[name=sort]').addEventListener('change', (e) => e.target.form.requestSubmit());
        document.querySelector('#town').addEventListener('change', () => fetch('/towns'));</script>"""
    )
    look = await _look(blank)
    assert 'select that acts on a choice: "sort: submits, or leaves the page"' in look
    assert 'select that acts on a choice: "town: a script acts"' in look
    assert 'select that acts on a choice: "way: submits, or leaves the page"' in look
    assert "plain:" not in look


async def test_messages_of_a_refused_form_are_read(blank: Page) -> None:
    await blank.set_content(
        """<form><p role=alert>A problem occurred.</p><p role=alert hidden>Sent</p>
        <input aria-invalid=true aria-describedby="hint"><span id=hint>Please give us a phone number</span>
        <input name=mail required><button>Send</button></form>"""
    )
    await blank.get_by_role("button").click()
    await asyncio.sleep(0)
    alerts = (await blank.evaluate(READ_PAGE))["alerts"]
    assert alerts == ["A problem occurred.", "Please give us a phone number", "mail: Please fill out this field."]


async def test_selects_that_act_by_a_listener_around_them_are_named(blank: Page) -> None:
    await blank.set_content(
        """<form id=f><select name=shelf></select></form>
        <form id=g onchange="this.submit()"><select name=any></select></form>
        <select name=sort class=auto></select><select name=kind></select><select name=jump></select>
        <select name=place></select><select name=old></select><select name=quiet></select>
        <div class=filters><select name=inside></select></div><select name=told data-auto-send></select>
        <select name=marked class="big now"></select><select name=called></select>
        <script>
          function go(target) { if (target.name === 'called') f.submit() }
          document.addEventListener('change', e => { if (e.target.closest('.filters')) f.submit() });
          document.addEventListener('change', e => { if (e.target.dataset.autoSend !== undefined) f.submit() });
          document.addEventListener('change', e => { if (e.target.classList.contains('now')) f.submit() });
          document.addEventListener('change', e => go(e.target));
          document.addEventListener('change', e => { if (e.target.matches('select.auto')) f.submit() });
          document.body.addEventListener('input', e => {
            if (e.target.name === 'kind') location.href = '?k=' + e.target.value });
          addEventListener('change', ({target}) => {
            const found = target.closest("select[name='jump']"); if (found) location.assign(found.value) });
          document.addEventListener('change', e => console.log(e.target.value));
          const bound = {change: [{selector: 'select[name=place]', handler: () => f.submit()},
            {selector: '.none', handler: () => f.submit()}]};
          window.jQuery = {_data: (e, what) => e === document ? bound : undefined};
        </script>"""
    )
    look = await _look(blank)
    for name in ("any", "sort", "kind", "jump", "place", "inside", "told", "marked", "called"):
        assert f'select that acts on a choice: "{name}: submits, or leaves the page"' in look
    for name in ("shelf", "old", "quiet"):
        assert f'"{name}: ' not in look


@pytest.mark.parametrize(
    "listener", ["e => e.target.form.submit()", "e => e.target.closest('form').requestSubmit()", "() => f.submit()"]
)
async def test_a_select_is_named_where_a_listener_around_it_acts_for_all_fields(blank: Page, listener: str) -> None:
    await blank.set_content(
        f"""<form id=f><select name=shelf></select></form>
        <script>document.addEventListener('change', {listener})</script>"""
    )
    assert 'select that acts on a choice: "shelf: submits, or leaves the page"' in await _look(blank)
