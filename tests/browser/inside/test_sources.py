"""Sources of what a run returned: page, data of its scripts, own requests."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from tests.support.mapped import Run
from tests.support.pages import Pages
from tests.support.warm import LentSandbox

LIST = "<h1>Lamps</h1><ul>" + "".join(f"<li>Lamp number {n}" for n in range(6)) + "</ul>"
SHOP = """<ul id=l></ul><script>
fetch('/lamps.json').then(r => r.json()).then(d => l.innerHTML = d.map(n => `<li>${n}`).join(''))
</script>"""
READ = "await page.locator('li').first.wait_for()\nreturn await page.locator('li').all_inner_texts()"


async def test_served_page_and_data_of_scripts_are_told_apart(
    run: Run, shop: Pages, warm: LentSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sandbox.workers.pool")
    shop.html["/lamps.json"] = json.dumps([f"Lamp number {n}" for n in range(6)])
    shop.html["/next"] = LIST
    asked = {"sources": True}
    served = await run(LIST, READ, **asked)
    assert [str(source) for source in served.evidence.sources] == ["HTML GET / 100 %"]
    scripted = await run(SHOP, READ, **asked)
    assert [source.path for source in scripted.evidence.sources] == ["/lamps.json"]
    away = f"{READ.replace('return', 'rows =')}\nawait page.goto(task.start_url + 'next')\nreturn rows"
    left = await run(LIST, away, **asked)
    assert left.evidence.sources[0].percent == 100, "the browser forgets a page that it left"
    own = await run("<p>", "return await (await page.request.get(task.start_url + 'lamps.json')).json()", **asked)
    assert own.evidence.sources[0].path == "/lamps.json"
    plain = await run(LIST, READ)
    assert plain.evidence.sources == (), "nobody asked"
    await asyncio.to_thread(warm.renew_all)
    assert "left residue" not in caplog.text, "the search leaves nothing behind: the worker serves on"
