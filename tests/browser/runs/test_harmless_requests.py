"""Requests that change nothing which lasts: what the site's own code sends, and what ends with the session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.testing import ScriptedModel, Turn
from tests.support.own_site import Answer, Asked, OwnSite, own_site
from tests.support.stage import NoModel
from tests.unit.runs.conftest import told

TRACK = "fetch('/track', {method: 'PATCH', body: new URLSearchParams({last_page: page})})"
TABS = f"""<title>Admin</title><button onclick="show('users')">Users</button><p id=shown></p><script>
const show = async page => {{
  await new Promise(done => setTimeout(done, 50));
  document.getElementById('shown').textContent = 'List of ' + page;
  {TRACK};
}};
show(location.hash.slice(1) || 'home');
</script>"""
OPEN_TAB = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="Users").click()
    await page.get_by_text("of users").wait_for()
    return {"shown": await page.locator("#shown").inner_text()}
"""
ADD = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="Add").click()
    await page.get_by_text("(1)").wait_for(timeout=3000)
    return {"basket": await page.get_by_role("status").inner_text()}
"""
FINISH: Turn = ("finish", {"summary": "Do it"})


@contextmanager
def shop(*, lasting: bool = False) -> Iterator[OwnSite]:
    """Serve a shop whose basket is the session's; where it is ``lasting``, that of all sessions."""
    baskets: dict[str, int] = {}

    def handle(asked: Asked) -> Answer:
        session = "all" if lasting else asked.cookies.get("session", f"s{len(baskets)}")
        baskets.setdefault(session, 0)
        if asked.method == "POST":
            baskets[session] += 1
            return Answer("", 303, {"Location": "/", "Set-Cookie": f"session={session}"})
        form = "<form method=post action=/basket><button name=item value=7>Add</button></form>"
        count = "one article" if lasting and baskets[session] > 1 else f"Basket ({baskets[session]})"
        body = f"<title>Shop</title><output>{count}</output>{form}"
        return Answer(body, headers={"Set-Cookie": f"session={session}"})

    with own_site(handle) as site:
        yield site


async def first_run(store: Path, site: OwnSite, model: ScriptedModel | NoModel) -> TaskResult:
    async with AsyncEngine(store=store, model=model) as engine:
        return await engine.run("Do it and say what is shown", start_url=site.url, reuse_key="k")


async def test_what_the_site_sends_by_itself_is_not_held_back_after_an_act(tmp_path: Path) -> None:
    model = ScriptedModel([("write", {"code": OPEN_TAB}), FINISH])
    with own_site(lambda asked: Answer(TABS if asked.method == "GET" else "")) as site:
        result = await first_run(tmp_path, site, model)
    assert result.ok, result.error
    assert (result.output, result.model_calls) == ({"shown": "List of users"}, 1)
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.meta.effects == "read"
    assert bundle.meta.harmless_requests == (f"PATCH {site.url}track last_page",)


async def test_what_the_site_sends_only_behind_a_click_is_found_out_without_the_model(tmp_path: Path) -> None:
    """The first page sends nothing; the page behind the click does, whenever it is opened."""
    behind = f"<title>Users</title><p>List of users</p><script>const page = 'users'; {TRACK}</script>"
    first = """<title>Admin</title><button onclick="history.pushState(0, '', '/users');
      document.body.innerHTML = '<p id=shown>List of users</p>'; const page = 'users'; TRACK">Users</button>"""

    def handle(asked: Asked) -> Answer:
        return Answer(behind if asked.path == "/users" else first.replace("TRACK", TRACK))

    with own_site(handle) as site:
        result = await first_run(tmp_path, site, ScriptedModel([("write", {"code": OPEN_TAB}), FINISH]))
    assert result.ok, result.error
    assert result.model_calls == 1


async def test_a_change_by_an_act_is_held_back_though_the_site_sends_other_things_there(tmp_path: Path) -> None:
    rename = TABS.replace(
        "show('users')", "fetch('/track', {method: 'PATCH', body: new URLSearchParams({email: 'a'})})"
    )
    model = ScriptedModel(
        [("write", {"code": OPEN_TAB}), FINISH], [("give_up", {"reason": "impossible", "message": "no"})]
    )
    with own_site(lambda asked: Answer(rename if asked.method == "GET" else "")) as site:
        await first_run(tmp_path, site, model)
    assert {"email": "a"} not in [each.form for each in site.asked]
    assert f"the page sent PATCH {site.url}track outside task.irreversible" in told(model)[1]


async def test_a_change_that_ends_with_its_session_is_saved_as_reading(tmp_path: Path) -> None:
    model = ScriptedModel(
        [("write", {"code": ADD})], [("write", {"reads_only": "the basket is the session's"}), FINISH]
    )
    with shop() as site:
        result = await first_run(tmp_path, site, model)
        assert result.ok, result.error
        assert result.output == {"basket": "Basket (1)"}
        assert site.sent("POST") == ["/basket"]
        again = await first_run(tmp_path, site, NoModel())
    assert again.ok, again.error
    assert "with reads_only alone" in told(model)[1]
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert (bundle.meta.effects, result.effect) == ("read", "none")


async def test_a_change_that_outlives_its_session_is_told_once_and_saved_as_writing(tmp_path: Path) -> None:
    insists: Turn = ("finish", {"summary": "Do it", "why_right": "the basket is what the task asks for"})
    model = ScriptedModel([("write", {"code": ADD, "reads_only": "the basket is the session's"}), FINISH], [insists])
    with shop(lasting=True) as site:
        result = await first_run(tmp_path, site, model)
    assert result.ok, result.error
    assert "a fresh browser shows 'Basket (1)', which was not so before" in told(model)[1]
    assert "as told before: what it sends outlives its session" in told(model)[2]
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.meta.effects == "write"
