"""Answers to waits in vain: the nearest elements of the page, checked there, and where the run ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import AsyncEngine
from engine.testing import ScriptedModel, Turn
from tests.support.own_site import Answer, Asked, own_site
from tests.unit.runs.conftest import told

PAGE = """<title>Shirt</title><main><h1>Shirt</h1>
<label><input type=radio name=s>Size: M</label><label><input type=radio name=s>Size: S</label>
<select name=color hidden><option>Teal<option>Plum</select>
<p>In all<br>
nine pieces</p>
<form method=post action=/basket onsubmit="event.preventDefault(); fetch('/basket', {method: 'POST', body: 'q=1'})">
<b class="price-new">5</b><s class="price-old">6</s><i data-testid=size>M</i>
<button>Put in basket</button></form></main>"""
GIVE_UP: Turn = ("give_up", {"reason": "impossible", "message": "no"})


async def steps(store: Path, *codes: str) -> list[str]:
    """Return the answers to steps on the page."""
    turns: list[list[Turn]] = [[("python", {"code": code})] for code in codes]
    with own_site(lambda asked: Answer(PAGE)) as site:
        model = ScriptedModel(*turns, [GIVE_UP])
        async with AsyncEngine(store=store, model=model) as engine:
            await engine.run("Buy it", start_url=site.url, reuse_key="k")
    return told(model)[1:]


async def test_a_wait_in_vain_names_what_the_page_has_instead(tmp_path: Path) -> None:
    answers = await steps(
        tmp_path,
        "await page.get_by_role('radio', name='Size: XL').click(timeout=300)",
        "await page.get_by_text('Teal').click(timeout=300)",
        "await page.get_by_role('link', name='Put in basket').click(timeout=300)",
        "await page.locator('select').select_option('Pink', timeout=300, force=True)",
        "await page.locator('form .price-now').click(timeout=300)",
        "await page.get_by_test_id('sizes').click(timeout=300)",
        "await page.locator('main > h1.other').click(timeout=300)",
    )
    assert "Not on the page: radio 'Size: XL'; there is radio 'Size: M', radio 'Size: S'" in answers[0]
    assert "Not shown: 'Teal' is an option of <select name=\"color\">" in answers[1]
    assert "Not on the page: link 'Put in basket'; there is button 'Put in basket'" in answers[2]
    assert "Options of color: 'Teal', 'Plum'" in answers[3]
    assert "Not on the page: .price-now; there is .price-new, .price-old" in answers[4]
    assert 'Not on the page: [data-testid="sizes"]; there is [data-testid="size"]' in answers[5]
    assert "Not on the page: .other" in answers[6]


async def test_the_hint_on_blanks_is_given_only_where_it_was_found_true(tmp_path: Path) -> None:
    answers = await steps(
        tmp_path,
        "import re\nawait page.get_by_text(re.compile('in all nine', re.I)).click(timeout=300)",
        "await page.get_by_text(re.compile('In all ten')).click(timeout=300)",
        r"await page.get_by_text(re.compile(r'^\s*Nine (\d+ )?pieces\s*$', re.I)).click(timeout=300)",
    )
    assert "The text is there, with line breaks" in answers[0]
    assert "line breaks" not in answers[1]
    assert "On the page with 'pieces': 'nine pieces'" in answers[2]


BUY = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="Put in basket").click()
    await page.get_by_role("status").wait_for(timeout=500)
    return {"title": await page.title()}
"""
LATER = """\
async def run(page, parameters, task):
    if parameters["size"] == "M":
        return {"title": await page.title(), "size": parameters["size"]}
    await page.get_by_role("radio", name=f"Size: {parameters['size']}").click(timeout=300)
    return {"title": await page.title(), "size": parameters["size"]}
"""


async def test_a_failed_run_tells_what_was_sent_before(tmp_path: Path) -> None:
    model = ScriptedModel([("write", {"code": BUY, "reads_only": "the session's basket"})], [GIVE_UP])
    with own_site(lambda asked: Answer(PAGE if asked.method == "GET" else "")) as site:
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            await engine.run("Buy it", start_url=site.url, reuse_key="k")
        assert f"sent before: POST {site.url}basket by a script; it opened no page" in told(model)[1]


async def test_a_finish_that_fails_shows_the_page_as_a_write_does(tmp_path: Path) -> None:
    finish: Turn = ("finish", {"summary": "Buy", "other_parameters": {"size": "XL"}})
    model = ScriptedModel([("write", {"code": LATER}), finish], [GIVE_UP])

    def handle(asked: Asked) -> Answer:
        return Answer(PAGE)

    with own_site(handle) as site:
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            await engine.run("Buy it", start_url=site.url, parameters={"size": "M"}, reuse_key="k")
        answer = told(model)[2]
    assert "with other_parameters" in answer
    assert "there is radio 'Size: M', radio 'Size: S'" in answer
    assert f"at {site.url} ('Shirt'), status 200: 'Shirt" in answer
    assert "line 4, in run" in answer


@pytest.mark.parametrize("names", [[], [("radio", "x" * 200)]])
def test_names_that_would_have_to_be_cut_are_left_out(names: list[tuple[str, str]]) -> None:
    from sandbox.inside.near_misses import nearest

    assert nearest("radio", "x" * 190, names) == []
