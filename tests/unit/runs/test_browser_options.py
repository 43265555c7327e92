"""The browser's options of a request: saved with the automation that they were written under, and replayed."""

from pathlib import Path

from engine import BrowserOptions
from engine.bundles import BundleStore
from engine.testing import ScriptedModel, outcome
from sandbox import ContextOptions, Evidence
from tests.unit.runs.conftest import URL, Run, told

CODE = """\
async def run(page, parameters, task):
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
GOOD = outcome(
    [{"name": "Ada"}, {"name": "Ben"}],
    evidence=Evidence(url=URL, text="Ada Ben", status=200, documents=((URL, 200),)),
)


async def test_options_are_saved_and_later_requests_need_not_name_them(tmp_path: Path, run: Run) -> None:
    model = ScriptedModel([("write", {"code": CODE}), ("finish", {"summary": "List"})])
    result, first = await run(GOOD, GOOD, model=model, browser={"user_agent": "Mozilla/5.0", "locale": "de-DE"})
    assert result.ok, (result.error, told(model))
    saved = BundleStore(tmp_path / "default").load("k")
    assert saved is not None
    assert saved.meta.browser == BrowserOptions(user_agent="Mozilla/5.0", locale="de-DE")
    _, same = await run(GOOD)
    _, other = await run(GOOD, browser=BrowserOptions(locale="fr-FR"))
    german = ContextOptions(user_agent="Mozilla/5.0", locale="de-DE")
    contexts = [call.options["context"] for scripted in (first, same, other) for call in scripted.calls]
    french = ContextOptions(user_agent="Mozilla/5.0", locale="fr-FR")
    assert contexts == [*[german] * len(first.calls), german, french]
