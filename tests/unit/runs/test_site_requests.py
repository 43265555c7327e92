"""Requests that a site sends by itself: learnt by one automation, known to the next one of the site."""

from __future__ import annotations

from engine.testing import ScriptedModel, outcome
from sandbox import Evidence, Outcome
from tests.unit.runs.conftest import URL, Run, told

CODE = """\
async def run(page, parameters, task):
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
OWN = "PATCH http://127.0.0.1:9/users/me/track page"
SECRET = "POST http://127.0.0.1:9/users/tulip-97 seen"


def gave(*own: str) -> Outcome:
    page = Evidence(url=URL, text="Ada Brandt", status=200, documents=((URL, 200),), own_signatures=own)
    return outcome([{"name": "Ada"}, {"name": "Brandt"}], evidence=page)


def model() -> ScriptedModel:
    return ScriptedModel([("write", {"code": CODE}), ("finish", {"summary": "List the names"})])


async def test_request_that_the_site_sends_by_itself_is_learnt_for_the_site(run: Run) -> None:
    author = model()
    secret = {"parameters": {"password": "tulip-97"}}
    unneeded = ScriptedModel([
        ("write", {"code": CODE, "unneeded": {"password": "the list is public"}}), ("finish", {"summary": "List"})
    ])  # fmt: skip
    first, scripted = await run(gave(OWN, SECRET), gave(OWN, SECRET), model=unneeded, **secret)
    assert first.ok, (first.error, told(unneeded))
    assert scripted.calls[0].options["harmless"] == []
    second, scripted = await run(gave(), gave(), model=author, reuse_key="another")
    assert second.ok, (second.error, told(author))
    assert scripted.calls[0].options["harmless"] == [OWN], "without the one that holds a secret"
    elsewhere, scripted = await run(
        gave(), gave(), model=model(), reuse_key="elsewhere", start_url="http://127.0.0.1:8/list"
    )
    assert elsewhere.ok, elsewhere.error
    assert scripted.calls[0].options["harmless"] == []
