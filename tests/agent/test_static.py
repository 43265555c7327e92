import textwrap

import pytest

from engine.agent.static import findings

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


def body(line: str) -> str:
    return "async def run(page, parameters, task):\n    x = parameters['q']\n" + textwrap.indent(line, "    ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def run(page", "does not parse"),
        ("async def main(page, parameters, task): pass", "there is no `async def run"),
        ("async def run(page): pass", "must take"),
        (body("import requests"), "import of 'requests'"),
        (body("from sandbox.worker import x"), "import of 'sandbox.worker'"),
        (body("from . import x"), "import of '.'"),
        (body("try:\n    x()\nexcept:\n    raise"), "bare except"),
        (body("try:\n    x()\nexcept Exception:\n    pass"), "swallowed"),
        (body("for a in x:\n    try:\n        x()\n    except Exception:\n        continue"), "swallowed"),
        (body("await page.wait_for_timeout(500)"), "fixed wait"),
        (body("import asyncio\nawait asyncio.sleep(3)"), "fixed sleep"),
        (body("await page.goto('/list?q=plumbing&p=2')"), "baked in"),
        (
            "async def run(page, parameters, task):\n    await page.get_by_text('plumbing').click()",
            "baked in",
        ),
        ("async def run(page, parameters, task):\n    return 1", "never read"),
    ],
)
def test_each_fault_is_named_with_its_line(code: str, said: str) -> None:
    found = findings(code, {"q": "plumbing"})
    assert any(said in f for f in found), found


def test_a_secret_value_may_stand_nowhere() -> None:
    code = body("# log in with ab")
    assert findings(code, {"q": "x", "password": "ab"}, {"password"}) != []


def test_values_under_three_characters_are_no_evidence() -> None:
    assert findings(body("await page.goto('/list?page=2')"), {"q": 2}) == []
