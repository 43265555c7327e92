"""Sites behind HTTP authentication: who logs in, what the model reads of it, and where the password is not kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine import AsyncEngine, Limits, TaskResult
from engine.testing import ScriptedModel
from fixtures_sites.http import Request, Response
from fixtures_sites.server import FixtureServer, Site
from sandbox import Automation, Egress, Outcome
from tests.support.saved import TASK, save
from tests.support.stage import NoModel, tree
from tests.support.warm import LentSandbox

PASSWORD = "s3same-97-open"
LOGIN = {"user": "clerk", "password": PASSWORD}
INTRANET = Site("intranet", about="a phone list behind HTTP authentication", state=SimpleNamespace, versions=("v1",))


@INTRANET.route("/")
def phones(request: Request) -> Response | str:
    given = base64.b64encode(f"clerk:{PASSWORD}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {given}":
        return Response("", 401, headers={"WWW-Authenticate": 'Basic realm="Intranet"'})
    dept = request.arg("dept", "Sales")
    rows = "".join(f"<li>{dept} person {n}</li>" for n in range(3))
    return f"<title>Phones</title><h1>Phone list {dept}</h1><ul>{rows}</ul><a href='/?dept=Stores'>Stores</a>"


@INTRANET.route("/open")
def entrance(request: Request) -> str:
    return "<title>Entrance</title><h1>Welcome</h1><a href='/?dept=Stores'>Phones of Stores</a>"


@INTRANET.route("/digest")
def digest(request: Request) -> Response | str:
    header = request.headers.get("authorization", "")
    fields = dict(part.strip().partition("=")[::2] for part in header.removeprefix("Digest ").split(","))
    known = {name: value.strip('"') for name, value in fields.items()}
    first = hashlib.md5(f"clerk:Intranet:{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
    query = "?dept=Stores" if request.arg("dept") else ""
    second = hashlib.md5(f"GET:/digest{query}".encode(), usedforsecurity=False).hexdigest()
    expected = hashlib.md5(f"{first}:{known.get('nonce')}:{second}".encode(), usedforsecurity=False).hexdigest()
    if known.get("response") != expected:
        challenge = f'Digest realm="Intranet", nonce="{secrets.token_hex(8)}"'
        return Response("<h1>401</h1>", 401, headers={"WWW-Authenticate": challenge})
    return "<title>Phones</title><ul><li>digest person</li></ul>"


READS = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?dept={parameters['dept']}")
    await page.get_by_role("heading", name="Phone list").wait_for()
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
NAMES = """\
async def run(page, parameters, task):
    await page.get_by_role("listitem").first.wait_for(timeout=4000)
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
CLICKS = NAMES.replace("    await", '    await page.get_by_role("link", name="Phones").click()\n    await', 1)
FETCHES = """\
async def run(page, parameters, task):
    response = await page.request.get(task.start_url.replace("open", "") + "?dept=Stores")
    return [response.status, (await response.text()).count("<li>")]
"""


FETCHES_DIGEST = """\
async def run(page, parameters, task):
    response = await page.request.get(task.start_url.replace("open", "digest"), params={"dept": "Stores"})
    return [response.status, (await response.text()).count("<li>")]
"""


@pytest.fixture
def intranet() -> Iterator[FixtureServer]:
    with FixtureServer(INTRANET, version="v1", port=0, tls=False) as server:
        yield server


async def run(store: Path, url: str, *, model: Any = None, **arguments: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=model or NoModel(), limits=Limits(retries=0, action_timeout=5)) as engine:
        return await engine.run(TASK, **({"start_url": url, "reuse_key": "k"} | arguments))


def with_userinfo(url: str) -> str:
    return url.replace("//", f"//clerk:{PASSWORD}@")


async def test_first_run_logs_in_with_the_parameters_and_the_model_need_not(
    tmp_path: Path, intranet: FixtureServer
) -> None:
    finish = ("finish", {"summary": "List the phones", "other_parameters": {"dept": "Stores"}})
    model = ScriptedModel([("write", {"code": READS}), finish])
    parameters = LOGIN | {"dept": "Sales"}
    first = await run(tmp_path, intranet.url, model=model, parameters=parameters)
    assert first.ok, first.error
    assert first.output == [{"name": f"Sales person {n}"} for n in range(3)]
    prompt = str(model.requests[0].messages)
    assert "HTTP authentication is done by the browser" in prompt
    assert "Phone list Sales" in prompt
    again = await run(tmp_path, intranet.url, parameters=LOGIN | {"dept": "Accounts"})
    assert again.output == [{"name": f"Accounts person {n}"} for n in range(3)]
    kept = b"".join(tree(tmp_path).values()) + str([r.messages for r in model.requests]).encode()
    assert PASSWORD.encode() not in kept
    assert base64.b64encode(f"clerk:{PASSWORD}".encode()) not in kept


