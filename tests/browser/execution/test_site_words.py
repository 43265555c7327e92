"""The site's own words as a run's end: an answer to a submission, and the message that there is nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import AsyncEngine, Limits, TaskResult
from tests.support.own_site import Answer, Asked, own_site
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

SEND = """\
async def run(page, parameters, task):
    async with task.irreversible("send"):
        await page.get_by_role("button").click()
        said = await task.outcome(success=page.get_by_text("Thank you"), failure=page.get_by_role("alert"))
    return {"said": said}
"""
FORM = """<title>Form</title><p role=alert hidden>nothing yet</p><form method=post><button>Send</button></form>"""
LIST = """\
async def run(page, parameters, task):
    nothing, rows = page.get_by_text("No notifications"), page.locator("li")
    await nothing.or_(rows).first.wait_for()
    if await nothing.is_visible():
        await task.empty(nothing)
        return []
    return [{"text": text} for text in await rows.all_inner_texts()]
"""
INBOX = """<title>Inbox</title><main><p>No notifications</p><ul></ul></main><script>
fetch('/rows').then(answer => answer.text()).then(text => {
  if (text) document.querySelector('main').innerHTML = '<ul><li>' + text + '</ul>';
});</script>"""


async def run(store: Path, code: str, url: str, effects: str) -> TaskResult:
    save(store, "k", code, effects=effects)
    async with AsyncEngine(store=store, model=NoModel(), limits=Limits(action_timeout=60)) as engine:
        return await engine.run(TASK, start_url=url, reuse_key="k", ai="never")


@pytest.mark.parametrize(
    ("answer", "status"),
    [("<p>Thank you, <b>Ada</b></p>", 200), ("<p role=alert>A problem occurred: no phone number</p>", 422)],
)
async def test_the_answer_to_a_submission_is_told_at_once_in_the_sites_words(
    tmp_path: Path, answer: str, status: int
) -> None:
    with own_site(lambda asked: Answer(FORM) if asked.method == "GET" else Answer(answer, status)) as site:
        started = time.monotonic()
        result = await run(tmp_path, SEND, site.url, "write")
        seconds = time.monotonic() - started
    if status == 200:
        assert result.ok, result.error
        assert (result.output, result.effect) == ({"said": "Thank you, Ada"}, "performed")
        return
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert "the site refused it: A problem occurred: no phone number" in result.error.message
    assert seconds < 50, "the confirmation was not waited for"


@pytest.mark.parametrize(("rows", "empty"), [("Ada wrote", False), ("", True)])
async def test_a_message_shown_while_the_page_loads_does_not_count_as_nothing(
    tmp_path: Path, rows: str, *, empty: bool
) -> None:
    def handle(asked: Asked) -> Answer:
        if asked.path == "/rows":
            time.sleep(0.3)
            return Answer(rows)
        return Answer(INBOX)

    with own_site(handle) as site:
        result = await run(tmp_path, LIST, site.url, "read")
    if empty:
        assert result.ok, result.error
        assert result.output == []
        return
    assert result.error is not None
    assert "went away while the page loaded on" in result.error.message
