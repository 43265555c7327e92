"""The end of a wait: a settled page ends it early, one that is at work does not."""

import asyncio
from time import perf_counter

import pytest

from sandbox import Automation, Egress, Outcome, SandboxLimits
from tests.support.pages import pages
from tests.support.warm import LentSandbox

CLICK = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="More").click()
    return [await page.get_by_role("heading").inner_text()]
"""
EVENT = """\
async def run(page, parameters, task):
    async with page.expect_download() as info:
        await page.get_by_role("heading").click()
    return [(await info.value).suggested_filename]
"""
OPTIONAL = """\
from playwright.async_api import TimeoutError
async def run(page, parameters, task):
    try:
        await page.get_by_role("button", name="Accept").click(timeout=3000)
    except TimeoutError:
        pass
    return [await page.get_by_role("heading").inner_text()]
"""
GIVEN_UP = """\
from playwright.async_api import TimeoutError
async def run(page, parameters, task):
    try:
        await page.get_by_role("button", name="Pay").click()
    except TimeoutError:
        pass
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("button", name="Pay").wait_for()
    return [await page.evaluate("new Promise((end) => setTimeout(() => end(window.paid || 0), 1200))")]
"""
PAY = """
<button onclick="pay.hidden = false">Show</button><button id="pay" hidden onclick="window.paid = 1">Pay</button>
"""
BEGUN = CLICK.replace("    await page", '    await page.evaluate("begin()")\n    await page', 1)
LATER = "document.body.insertAdjacentHTML('beforeend', '<button>More</button>')"
# Pages that show the button two seconds after it is waited for, each at work meanwhile in another way.
AT_WORK = {
    "request": f"fetch('/slow').then(() => fetch('/slow')).then(() => {{ {LATER} }})",
    "changes": f"let n = 0; setInterval(() => document.title = `${{n++}}`, 200); setTimeout(() => {{ {LATER} }}, 2000)",
    "busy": f"document.body.ariaBusy = 'true'; setTimeout(() => {{ {LATER} }}, 2000)",
    "mark": f"document.body.className = 'with-spinner'; setTimeout(() => {{ {LATER} }}, 2000)",
    "words": f"document.body.append('Loading, please wait'); setTimeout(() => {{ {LATER} }}, 2000)",
}


async def run(warm: LentSandbox, url: str, code: str, least: float | None = 1.0) -> tuple[Outcome, float]:
    began = perf_counter()
    outcome = await warm.run(
        Automation(code), {}, start_url=url, egress=Egress(allow=(url,)), settled_seconds=least,
        limits=SandboxLimits(action_seconds=60),
    )  # fmt: skip
    return outcome, perf_counter() - began


@pytest.mark.parametrize("code", [CLICK, EVENT], ids=["click", "event"])
async def test_settled_page_ends_a_wait_with_playwrights_own_error(code: str, warm: LentSandbox) -> None:
    with pages() as site:
        site.html["/"] = "<h1>Shop</h1>"
        outcome, seconds = await run(warm, site.url, code)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.kind) == ("TimeoutError", "timeout")
    assert "The page had settled" in outcome.error.message
    assert "100ms" not in outcome.error.message
    if code == CLICK:
        assert 'waiting for get_by_role("button", name="More")' in outcome.error.message
    assert seconds < 50, "the wait alone would take a minute"


async def test_wait_for_what_need_not_come_ends_early_and_the_run_goes_on(warm: LentSandbox) -> None:
    with pages() as site:
        site.html["/"] = "<h1>Shop</h1>"
        outcome, _ = await run(warm, site.url, OPTIONAL)
    assert (outcome.value, outcome.evidence.longest_wait < 3) == (["Shop"], True)


async def test_act_that_was_given_up_is_not_done_later(warm: LentSandbox) -> None:
    with pages() as site:
        site.html["/"] = PAY
        outcome, _ = await run(warm, site.url, GIVEN_UP)
    assert (outcome.value, outcome.error) == ([0], None)


async def test_pages_at_work_are_waited_for(warm: LentSandbox) -> None:
    with pages() as site:
        site.slow.add("/slow")
        site.html["/slow"] = "ok"
        for name, script in AT_WORK.items():
            site.html[f"/{name}"] = f"<body><h1>Shop</h1><script>const begin = () => {{ {script} }}</script>"
        found = await asyncio.gather(*(run(warm, f"{site.url}/{name}", BEGUN) for name in AT_WORK))
    assert [outcome.value or outcome.error for outcome, _ in found] == [["Shop"]] * len(AT_WORK)
    assert all(outcome.evidence.longest_wait > 1 for outcome, _ in found), "what is waited for is learnt"
