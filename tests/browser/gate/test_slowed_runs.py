"""Code that reads a page before its data has come, and passed by luck."""

from pathlib import Path

from engine import AsyncEngine
from engine.testing import ScriptedModel
from tests.support.pages import pages

# The picture holds up the page's load event for a second; five answers in a row come before that, unless each is late.
PAGE = """
<title>Inbox</title><main>No notifications</main><img src=/picture><script>
(async () => {
  for (let i = 0; i < 5; i++) await fetch('/data');
  document.querySelector('main').textContent = 'Three letters came in';
})();
</script>"""
EARLY = """\
async def run(page, parameters, task):
    await page.goto(task.start_url)
    return {"said": await page.locator("main").inner_text()}
"""


async def test_code_that_reads_before_the_data_comes_is_told_what_it_gives_on_a_slow_day(tmp_path: Path) -> None:
    finish = ("finish", {"summary": "Read the inbox"})
    model = ScriptedModel(
        [("write", {"code": EARLY}), finish], [("give_up", {"reason": "impossible", "message": "no"})]
    )
    with pages() as site:
        site.html |= {"/": PAGE, "/data": "", "/picture": ""}
        site.slow.add("/picture")
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            await engine.run("What does the inbox say?", start_url=site.url, reuse_key="k")
    told = "".join(str(block.get("content")) for block in model.requests[1].messages[-1]["content"])
    assert 'is "No notifications" instead of "Three letters came in"' in told
