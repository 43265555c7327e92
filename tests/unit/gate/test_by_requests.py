"""Code that needs no browser as it is: it does nothing with its page but send requests."""

from __future__ import annotations

import textwrap

import pytest

from engine.gate.by_requests import adapted
from engine.gate.static_checks import findings
from sandbox.kinds import automation_kind

HEAD = "from __future__ import annotations\nimport json\n"


def code(body: str, before: str = "") -> str:
    return f"{HEAD}{before}\nasync def run(page, parameters, task):\n{textwrap.indent(body, '    ')}\n"


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ("return await (await page.request.get(task.start_url, params=parameters)).json()", ""),
        ("return await (await page.context.request.post('/a', data={})).text()", ""),
        ("api = page.request\nreturn [page.url, (await api.get('/a')).status]", ""),
        (
            "return await rows(page, task)",
            "async def rows(page, task):\n    return await (await page.request.get(task.start_url)).text()\n",
        ),
        ("await task.read([])\ntask.log('x')\nreturn await (await page.request.fetch('/a', method='PUT')).body()", ""),
    ],
)
def test_code_that_only_sends_requests_gets_a_run_without_a_browser(body: str, before: str) -> None:
    made = adapted(code(body, before))
    assert made is not None
    compile(made, "automation.py", "exec")
    assert automation_kind(made) == "web"
    assert findings(made, {}) == []


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ("await page.goto('/a')\nreturn await (await page.request.get('/b')).json()", ""),
        ("return [await (await page.request.get('/b')).json(), await page.title()]", ""),
        ("return await rows(page)", "async def rows(tab):\n    return await tab.request.get('/a')\n"),
        ("await page.context.add_cookies([])\nreturn await page.request.get('/a')", ""),
        ("await task.empty(page.locator('p'))\nreturn await page.request.get('/a')", ""),
        ("async with task.irreversible('order'): await page.request.post('/a')", ""),
        ("return await page.request.get('/a')", "from playwright.async_api import expect\n"),
        ("x = page\nreturn await x.request.get('/a')", ""),
        ("return await page.request.get('/a') or await run(page, parameters, task)", ""),
        ("return 1", ""),
    ],
)
def test_code_that_does_more_is_left_alone(body: str, before: str) -> None:
    assert adapted(code(body, before)) is None


def test_what_does_not_parse_or_has_no_browser_is_left_alone() -> None:
    assert adapted("async def run(page, parameters, task: page.request") is None
    assert adapted("async def run(web, parameters, task): return page.request") is None
