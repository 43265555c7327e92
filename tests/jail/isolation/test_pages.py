"""Pages in a jail, which reach nothing but what is allowed: the page of the worker, or one in a browser of the code.

Each way works in a browser that no jail holds: that one reaches all of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, PoolOptions, Sandbox, SandboxLimits
from sandbox.browser import find_browser
from tests.support.jails import JAILS
from tests.support.ways import WAYS, Forbidden, open_site

VISITS = """
import asyncio
async def visit(context, parameters, name, script):
    page = await context.new_page()
    try:
        await page.goto(parameters["site"], timeout=20_000)
        if script.startswith("GOTO "):
            await page.goto(parameters["site"] + script[5:], timeout=20_000)
        elif script.startswith("API "):
            await context.request.get(script[4:], timeout=8000)
        else:
            await asyncio.wait_for(page.evaluate(script), 10)
        await page.wait_for_timeout(300)
        return "done"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:100]
    finally:
        await page.close()

async def visits(context, parameters):
    ways = parameters["ways"]
    all = (asyncio.wait_for(visit(context, parameters, name, script), 60) for name, script in ways.items())
    ends = await asyncio.gather(*all, return_exceptions=True)  # opening and closing a page have no timeout
    return {name: end if isinstance(end, str) else type(end).__name__ for name, end in zip(ways, ends)}

async def run(page, parameters, task):
    said = await visits(page.context, parameters) if parameters["given_page"] else None
    browser = await page.context.browser.browser_type.launch(executable_path=parameters["browser"])
    own = await visits(await browser.new_context(), parameters)
    await browser.close()
    return said or own
"""


def _reached(isolation: Any, given_page: bool) -> dict[str, Any]:
    """Return the ways that led to the forbidden servers: of pages in a browser of the code, and in the given one."""

    async def visit() -> dict[str, Any]:
        async with Forbidden() as forbidden, open_site(forbidden) as site:
            parameters = {
                "site": site,
                "ways": {name: script.replace("FORBIDDEN", forbidden.host) for name, script in WAYS.items()},
                "given_page": given_page,
                "browser": _browser(isolation),
            }
            for _ in range(3 if isolation == "none" else 1):  # on a busy machine a way may need a second go
                async with Sandbox(isolation=isolation, pool=PoolOptions(spare=0)) as sandbox:
                    outcome = await sandbox.run(
                        Automation(VISITS),
                        parameters,
                        start_url=None,
                        egress=Egress(allow=(site,)),
                        host=Host(),
                        limits=SandboxLimits(wall_seconds=200, pages=100),
                    )
                assert outcome.ok, outcome.error
                missing = {name: script for name, script in parameters["ways"].items() if name not in forbidden.hits}
                if not missing:
                    break
                parameters["ways"] = missing
            return {"hits": dict(forbidden.hits), "said": outcome.value, "refused": outcome.evidence.refused}

    return asyncio.run(visit())


def _browser(isolation: str) -> str:
    from sandbox.isolation.shown_files import browser_path

    browser = find_browser()
    return browser_path(browser) if isolation == "bubblewrap" else str(browser.executable)


def test_all_ways_work_without_a_jail() -> None:
    found = _reached("none", given_page=False)
    assert {way: found["said"].get(way) for way in WAYS if way not in found["hits"]} == {}


@pytest.mark.parametrize("jail", JAILS)
def test_page_reaches_nothing_from_the_jail(jail: str) -> None:
    """A browser of the code does not know of the proxy; what it tries is not even understood there."""
    found = _reached(jail, given_page=True)
    assert found["hits"] == {}
    assert found["said"]["image"] == "done", "the site itself was reached"
    assert len(found["refused"]) > 0
    assert all(reason.startswith("policy") for _, reason in found["refused"])


SCHEMES = """
async def run(page, parameters, task):
    read = {}
    for url in parameters["urls"]:
        try:
            await page.goto(url, timeout=8000)
            text = await page.evaluate("document.documentElement.innerText")
        except Exception as error:
            text = ""
        if parameters["needle"] in text:
            read[url] = text[:100]
    return read
"""


@pytest.mark.parametrize("isolation", [*JAILS, "none"])
async def test_pages_cannot_read_files(isolation: Any, tmp_path: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    urls = [f"file://{secret}", f"FILE:{secret}", f"view-source:file://{secret}", f"file://localhost{secret}"]
    urls += [
        f"file://{tmp_path}",
        "chrome://version",
        "chrome://net-export",
        "devtools://devtools/bundled/inspector.html",
    ]
    async with Sandbox(isolation=isolation, pool=PoolOptions(spare=0)) as sandbox:
        outcome = await sandbox.run(
            Automation(SCHEMES), {"urls": urls, "needle": "hunter2"}, start_url=None, egress=Egress(), host=Host()
        )
    assert bool(outcome.value) is (isolation == "none"), outcome.value
