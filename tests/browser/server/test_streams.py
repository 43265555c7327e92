"""Events as they happen, files with signed URLs, and an end in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live import BASE, Live, Serve
from tests.support.saved import TASK, save

QUICK = "async def run(page, parameters, task):\n    return [{'n': parameters['n']}]\n"
TITLE = "async def run(page, parameters, task):\n    return await page.title()\n"


@pytest.fixture
def quick(live: Live) -> Live:
    save(live.store, "k", QUICK, parameters={"n": 1})
    return live


def start(live: Live) -> str:
    return live.start(task=TASK, reuseKey="k", parameters={"n": 5})


def test_event_stream_resumes_after_the_last_event_id(quick: Live) -> None:
    task_id = start(quick)
    url = f"{BASE}/default/web-tasks/{task_id}/events"
    with quick.http.stream("GET", url) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = stream.read().decode()
    frames = [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in text.split("\n\n") if frame]
    events = [frame for frame in frames if "event" in frame]
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("task.pending", "task.completed")
    assert task_id in events[0]["data"]
    rest = quick.http.get(url, headers={"last-event-id": "2"}).text
    assert [line for line in rest.splitlines() if line.startswith("id")] == [f"id: {e['id']}" for e in events[2:]]
    assert quick.http.get(url, headers={"last-event-id": str(len(events))}).status_code == 204
    assert quick.http.get(f"/api/v1/runs/{task_id}/events").text == text, "the other family says the same"
    assert quick.http.get(f"{BASE}/default/web-tasks/wt_1/events").status_code == 404


def test_tasks_can_be_listed_by_status_and_key(quick: Live) -> None:
    task_id = start(quick)
    quick.end(task_id)
    url = f"{BASE}/default/web-tasks"
    assert [task["webTaskId"] for task in quick.http.get(url, params={"status": "completed"}).json()] == [task_id]
    assert quick.http.get(url, params={"reuseKey": "other"}).json() == []
    for wrong in ({"limit": "0"}, {"limit": "x"}, {"status": "done"}, {"colour": "red"}):
        assert quick.http.get(url, params=wrong).status_code == 422


class Door:
    """A site that answers only when it is open."""

    def __init__(self) -> None:
        self.open, self.knocked = threading.Event(), threading.Event()
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                door.knocked.set()
                if not door.open.wait(60):
                    return
                body = b"<title>Open</title>"
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-type", "text/html")
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the run was canceled meanwhile

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@contextmanager
def door() -> Iterator[Door]:
    made = Door()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.open.set()
        made.server.shutdown()
        thread.join()
        made.server.server_close()


def test_stopped_server_leaves_its_tasks_to_the_next(serving: Serve) -> None:
    with door() as site:
        first = serving(engine={"allow_hosts": [site.url], "max_tasks": 1})
        save(first.store, "k", TITLE)
        running, waiting = [first.start(task=TASK, reuseKey="k", startUrl=site.url) for _ in range(2)]
        assert site.knocked.wait(60)
        with first.http.stream("GET", f"{BASE}/default/web-tasks/{running}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            first.http, old = httpx.Client(base_url=first.url, timeout=60), first.http
            first.stop()
            assert "event: task.completed" not in list(lines), "the stream has ended, the task has not"
            old.close()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{first.url}/health", timeout=60)
        site.open.set()
        second = serving(store=first.store, engine={"allow_hosts": [site.url]})
        ended = [second.end(task_id) for task_id in (running, waiting)]
        assert [task["result"]["data"] for task in ended] == ["Open", "Open"]


def test_running_tasks_may_end_within_the_grace_period(serving: Serve) -> None:
    with door() as site:
        first = serving(engine={"allow_hosts": [site.url]}, grace=60.0)
        save(first.store, "k", TITLE)
        running = first.start(task=TASK, reuseKey="k", startUrl=site.url)
        assert site.knocked.wait(60)
        threading.Timer(0.5, site.open.set).start()
        first.stop()
        second = serving(store=first.store)
        assert second.result(running)["result"]["data"] == "Open"


def test_large_result_is_found_after_the_store_was_moved(serving: Serve, tmp_path: Path) -> None:
    before = serving()
    rows = "async def run(page, parameters, task):\n    return [{'n': n, 'text': 'x' * 60} for n in range(2000)]\n"
    save(before.store, "k", rows)
    task_id = before.start(task=TASK, reuseKey="k")
    ended = before.end(task_id)
    assert ended["outcome"] == "success", ended
    before.stop()
    after = serving(store=before.store.rename(tmp_path / "moved"))
    assert [task["webTaskId"] for task in after.http.get(f"{BASE}/default/web-tasks").json()] == [task_id]
    assert len(httpx.get(after.result(task_id)["result"]["file"]["url"], timeout=60).json()) == 2000
