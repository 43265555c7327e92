"""A login by a form whose fields have names of one letter, sent to the page's own address, and by ``web``."""

from __future__ import annotations

from pathlib import Path

from engine import AsyncEngine
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from tests.support.own_site import Answer, Asked, own_site

PASSWORD = "Fen-38-otter"
SHIFTS = {"Bo Pope": ("2026-12-14", "2026-12-19"), "Cy Marsh": ("2026-12-01", "2026-12-15", "2026-12-17")}
FORM = (
    "<form method=post action='/wiki.php?id=start&do=login'><input type=hidden name=sectok value=''>"
    "<input type=hidden name=id value=start><input type=hidden name=do value=login><fieldset><legend>Log In</legend>"
    "<label>Username <input name=u></label><label>Password <input type=password name=p></label>"
    "<button>Log In</button></fieldset></form>"
)
LOGS_IN = """\
    page = await web.get(task.start_url)
    page = await page.form("Log In").submit({"Username": parameters["user"], "Password": parameters["password"]})
"""
READS = f"""\
async def run(web, parameters, task):
{LOGS_IN}\
    rows = await task.read([{{"name": row["Name"], "day": row["Day"]}} for row in page.table("Name", "Day")])
    return [{{"day": row["day"]}} for row in rows if row["name"] == parameters["person"]]
"""


def wiki(asked: Asked) -> Answer:
    if asked.form.get("p") == PASSWORD:
        return Answer("", 302, {"Location": "/wiki.php", "Set-Cookie": "in=1; Path=/"})
    if "in" not in asked.cookies:
        return Answer(f"<title>Log in</title><h1>Wiki</h1>{FORM}")
    rows = "".join(f"<tr><td>{name}<td>{day}" for name, days in SHIFTS.items() for day in days)
    return Answer(f"<title>Rota</title><h1>Rota</h1><table><tr><th>Name<th>Day{rows}</table>")


async def test_a_login_by_web_while_exploring_changes_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(
        [("python", {"code": f"{LOGS_IN.replace('    ', '')}print(page.css('td').texts)"})],
        [
            ("write", {"code": READS}),
            ("finish", {"summary": "List a person's shifts", "other_parameters": {"person": "Cy Marsh"}}),
        ],
    )
    with own_site(wiki) as site:
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            result = await engine.run(
                "List the shifts of the person on the rota",
                start_url=f"{site.url}wiki.php",
                reuse_key="k",
                parameters={"person": "Bo Pope", "user": "petra", "password": PASSWORD},
            )
    assert result.ok, result.error
    saved = BundleStore(tmp_path / "default").load("k")
    assert saved is not None
    assert (saved.kind, saved.meta.effects) == ("web", "read")
    assert len(site.sent("POST")) == 4  # explored, tried, and proved with its own and with other parameters
