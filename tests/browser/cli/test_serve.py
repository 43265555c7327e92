"""``webtasks serve`` and ``webtasks keys`` as a user runs them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from fixtures_sites import FixtureServer
from tests.browser.cli.test_tasks import until
from tests.support.command import KEY, Run, data, started
from tests.support.saved import TASK, save


@contextmanager
def served(store: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server as a process, and its address from the line that it begins with."""
    with started("--store", str(store), "serve", "--port", "0", *options) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            url = re.search(r"Serving (http://127\.0\.0\.1:\d+)", line)
            assert url, line + process.stderr.read()
            yield process, url[1]
        finally:
            process.kill()


def test_a_server_serves_and_ends_in_order(store: Path, guide: FixtureServer) -> None:
    with served(store, "--allow-host", guide.url) as (process, url):
        body = {
            "task": TASK, "reuseKey": KEY, "startUrl": guide.url, "parameters": {"category": "Surveying"},
            "ai": "never",
        }  # fmt: skip
        tasks = f"{url}/api/v1/workspace/default/web-tasks"
        task_id = httpx.post(f"{tasks}/start", json=body, timeout=60).json()["webTaskId"]
        assert "event: task.completed" in httpx.get(f"{tasks}/{task_id}/events", timeout=120).text
        assert httpx.get(f"{tasks}/{task_id}/result").json()["outcome"] == "success"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"GET /api/v1/workspace/default/web-tasks/{task_id}/result 200" in told
    assert told.splitlines()[-1].startswith("Ended")
    assert "Traceback" not in told


def test_a_key_is_shown_once_and_opens_the_server(cli: Run, store: Path) -> None:
    made = cli("keys", "create", "--name", "laptop")
    key = made.stdout.strip()
    assert key.startswith("wtk_")
    assert key not in made.stderr
    assert key not in cli("keys", "list").output
    (listed,) = data(cli("keys", "--json", "list"))
    assert (listed["workspace"], listed["name"], listed["revokedAt"]) == ("default", "laptop", None)
    with served(store) as (process, url):
        assert httpx.get(f"{url}/api/v1/skillets").status_code == 401
        answer = httpx.get(f"{url}/api/v1/skillets", headers={"x-api-key": key})
        assert [skillet["id"] for skillet in answer.json()] == [KEY]
        cli("keys", "revoke", listed["id"])
        assert httpx.get(f"{url}/api/v1/skillets", headers={"x-api-key": key}).status_code == 401
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert key not in told


def test_beyond_loopback_a_key_is_needed(cli: Run) -> None:
    refused = cli("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "webtasks keys create" in refused.stderr


def test_wrong_options_are_told_before_anything_is_done(cli: Run) -> None:
    for options, told in (
        (("--allow-host", "ftp://x"), "allow_hosts takes origins"),
        (("--base-path", "no/slash"), "base_path must be a path"),
        (("--public-url", "tasks.example"), "public_url must be"),
        (("--model", "nobody"), "no model is called"),
    ):
        refused = cli("serve", "--port", "0", *options)
        assert (refused.exit_code, told in refused.stderr) == (2, True), refused.output
    assert cli("keys", "revoke", "wk_nothing").exit_code == 2


def test_without_the_extra_it_says_what_to_install(store: Path) -> None:
    """As where the wheel was installed alone: the modules are hidden from this one process."""
    hidden = "import sys; sys.modules.update(starlette=None, uvicorn=None); from engine.cli.main import webtasks"
    command = [sys.executable, "-c", f"{hidden}; webtasks()", "--store", str(store), "serve"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    assert 'pip install "webtasks-engine[server]"' in told.stderr
    assert "Traceback" not in told.stderr


def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    save(tmp_path, KEY, "import asyncio\nasync def run(page, parameters, task):\n    await asyncio.sleep(600)\n")
    with served(tmp_path, "--grace", "300") as (process, url):
        tasks = f"{url}/api/v1/workspace/default/web-tasks"
        task_id = httpx.post(f"{tasks}/start", json={"task": TASK, "reuseKey": KEY, "ai": "never"}).json()["webTaskId"]
        until(lambda: httpx.get(f"{tasks}/{task_id}/result").json()["status"] == "started")
        process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        assert process.poll() is None, "the first signal gives the task its grace"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
