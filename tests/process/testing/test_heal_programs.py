"""The programs that the bench of self-healing starts for other systems."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.testing import heal
from engine.testing.heal.program import Program, ProgramEnded
from tests.support.paths import RECORDINGS

PLAYER = """\
#!{python}
import json, sys

if sys.argv[1] == "-c":
    sys.exit(print("0.9.5"))
pages = {{json.loads(line)["url"]: line for line in open({recording!r})}}
for line in sys.stdin:
    request = json.loads(line)
    site = "/".join(request["url"].split("/")[:3])
    missing = json.dumps({{"success": False, "error": "no page was recorded for " + request["url"]}})
    answer = pages.get(request["url"].replace(site, "{{{{site}}}}"), missing)
    print(answer.strip().replace("{{{{site}}}}", site), flush=True)
"""


@pytest.fixture
def player(tmp_path: Path) -> str:
    """Stands for a Python with Crawl4AI: it gives the answers that Crawl4AI gave on the unchanged directory."""
    file = tmp_path / "python"
    file.write_text(PLAYER.format(python=sys.executable, recording=str(RECORDINGS / "crawl4ai.directory.jsonl")))
    file.chmod(0o755)
    return str(file)


async def test_crawl4ai_is_led_along_the_pages_and_its_texts_become_the_task_s_types(player: str) -> None:
    unchanged = [each for each in heal.CHANGES if each.name == "unchanged"]
    found = await heal.measure([lambda: heal.Crawl4AI(python=player)], sites=["directory"], changes=unchanged)
    assert [lesson.fault for lesson in found.lessons] == [""]
    assert [row.verdict for row in found.rows] == ["unaffected"]
    assert found.lessons[0].version == "crawl4ai 0.9.5"
    assert found.lessons[0].model == "claude-haiku-5-5, recorded"
    assert 0 < found.lessons[0].dollars < 0.01
    other_day = await heal.measure(
        [lambda: heal.Crawl4AI(python=player)], sites=["directory"], changes=unchanged, seeds=[60]
    )
    assert other_day.lessons[0].fault, "the recorded pages are not those of that day"


async def test_crawl4ai_is_measured_where_it_is_and_named_where_it_is_not() -> None:
    python = os.environ.get("WEBTASKS_CRAWL4AI_PYTHON") or (sys.executable if find_spec("crawl4ai") else "")
    if python:
        some = [each for each in heal.CHANGES if each.name in ("unchanged", "empty-list")]
        found = await heal.measure([lambda: heal.Crawl4AI(python=python)], sites=["archive"], changes=some)
        assert [row.verdict for row in found.rows] == ["unaffected", "silently wrong"]
    else:
        with pytest.raises(EngineError, match="pip install crawl4ai; then set WEBTASKS_CRAWL4AI_PYTHON="):
            heal.Crawl4AI()


async def test_a_program_that_ends_says_its_last_words_and_is_started_again(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text(
        '#!/bin/sh\nread line; test "$line" = \'"end"\' || { echo "{}"; read line; }\necho over >&2\nexit 3\n'
    )
    file.chmod(0o755)
    program = Program(str(file), "crawl.py", environment=os.environ)
    try:
        with pytest.raises(ProgramEnded, match="over"):
            await program.ask("end", seconds=20)  # type: ignore[arg-type]  # any JSON will do here
        assert await program.ask({}, seconds=20) == {}
    finally:
        await program.close()


async def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text("#!/bin/sh\nread line\nread line\n")
    file.chmod(0o755)
    program = Program(str(file), "crawl.py", environment=os.environ)
    with pytest.raises(TimeoutError):
        await program.ask({}, seconds=0.2)


def test_recorded_schemas_say_where_they_come_from() -> None:
    for name in heal.Crawl4AI.sites:
        recorded = json.loads((Path(heal.__file__).with_name("recordings") / f"crawl4ai.{name}.json").read_text())
        assert "answered by hand" in recorded["about"]
        assert recorded["schema"]["fields"]
