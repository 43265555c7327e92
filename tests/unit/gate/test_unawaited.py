"""Calls that are never awaited."""

import pytest

from engine.gate.unawaited import unawaited_calls

RUN = "async def run(page, parameters, task):\n    "


@pytest.mark.parametrize(
    ("line", "awaited"),
    [
        ("page.get_by_role('link', name='A').click()", "page.get_by_role('link', name='A').click()"),
        ("return page.title()", "page.title()"),
        ("return {'title': page.title()}", "page.title()"),
        ("for row in page.locator('tr').all(): pass", "page.locator('tr').all()"),
        (
            "names = [r for r in page.locator('tr').first.all_inner_texts()]",
            "page.locator('tr').first.all_inner_texts()",
        ),
        ("rows = page.locator('tr').all()\n    return len(rows.items)", "page.locator('tr').all()"),
        ("return page.title().strip()", "page.title()"),
        ("page.keyboard.press('Enter')", "page.keyboard.press('Enter')"),
        ("task.progress(1, 2)", "task.progress(1, 2)"),
    ],
)
def test_a_call_that_nothing_awaits_is_told_with_its_line(line: str, awaited: str) -> None:
    assert unawaited_calls(RUN + line) == [f"line 2: nothing was awaited: write `await {awaited}`"]


@pytest.mark.parametrize(
    "line",
    [
        "await page.title()",
        "return await page.locator('tr').all_inner_texts()",
        "await asyncio.gather(page.title(), page.content())",
        "await asyncio.gather(*[page.request.get(u) for u in urls])",
        "click = page.get_by_role('a').click()\n    await click",
        "wait = page.wait_for_url('/b')\n    await asyncio.gather(wait, page.title())",
        "rows = page.locator('tr')\n    return await rows.all_inner_texts()",
        "page.on('dialog', lambda d: d.accept())",
        "page.set_default_timeout(5000)",
        "return book.title()",
        "async with page.expect_download() as found: await page.get_by_text('a').click()",
        "while page.url == task.start_url: pass",
        "def title(): return page.title()\n    return await title()",
        "return (await page.request.get('/a')).url",
        "jobs = [page.title()]\n    await asyncio.gather(*jobs)",
    ],
)
def test_what_is_awaited_or_needs_no_await_is_left_alone(line: str) -> None:
    assert unawaited_calls(RUN + line) == []


def test_a_step_at_the_top_level_is_read_too() -> None:
    assert unawaited_calls("page.title()") == ["line 1: nothing was awaited: write `await page.title()`"]
    assert unawaited_calls("print(await page.title())") == []