async def test_password_in_the_start_url_is_used_and_kept_nowhere(tmp_path: Path, intranet: FixtureServer) -> None:
    finish = ("finish", {"summary": "List the phones", "other_parameters": {"dept": "Stores"}})
    model = ScriptedModel([("write", {"code": READS}), finish])
    url = with_userinfo(intranet.url)
    first = await run(tmp_path, url, model=model, parameters={"dept": "Sales"})
    assert first.ok, first.error
    assert (await run(tmp_path, url, parameters={"dept": "Sales"})).output == first.output
    kept = b"".join(tree(tmp_path).values()) + str([r.messages for r in model.requests]).encode()
    assert PASSWORD.encode() not in kept
    bundle = (tmp_path / "default" / "bundles" / "k" / "bundle.json").read_text()
    assert f'"start_url": "{intranet.url}"' in bundle


async def test_bundle_that_holds_a_password_from_before_still_replays(tmp_path: Path, intranet: FixtureServer) -> None:
    save(tmp_path, "k", NAMES, start_url=with_userinfo(intranet.url))
    result = await run(tmp_path, "", start_url=None)
    assert result.ok, result.error
    assert PASSWORD not in str(result)


async def test_first_run_with_a_wrong_password_costs_no_call(tmp_path: Path, intranet: FixtureServer) -> None:
    result = await run(tmp_path, intranet.url, parameters=LOGIN | {"password": "wrong-one"})
    assert result.error is not None
    assert (result.error.reason, result.model_calls) == ("wrong-credentials", 0)
    assert "HTTP authentication" in result.error.message


async def visit(warm: LentSandbox, url: str, code: str, parameters: dict[str, str], *hosts: str) -> Outcome:
    origins = tuple(f"{urlsplit(each).scheme}://{urlsplit(each).netloc}" for each in (url, *hosts))
    return await warm.run(Automation(code), parameters, start_url=url, egress=Egress(allow=origins))


@pytest.mark.parametrize(
    ("path", "code", "output"),
    [
        ("", NAMES, [{"name": f"Sales person {n}"} for n in range(3)]),
        ("digest", NAMES, [{"name": "digest person"}]),
        ("open", CLICKS, [{"name": f"Stores person {n}"} for n in range(3)]),
        ("open", FETCHES, [200, 3]),
        ("open", FETCHES_DIGEST, [200, 1]),
    ],
    ids=["at the start", "digest", "behind a link", "fetched without a page", "digest without a page"],
)
async def test_login_is_given_wherever_the_site_asks_for_it(
    warm: LentSandbox, intranet: FixtureServer, path: str, code: str, output: Any
) -> None:
    outcome = await visit(warm, intranet.url + path, code, LOGIN)
    assert outcome.value == output, outcome.error
    assert outcome.evidence.http_login == "given"
    assert 401 not in [status for _, status in outcome.evidence.documents]


async def test_refused_login_is_told_from_a_missing_one(warm: LentSandbox, intranet: FixtureServer) -> None:
    wrong = await visit(warm, intranet.url, NAMES, LOGIN | {"password": "wrong-one"})
    missing = await visit(warm, intranet.url, NAMES, {})
    assert (wrong.evidence.http_login, wrong.evidence.status) == ("refused", 401)
    assert (missing.evidence.http_login, missing.evidence.status) == ("asked", 401)


async def test_password_is_given_to_no_other_host(warm: LentSandbox, intranet: FixtureServer) -> None:
    elsewhere = intranet.url.replace("127.0.0.1", "localhost")
    code = READS.replace("{task.start_url}", elsewhere).replace("wait_for()", "wait_for(timeout=500)")
    outcome = await visit(warm, intranet.url + "open", code, LOGIN | {"dept": "Stores"}, elsewhere)
    assert (outcome.evidence.http_login, outcome.evidence.status) == ("asked", 401)
