"""Code that reads a page before its data has come, and passed by luck."""

from pathlib import Path

from engine import AsyncEngine
from engine.testing import ScriptedModel
from tests.support.pages import pages

# The picture holds up the page's load event for a while; six answers in a row come before that, unless each is late.
PAGE = """
<title>Inbox</title><main>No notifications</main><img src=/picture><script>
(async () => {
  for (let i = 0; i < 6; i++) await fetch('/data');
  document.querySelector('main').textContent = 'Three letters came in';
})();
</script>"""
EARLY = """\
async def run(page, parameters, task):
    await page.goto(task.start_url)
    return {"said": await page.locator("main").inner_text()}
"""


# A list that is filtered 0.7 s after the last letter was typed, 1.3 s on the slowed page: the code reads in the middle,
# by the page's own clock.
FILTER = """
<title>Towns</title><input aria-label=Filter><ul><li>Ashby</li><li>Corran</li></ul><script>
let timer, typed;
document.querySelector('input').oninput = (event) => {
  clearTimeout(timer);
  typed = performance.now();
  timer = setTimeout(() => {
    for (const li of document.querySelectorAll('li')) if (!li.textContent.includes(event.target.value)) li.remove();
  }, 700);
};
</script>"""
HASTY = """\
READ = '''() => new Promise((end) => {
  const look = () => performance.now() < typed + 1000 ? requestAnimationFrame(look)
    : end([...document.querySelectorAll('li')].map((li) => li.textContent));
  look();
})'''
async def run(page, parameters, task):
    await page.get_by_label("Filter").fill("Ash")
    return {"towns": await page.evaluate(READ)}
"""


async def told_at_the_gate(store: Path, code: str, html: str) -> str:
    """Return what the model is told of code that reads the page while something takes a second."""
    model = ScriptedModel(
        [("write", {"code": code}), ("finish", {"summary": "Read it"})],
        [("give_up", {"reason": "impossible", "message": "no"})],
    )
    with pages() as site:
        site.html |= {"/": html, "/data": "", "/picture": ""}
        site.slow.add("/picture")
        site.slow_seconds = 1.5
        async with AsyncEngine(store=store, model=model) as engine:
            await engine.run("What does it say?", start_url=f"{site.url}/", reuse_key="k")
    assert len(model.requests) == 2, "it was refused"
    return "".join(str(block.get("content")) for block in model.requests[1].messages[-1]["content"])


async def test_code_that_reads_before_the_data_comes_is_told_what_it_gives_on_a_slow_day(tmp_path: Path) -> None:
    told = await told_at_the_gate(tmp_path, EARLY, PAGE)
    assert 'is "No notifications" instead of "Three letters came in"' in told


async def test_code_that_reads_before_the_page_took_up_what_was_typed_is_told(tmp_path: Path) -> None:
    assert 'the output[\'towns\'] is ["Ashby", "Corran"] instead of ["Ashby"]' in await told_at_the_gate(
        tmp_path, HASTY, FILTER
    )
