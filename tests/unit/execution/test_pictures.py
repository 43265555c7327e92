"""Pictures for reports: none with a secret, none beyond the bound, none where they are not wanted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.execution import pictures
from engine.execution.pictures import Pictures
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from sandbox import Evidence, Picture, WorkerDied


class Page:
    """A session that gives these pictures, in order; an exception is raised."""

    def __init__(self, *given: Any) -> None:
        self.given = list(given)
        self.secrets: list[str] = []

    async def picture(self, secrets: list[str]) -> Picture | None:
        self.secrets = secrets
        await asyncio.sleep(0)
        found = self.given.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


class Trace(EventLog):
    """A trace that is closed after each event."""

    async def emit(self, what: str, **data: Any) -> None:
        await super().emit(what, **data)
        self.close()


def keeper(tmp_path: Path, *, password: str = "", wanted: bool = True) -> Pictures:
    redactor = Redactor({"password": password}, {"password"} if password else ())
    return Pictures(tmp_path if wanted else None, redactor, Trace("wt_1", tmp_path / "trace.jsonl", redactor))


async def take(made: Pictures, page: Page) -> list[str]:
    while page.given:
        made.begin(page)  # type: ignore[arg-type]  a session, as far as this goes
        await made.finish()
        if made.directory is None:
            break
    return sorted(path.name for path in (made.directory or Path("none")).glob("pictures/*"))


async def test_pictures_are_kept_in_order_and_told(tmp_path: Path) -> None:
    page = Page(Picture(b"\xff\xd81"), Picture(b"\xff\xd81"), None, Picture(b"\x89PNG"))
    assert await take(keeper(tmp_path), page) == ["001.jpg", "002.png"]
    assert (tmp_path / "trace.jsonl").read_text().count('"type": "picture"') == 2


async def test_a_picture_with_a_legible_secret_is_left_out(tmp_path: Path) -> None:
    page = Page(Picture(b"1", "my hunter2xyz"), Picture(b"2", None), Picture(b"3", "nothing"))
    made = keeper(tmp_path, password="hunter2xyz")
    assert await take(made, page) == ["001.jpg"]
    assert page.secrets == ["hunter2xyz"]
    assert (tmp_path / "pictures" / "001.jpg").read_bytes() == b"3"
    await made.keep_failure(Evidence(screenshot=b"4", legible="hunter2xyz"))
    assert len(list(tmp_path.glob("pictures/*"))) == 1


async def test_pictures_of_a_task_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_MOST_BYTES", 10)
    page = Page(*(Picture(bytes([n]) * 6) for n in range(3)))
    made = keeper(tmp_path)
    for _ in range(3):
        made.begin(page)  # type: ignore[arg-type]  a session, as far as this goes
        await made.finish()
    assert len(list(tmp_path.glob("pictures/*"))) == 2


async def test_none_are_taken_where_none_are_wanted(tmp_path: Path) -> None:
    page = Page(Picture(b"1"))
    assert await take(keeper(tmp_path, wanted=False), page) == []
    assert len(page.given) == 1


async def test_a_page_that_ended_is_no_error_here(tmp_path: Path) -> None:
    assert await take(keeper(tmp_path), Page(WorkerDied("gone"), Picture(b"1"))) == ["001.jpg"]
