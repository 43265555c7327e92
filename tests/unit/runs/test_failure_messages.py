"""Messages of failed replays: on one line, and with what the page has or says in place of what was waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.testing import outcome
from sandbox import Evidence, ScriptError
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run

WAITED = (
    'Locator.wait_for: Timeout 2154ms exceeded.\nCall log:\n  - waiting for get_by_role("heading", name="Step 3")\n'
    "    2 x retrying\n      - waiting 100ms"
)
INSTEAD = "\nNot on the page: heading 'Step 3'; there is heading 'Step 2'\nOptions of room: 'Twin', 'Suite'"


@pytest.mark.parametrize(
    ("name", "kind", "message", "told"),
    [
        (
            "TimeoutError", "timeout", WAITED + INSTEAD,
            'Timeout 2154ms exceeded., waiting for get_by_role("heading", name="Step 3"), Not on the page: heading'
            " 'Step 3'; there is heading 'Step 2', Options of room: 'Twin', 'Suite'; the page says: 'Give us a phone'",
        ),
        ("TimeoutError", "timeout", WAITED, "heading\", name=\"Step 3\")"),
        ("ValueError", "script", "no place for\n1\n2\n3", "no place for, 1, 3; the page says: 'Give us a phone'"),
    ],
)  # fmt: skip
async def test_message_tells_what_the_page_says(
    run: Run, tmp_path: Path, git: None, name: str, kind: str, message: str, told: str
) -> None:
    save(tmp_path, "k", "code", start_url=URL)
    error = ScriptError(name, message, kind=kind)
    result, _ = await run(outcome(error=error, evidence=Evidence(url=URL, alerts=("Give us a phone",))))
    assert result.error is not None
    assert told in result.error.message
    assert "retrying" not in result.error.message
    assert "\n" not in result.error.message
