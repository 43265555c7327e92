import textwrap

import pytest

from engine.gate.static_checks import findings

GOOD = '''
import re
from playwright.async_api import expect

async def run(page, parameters, task):
    """Entries of one category."""
    await page.goto(f"{task.start_url}?category={parameters['category']}")
    if parameters["category"] == "plumbing":
        task.log("x")
    return await page.get_by_role("row").all_inner_texts()
'''


def test_good_code_has_no_findings() -> None:
    assert findings(GOOD, {"category": "plumbing"}) == []


def test_findings_are_told_in_the_order_of_their_lines() -> None:
    inner = "for row in range(3):\n    x = page.locator('td:nth-child(2)')\n    y = page.locator('tr > :nth-child(3)')"
    lines = [
        line for line in findings(body(f"{inner}\nz = page.locator('li:nth-child(4)')\nimport requests"), {}) if line
    ]
    assert [int(line.split()[1].rstrip(":")) for line in lines] == [4, 5, 6, 7], lines


def body(line: str) -> str:
    head = "async def run(page, parameters, task):\n    x = parameters['q'], await page.title()\n"
    return head + textwrap.indent(line, "    ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def run(page", "does not parse"),
        ("async def main(page, parameters, task): pass", "there is no `async def run"),
        ("async def run(page): pass", "must take"),
        (body("import requests"), "import of 'requests'"),
        (body("from sandbox.inside.main import x"), "import of 'sandbox.inside.main'"),
        (body("from . import x"), "import of '.'"),
        (body("try:\n    x()\nexcept:\n    raise"), "bare except"),
        (body("try:\n    x()\nexcept Exception:\n    pass"), "swallowed"),
        (body("for a in x:\n    try:\n        x()\n    except Exception:\n        continue"), "swallowed"),
        (body("await page.wait_for_timeout(800)"), "fixed wait"),
        (body("await page.wait_for_timeout(seconds * 1000)"), "fixed wait"),
        (body("import asyncio\nawait asyncio.sleep(3)"), "fixed wait"),
        (body("import asyncio\nawait asyncio.sleep(2 + 0.1 * n)"), "fixed wait"),
        (body("import asyncio\npause = 2\nawait asyncio.sleep(pause / 1)"), "fixed wait"),
        (body("import asyncio\npause = 0.1\npause *= 2\nawait asyncio.sleep(pause)"), "fixed wait"),
        (body("import time\ntime.sleep(0.1)"), "fixed wait"),
        (body("await page.goto('/list?q=plumbing&p=2')"), "baked in"),
        (
            "async def run(page, parameters, task):\n    await page.get_by_text('plumbing').click()",
            "baked in",
        ),
        ("async def run(page, parameters, task):\n    return 1", "never read"),
        (body("try:\n    x()\nexcept Exception as error:\n    return {'error': str(error)}"), "swallowed"),
        (body("import contextlib\nwith contextlib.suppress(Exception):\n    x()"), "swallowed"),
        (
            body("from playwright.async_api import Error as Oops\ntry:\n    x()\nexcept Oops:\n    pass"),
            "swallowed",
        ),
        (body("import playwright.async_api as pw\ntry:\n    x()\nexcept pw.Error:\n    pass"), "swallowed"),
        (body("try:\n    x()\nexcept TimeoutError:\n    return []"), "becomes an empty result"),
        (body("while True:\n    x()"), "nothing ends this loop"),
        (body("while True:\n    for a in x:\n        break"), "nothing ends this loop"),
        (body("for n in itertools.count():\n    x(n)"), "nothing ends this loop"),
        (body("page.locator('tr > td:nth-child(2)')"), "by position"),
        (body("page.locator('tr').nth(3).locator('td').nth(1)"), "chain of positions"),
        (body("page.locator('xpath=//table/tr[2]/td[1]')"), "by position"),
        (body("rows.evaluate_all('rows => rows.map(r => r.cells[2].innerText)')"), "by position"),
        (body("await page.goto('https://shop.example/list')"), "names the site"),
        (body("page.locator('text=plumbing works & more')"), "baked in"),
    ],
)
def test_each_fault_is_named_with_its_line(code: str, said: str) -> None:
    q = "plumbing works & more" if "more" in code else "plumbing"
    found = findings(code, {"q": q}, start_url="https://shop.example/")
    assert any(said in f for f in found), found


