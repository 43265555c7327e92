"""Tasks whose whole world is a cassette: recorded on a site, and run again when the site is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import AsyncEngine, Limits
from engine.cassettes import CassetteOptions
from engine.cassettes.base import Cassette
from engine.cassettes.playing import PlayingCassette
from engine.cassettes.recording import RecordingCassette
from engine.cli.main import webtasks
from fixtures_sites import FixtureServer
from sandbox import Automation, Egress
from sandbox.egress import sender as sending
from tests.support.paths import ROOT
from tests.support.saved import TASK, save
from tests.support.stage import NoModel, Stage
from tests.support.taped_site import ACCEPTING, Site
from tests.support.warm import LentSandbox

PHASES = {"explore": "v1", "repair": "v2"}
TITLE = """\
async def run(page, parameters, task):
    return [{"title": await page.title(), "again": await (await page.request.get(page.url)).text()}]
"""
FURTHER = TITLE.replace("    return", '    await page.goto(page.url + "?more=1")\n    return')


def played(store: Path, file: Path, **options: Any) -> AsyncEngine:
    return AsyncEngine(store=store, model=NoModel(), limits=Limits(action_timeout=3), replay=file, **options)


@pytest.mark.long
async def test_a_task_is_explored_and_repaired_from_cassettes_without_its_site(
    tmp_path: Path, stage: Callable[[str], Stage]
) -> None:
    recording = stage("directory")
    for phase, version in PHASES.items():
        recording.site.version = version
        async with recording.engine(phase, record=tmp_path / f"{phase}.wtrec") as engine:
            assert (await recording.run_on(engine)).ok
    again = Stage(recording.scenario, recording.site, tmp_path / "again")
    for phase in PHASES:
        async with played(again.store, tmp_path / f"{phase}.wtrec") as engine:
            result = await again.run_on(engine)
        assert result.ok, result.error
        assert result.model_calls > 0
    assert (again.bundle / "automation.py").read_text() == (recording.bundle / "automation.py").read_text()


async def test_what_was_not_recorded_fails_the_task_and_asks_no_model(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", TITLE)
    file = tmp_path / "a.wtrec"
    given: dict[str, Any] = {"start_url": site.url, "reuse_key": "k"}
    async with AsyncEngine(store=tmp_path, model=NoModel(), record=file) as engine:
        recorded = await engine.run(TASK, **given)
    assert recorded.ok, recorded.error
    site.close()
    async with played(tmp_path, file) as engine:
        assert (await engine.run(TASK, **given)).output == recorded.output
    save(tmp_path, "k", FURTHER)
    async with played(tmp_path, file) as engine:
        missing = await engine.run(TASK, **given)
    assert missing.error is not None
    assert (missing.error.reason, missing.model_calls) == ("not-recorded", 0)
    url = f"{site.url}?more=1"
    assert missing.error.details["url"] == url
    assert missing.error.message.startswith(f"GET {url} was not recorded in {file}; the nearest that was is GET ")


def test_the_command_records_tells_what_has_changed_and_plays(
    tmp_path: Path, site: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "k", TITLE)
    monkeypatch.chdir(tmp_path)
    run = ["--store", str(tmp_path), "run", TASK, "--key", "k", "--start-url", site.url, "--ai", "never"]
    first = CliRunner().invoke(webtasks, [*run, "--record", "a.wtrec"])
    assert first.exit_code == 0, first.stderr
    assert "since the former recording" not in first.stderr
    save(tmp_path, "k", FURTHER)
    second = CliRunner().invoke(webtasks, [*run, "--record", "a.wtrec"])
    assert f"+ GET {site.url}?more=1  200 text/html" in second.stderr
    site.close()
    again = CliRunner().invoke(webtasks, [*run, "--replay", "a.wtrec", "--quiet"])
    assert (again.exit_code, again.stdout) == (0, second.stdout)
    save(tmp_path, "k", FURTHER.replace("more=1", "more=2"))
    other = CliRunner().invoke(webtasks, [*run, "--replay", "a.wtrec", "--quiet", "--ignore", "more"])
    assert (other.exit_code, other.stdout) == (0, second.stdout), other.stderr
    shown = CliRunner().invoke(webtasks, ["cassette", "show", "a.wtrec"])
    assert "GET     200 text/html" in shown.stdout
    assert CliRunner().invoke(webtasks, ["cassette", "diff", "a.wtrec", "a.wtrec"]).stdout == ""


ALL = """\
async def run(page, parameters, task):
    ids = ("posted", "worker", "socket", "service", "chance")
    for name in ids:
        await page.locator(f"#{name}:not(:empty)").wait_for()
    found = {name: await page.locator("#" + name).inner_text() for name in ids}
    answer = await page.request.post(page.url + "echo", data="by request")
    async with page.expect_download() as download:
        await page.get_by_text("file").click()
    path = await (await download.value).path()
    return found | {"request": await answer.text(), "file": open(path).read()}
"""
PAGE = b"""<p id=posted></p><p id=worker></p><p id=socket></p><p id=service></p><p id=chance></p>
<a href=/f download>file</a>
<script>
const put = (id, text) => document.getElementById(id).textContent = text;
put('chance', Math.random());
fetch('/echo', {method: 'POST', body: 'by page'}).then(r => r.text()).then(text => put('posted', text));
new Worker('/worker.js').onmessage = e => put('worker', e.data);
navigator.serviceWorker.register('/service.js').then(() => navigator.serviceWorker.ready).then(
  () => put('service', 'ready'), error => put('service', error));
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
socket.onmessage = e => e.data === 'hello' ? socket.send('by socket') : e.data.text().then(text => put('socket', text));
</script>"""
PAGES = {
    b"/": PAGE,
    b"/worker.js": b"fetch('/by-worker').then(r => r.text()).then(postMessage)",
    b"/service.js": b"self.addEventListener('install', e => e.waitUntil(fetch('/by-service')))",
}


async def test_every_way_out_of_a_page_comes_from_the_cassette(
    tmp_path: Path, warm: LentSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_tls", lambda: ACCEPTING)
    file = tmp_path / "a.wtrec"
    values: list[Any] = []
    async with Site(tls=True, pages=PAGES) as site:
        for made in (RecordingCassette, PlayingCassette):
            cassette: Cassette = made(file, CassetteOptions())
            tape = cassette.tape({})
            egress = Egress(hosts=(), allow=(site.origin,), tape=tape)
            outcome = await warm.run(Automation(ALL), {}, start_url=site.origin + "/", egress=egress)
            tape.check()
            assert outcome.ok, outcome.error
            values.append(outcome.value)
            cassette.close()
            await site.stop()
    assert values[0] == values[1]
    assert float(values[0].pop("chance")) < 1
    assert values[0] == {
        "posted": "echo by page", "worker": "page /by-worker", "socket": "by socket" * 3, "service": "ready",
        "request": "echo by request", "file": "page /f",
    }  # fmt: skip


PLAY = """\
import sys
from engine import Engine
with Engine(store=sys.argv[1], replay=sys.argv[2]) as engine:
    result = engine.run(reuse_key="k", start_url=sys.argv[3], ai="never")
    print(result.error or result.output)
"""


async def test_a_replay_needs_no_network(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", TITLE)
    file = tmp_path / "a.wtrec"
    async with AsyncEngine(store=tmp_path, model=NoModel(), record=file) as engine:
        recorded = await engine.run(TASK, start_url=site.url, reuse_key="k")
    assert recorded.ok, recorded.error
    # a namespace of its own: not even the loopback device is up there
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", PLAY, str(tmp_path), str(file), site.url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == str(recorded.output), done.stderr
