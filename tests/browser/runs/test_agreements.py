"""Agreements are no overlays to dismiss: code that accepts one is told once, and its result warns."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import AsyncEngine
from engine.testing import ScriptedModel, Turn
from tests.support.own_site import Answer, own_site
from tests.unit.runs.conftest import told

PAGE = """<title>Data</title><h1>Prices</h1><dialog open><p>{text}</p>
<button onclick="this.closest('dialog').remove()">Accept</button></dialog>"""
CODE = """\
async def run(page, parameters, task):
    await ACT
    return {"heading": await page.get_by_role("heading").inner_text()}
"""
FINISH: Turn = ("finish", {"summary": "Read the heading"})


TERMS = "By using this you accept our Terms of Use."
BY_NAME = 'page.get_by_role("button", name="Accept").click()'


@pytest.mark.parametrize(
    ("text", "binding", "act"),
    [
        (TERMS, True, BY_NAME),
        (TERMS, True, 'page.locator("dialog button").click()'),
        (TERMS, True, 'page.click("dialog button")'),
        ("We use cookies; see our terms.", False, BY_NAME),
    ],
)
async def test_an_accepted_agreement_is_told_once_and_warned_of(
    tmp_path: Path, text: str, act: str, *, binding: bool
) -> None:
    insists: Turn = ("finish", {"summary": "Read the heading", "why_right": "the user takes part under these terms"})
    model = ScriptedModel([("write", {"code": CODE.replace("ACT", act)}), FINISH], [insists])
    with own_site(lambda asked: Answer(PAGE.format(text=text))) as site:
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            result = await engine.run("Read the heading", start_url=site.url, reuse_key="k")
            again = await engine.run("Read the heading", start_url=site.url, reuse_key="k")
    assert result.ok, result.error
    assert result.model_calls == (2 if binding else 1)
    assert any("accepted an agreement on the site ('Accept')" in warning for warning in result.warnings) is binding
    assert again.warnings == result.warnings[-1:], "the reason stands with the first run alone"
    if binding:
        assert "it stays as it is, since the user takes part under these terms" in result.warnings[0]
    if binding:
        assert "it accepts an agreement for the user ('Accept')" in told(model)[2]