@pytest.mark.parametrize(
    "code",
    [
        "await page.wait_for_timeout(250)",
        "import asyncio\nPAUSE = 0.25\nfor _ in range(9):\n    await asyncio.sleep(PAUSE)",
        "import asyncio\nfor n in range(9):\n    await asyncio.sleep(min(0.4, 0.1 * n))",
        "import asyncio\nawait asyncio.sleep(0.1 if parameters['city'] else 0.2)",
    ],
)
def test_short_pauses_of_a_poll_are_let_through(code: str) -> None:
    assert not [each for each in findings(body(code), {}) if "wait" in each]


@pytest.mark.parametrize(
    "line",
    [
        "while True:\n    if x:\n        break",
        "while True:\n    for a in x:\n        if a:\n            break\n    else:\n        break",
        "while True:\n    try:\n        return x()\n    except ValueError as error:\n        raise x from error",
        "while True:\n    with x:\n        if x:\n            return 1",
        "while await x.count():\n    x()",
        "try:\n    x()\nexcept TimeoutError:\n    pass",
        "try:\n    x()\nexcept Exception:\n    x()\n    raise",
        "try:\n    x()\nexcept TimeoutError:\n    await task.empty(x)\n    return []",
        "page.locator('tr').nth(0).locator('td').first",
        "page.locator('li:nth-child(odd)')",
        "rows.evaluate_all('rows => rows.filter(r => r.cells[0].tagName === \"TD\").length')",
        "page.get_by_role('link', name='Open')",
        "await page.goto('https://other.example/list')",
    ],
)
def test_what_has_its_reasons_is_let_through(line: str) -> None:
    assert findings(body(line), {"q": "Open"}, start_url="https://shop.example/") == []


def test_a_secret_value_may_stand_nowhere() -> None:
    code = body("# log in with ab")
    assert findings(code, {"q": "x", "password": "ab"}, {"password"}) != []


def test_values_under_three_characters_are_no_evidence() -> None:
    assert findings(body("await page.goto('/list?page=2')"), {"q": 2}) == []


@pytest.mark.parametrize(
    ("secret", "line", "found"),
    [
        ("hunter2-xyz", "await page.fill('#p', 'hunter2-xyz')", True),
        ("hunter2-xyz", "await page.goto('/login?key=hunter2%2Dxyz')", True),
        ("hunter2-xyz", "x()  # hunter2-xyz", True),
        ("4711", "await page.fill('#pin', '4711')", True),
        ("4711", "x(4711)", True),
        ("page", "await page.fill('#p', parameters['password'])", False),
        ("fill", "await page.fill('#p', parameters['password'])", False),
        ("admin", "await page.goto('/admin/')", False),
        ("password", "await page.fill('[type=password]', parameters['password'])", False),
    ],
)
def test_the_value_of_a_secret_stands_nowhere_but_code_may_have_words(secret: str, line: str, found: bool) -> None:
    said = findings(body(line), {"q": "x", "password": secret}, {"password"})
    assert any("secret parameter 'password'" in f for f in said) is found, said


def without_browser(line: str) -> str:
    head = "async def run(web, parameters, task):\n    x = parameters['q'], await web.get('/')\n"
    return head + textwrap.indent(line, "    ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return (await web.get('/')).text", None),
        ("return page.css('li').texts", None),
        ("return page.css('td')[0].text, page.css('td')[-1].text", None),
        ("form = page.form('Search')\nreturn (await form.submit({'q': 1})).json()", None),
        ("pages = web.gather(*links)\nreturn [page.text for page in await pages]", None),
        ("return web.get('/').text", "await web.get('/')"),
        ("page.form('Search').submit({'q': 1})\nreturn page.text", "await page.form('Search').submit({'q': 1})"),
        ("form.submit({})\nreturn page.text", "await form.submit({})"),
        ("import playwright.async_api\nreturn page.text", "there is no browser"),
        ("import httpx\nreturn page.text", "only the standard library"),
        ("return [row.css('td')[2].text for row in page.css('tr')]", "row.css('td')[2] selects by position"),
        ("cells = row.css('tr > td').texts\nreturn cells[3]", "cells[3] selects by position"),
        ("return page.get_by_role('cell')[1].text", "selects by position"),
        ("return page.css('tr:nth-child(3)').texts", "selects by position"),
        ("return (await web.get('https://shop.example/list')).text", "names the site"),
        ("return (await web.get('/list?q=plumbing')).text", "has this run's value"),
        ("return 1", "it reads nothing"),
    ],
)
def test_code_without_a_browser_is_checked_alike(line: str, said: str | None) -> None:
    found = findings(without_browser(line), {"q": "plumbing"}, start_url="https://shop.example/")
    assert found == [] if said is None else any(said in each for each in found), found
