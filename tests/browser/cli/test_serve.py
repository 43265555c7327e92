"""``webtasks serve`` and ``webtasks keys`` as a user runs them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from fixtures_sites import FixtureServer
from tests.support.command import KEY, Run, data, started, until
from tests.support.saved import TASK, save


@contextmanager
def served(store: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the server as a process; yield it and its address, from its first line of output."""
    with started("--store", str(store), "serve", "--port", "0", *options) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            url = re.search(r"Serving (http://127\.0\.0\.1:\d+)", line)
            assert url, line + process.stderr.read()
            yield process, url[1]
        finally:
            process.kill()


def test_serve_answers_calls_and_stops_in_order(store: Path, guide: FixtureServer) -> None:
    with served(store, "--allow-host", guide.url) as (process, url):
        body = {
            "task": TASK, "reuseKey": KEY, "startUrl": guide.url, "parameters": {"category": "Surveying"},
            "ai": "never",
        }  # fmt: skip
        tasks = f"{url}/api/v1/workspace/default/web-tasks"
        task_id = httpx.post(f"{tasks}/start", json=body, timeout=60).json()["webTaskId"]
        assert "event: task.completed" in httpx.get(f"{tasks}/{task_id}/events", timeout=120).text
        assert httpx.get(f"{tasks}/{task_id}/result", timeout=60).json()["outcome"] == "success"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"GET /api/v1/workspace/default/web-tasks/{task_id}/result 200" in errors
    assert errors.splitlines()[-1].startswith("Stopped")
    assert "Traceback" not in errors


def test_api_key_is_shown_once_and_accepted_until_revoked(cli: Run, store: Path) -> None:
    made = cli("keys", "create", "--name", "laptop")
    key = made.stdout.strip()
    assert key.startswith("wtk_")
    assert key not in made.stderr
    assert key not in cli("keys", "list").output
    (listed,) = data(cli("keys", "--json", "list"))
    assert (listed["workspace"], listed["name"], listed["revokedAt"]) == ("default", "laptop", None)
    with served(store) as (process, url):
        assert httpx.get(f"{url}/api/v1/skillets", timeout=60).status_code == 401
        answer = httpx.get(f"{url}/api/v1/skillets", headers={"x-api-key": key}, timeout=60)
        assert [skillet["id"] for skillet in answer.json()] == [KEY]
        cli("keys", "revoke", listed["id"])
        assert httpx.get(f"{url}/api/v1/skillets", headers={"x-api-key": key}, timeout=60).status_code == 401
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert key not in errors


def test_serve_beyond_loopback_requires_an_api_key(cli: Run) -> None:
    refused = cli("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "webtasks keys create" in refused.stderr


def test_serve_checks_its_options_first(cli: Run) -> None:
    for options, message in (
        (("--allow-host", "ftp://x"), "--allow-host takes origins"),
        (("--base-path", "no/slash"), "--base-path must be a path"),
        (("--public-url", "tasks.example"), "--public-url must be"),
        (("--model", "nobody"), "no model is called"),
    ):
        refused = cli("serve", "--port", "0", *options)
        assert (refused.exit_code, message in refused.stderr) == (2, True), refused.output
    assert cli("keys", "revoke", "wk_nothing").exit_code == 2


def test_without_the_extra_it_says_what_to_install(store: Path) -> None:
    """Hide the modules from the process, as if the extra were not installed."""
    hidden = "import sys; sys.modules.update(starlette=None, uvicorn=None); from engine.cli.main import webtasks"
    command = [sys.executable, "-c", f"{hidden}; webtasks()", "--store", str(store), "serve"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 2
    assert 'pip install "webtasks-engine[server]"' in process.stderr
    assert "Traceback" not in process.stderr


def refused(url: str) -> bool:
    """Return True where a server takes no calls any more."""
    try:
        httpx.get(f"{url}/health", timeout=60)
    except httpx.TransportError:
        return True
    return False


def test_serve_stops_at_once_on_a_second_signal(tmp_path: Path) -> None:
    save(tmp_path, KEY, "import asyncio\nasync def run(page, parameters, task):\n    await asyncio.sleep(600)\n")
    with served(tmp_path, "--grace", "300") as (process, url):
        tasks = f"{url}/api/v1/workspace/default/web-tasks"
        answer = httpx.post(f"{tasks}/start", json={"task": TASK, "reuseKey": KEY, "ai": "never"}, timeout=60)
        task_id = answer.json()["webTaskId"]
        until(lambda: httpx.get(f"{tasks}/{task_id}/result", timeout=60).json()["status"] == "started")
        process.send_signal(signal.SIGTERM)
        until(lambda: refused(url))
        assert process.poll() is None, "the first signal leaves the task its grace period"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
