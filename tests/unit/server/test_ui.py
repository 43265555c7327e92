"""The dashboard over HTTP: what it shows, who is let in, and forms that are not its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.bundles import BundleStore, Parameter
from engine.errors import InvalidRequest
from engine.server.keys import ApiKeyStore
from engine.server.ui.forms import fields, values
from tests.support.live import Live, Serve
from tests.support.reported import CODE, HOSTILE, KEY, make_story, story

__all__ = ["story"]

pytestmark = pytest.mark.usefixtures("git")


def token(live: Live, path: str = f"/ui/key?key={KEY}") -> str:
    found = re.search(r'name="token" value="([^"]+)"', live.http.get(path).text)
    assert found is not None
    return found[1]


def test_pages_show_keys_tasks_and_reports(story: Live) -> None:
    for path, words in (
        ("/ui", (KEY, "wt_failed", "drift", "$0.0040")),
        (f"/ui/key?key={KEY}", ("Run it", "shelf", "Roll back to this revision", "Pin this revision")),
        ("/ui/tasks/wt_1", ("What went wrong", "Rows, against the last good output", "All of this key")),
    ):
        answer = story.http.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        for word in words:
            assert word in answer.text, (path, word)
        assert HOSTILE not in answer.text


def test_an_address_with_a_slash_at_its_end_leads_to_the_dashboard(story: Live) -> None:
    answer = story.http.get("/ui/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/ui")


def test_what_is_not_there_is_told(story: Live) -> None:
    for path, status in (("/ui/tasks/wt_none", 404), ("/ui/key?key=lamp", 409), ("/ui/none", 404)):
        assert story.http.get(path).status_code == status
    assert "did you mean &#39;lamps&#39;" in story.http.get("/ui/key?key=lamp").text


@pytest.mark.parametrize("action", ["rollback", "pin", "adopt", "run", "tasks/wt_1/cancel"])
def test_a_form_of_another_page_is_refused(story: Live, action: str) -> None:
    given = {"key": KEY, "revision": "HEAD~1", "p:shelf": "x"}
    assert story.http.post(f"/ui/{action}", data={**given, "token": "guessed"}).status_code == 403
    assert story.http.post(f"/ui/{action}", data=given).status_code == 403
    own = {**given, "token": token(story)}
    assert story.http.post(f"/ui/{action}", data=own, headers={"origin": "https://evil.example"}).status_code == 403
    assert story.http.get(f"/ui/{action}").status_code == 405
    assert len(BundleStore(story.store / "default").history(KEY)) == 2


def test_revisions_are_pinned_and_rolled_back(serving: Serve, tmp_path: Path) -> None:
    make_story(tmp_path / "store")
    live = serving()
    store = BundleStore(tmp_path / "store" / "default")
    first = store.history(KEY)[-1].id
    own = {"key": KEY, "revision": first, "token": token(live)}
    said = live.http.post("/ui/pin", data=own, follow_redirects=True)
    assert f"Pinned to revision {first[:10]}" in said.text
    assert "pinned" in live.http.get("/ui").text
    assert "The pin is removed" in live.http.post("/ui/pin", data={**own, "revision": ""}, follow_redirects=True).text
    assert "Rolled back" in live.http.post("/ui/rollback", data=own, follow_redirects=True).text
    head = store.load(KEY)
    assert head is not None
    assert head.automation == CODE
    assert live.http.post("/ui/rollback", data={**own, "revision": "nope"}).status_code == 409


def test_where_keys_are_required_a_browser_logs_in(serving: Serve, tmp_path: Path) -> None:
    make_story(tmp_path / "store")
    keys = ApiKeyStore(tmp_path / "store")
    key, text = keys.create("default", "me")
    live = serving()
    assert live.http.get("/ui").headers["location"] == "/ui/login"
    assert live.http.post("/ui/run", data={"key": KEY}).headers["location"] == "/ui/login"
    assert live.http.post("/ui/login", data={"key": "wtk_guessed"}).status_code == 403
    inside = live.http.post("/ui/login", data={"key": text})
    assert inside.headers["location"] == "/ui"
    cookie = inside.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/ui"))
    assert text not in cookie
    assert KEY in live.http.get("/ui").text
    live.http.post("/ui/logout", data={"token": token(live)})
    assert live.http.get("/ui").headers["location"] == "/ui/login"
    live.http.post("/ui/login", data={"key": text})
    keys.revoke(key.id)
    assert live.http.get("/ui").headers["location"] == "/ui/login"


def test_fields_are_of_their_parameters_types() -> None:
    parameters = {
        "name": Parameter(type="string"), "n": Parameter(type="integer"), "on": Parameter(type="boolean"),
        "tags": Parameter(type="array"), "password": Parameter(type="string", secret=True),
    }  # fmt: skip
    last = {"name": "a", "n": 3, "on": True, "tags": ["x"], "password": "kept nowhere"}
    assert [(f.label, f.kind, f.value) for f in fields(parameters, last)] == [
        ("name", "text", "a"), ("n", "number", "3"), ("on", "checkbox", "true"), ("tags", "json", '["x"]'),
        ("password", "password", ""),
    ]  # fmt: skip
    given = {"p:name": "b", "p:n": "4", "p:tags": '["y"]', "p:password": "s", "p:other": "1"}
    assert values(parameters, given) == {"name": "b", "n": 4, "on": False, "tags": ["y"], "password": "s"}
    for wrong in ({"p:n": "4.5"}, {"p:n": "four"}, {"p:tags": "y"}):
        with pytest.raises(InvalidRequest, match=r"must be"):
            values(parameters, wrong)
