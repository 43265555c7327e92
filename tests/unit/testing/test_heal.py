"""The bench of self-healing, with systems that need no browser."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from engine.cli.main import webtasks
from engine.errors import InvalidRequest
from engine.testing import heal
from engine.testing.heal.generated_schema import CrawlFailed, converted, link
from engine.testing.heal.sites import output_schema, site
from tests.support.paths import ROOT
from tests.support.reader import Reader

READER = str(ROOT / "tests" / "support" / "reader.py")


def changes(*names: str) -> list[heal.Change]:
    return [each for each in heal.CHANGES if each.name in names]


def verdicts(found: heal.Findings) -> dict[str, str]:
    return {row.change: row.verdict for row in found.rows}


async def test_each_output_is_held_against_the_right_one() -> None:
    found = await heal.measure(
        [Reader],
        sites=["archive", "feed"],
        changes=changes("unchanged", "next-week", "redesign", "rename-keys", "empty-list", "footnotes", "error-page"),
    )
    assert verdicts(found) == {
        "unchanged": "unaffected",
        "next-week": "unaffected",
        "redesign": "noticed",
        "empty-list": "silently wrong",
        "error-page": "silently wrong",
    }, "footnotes and rename-keys change nothing on this site"
    rows = {row.change: row for row in found.rows}
    assert rows["redesign"].reason == "HTTPError"
    assert rows["empty-list"].empty
    assert rows["empty-list"].says == "0 rows instead of 14"
    assert [(lesson.site, lesson.fault, lesson.unmoved) for lesson in found.lessons] == [
        ("archive", "", ("rename-keys", "footnotes"))
    ], "the feed is none of its sites"


async def test_other_seeds_are_other_days_data() -> None:
    found = await heal.measure([Reader], sites=["archive"], changes=changes("unchanged", "next-day"), seeds=[0, 40])
    assert [(row.seed, row.verdict) for row in found.rows] == [
        (0, "unaffected"), (0, "unaffected"), (40, "unaffected"), (40, "unaffected"),
    ]  # fmt: skip


class Careful(Reader):
    """Refuses what has not fourteen rows, and reads by another way where the first finds nothing."""

    restored = 0

    def __init__(self, elsewhere: str) -> None:
        self._elsewhere = elsewhere

    async def run(self, task: heal.Task) -> heal.Answer:
        try:
            answer = await super().run(task)
        except OSError:
            found = await super().run(replace(task, start_url=self._elsewhere))
            return replace(found, repaired=True, model="mine", dollars=0.5, model_calls=2)
        if len(answer.output) != 14:
            return heal.Answer(error="short", says="not fourteen rows")
        return answer

    async def run_unchecked(self, task: heal.Task) -> heal.Answer:
        return await super().run(task)

    async def restore(self) -> None:
        Careful.restored += 1


async def test_repairs_and_false_alarms_are_told() -> None:
    with site("archive") as server:
        found = await heal.measure(
            [lambda: Careful(server.url)],
            sites=["archive"],
            changes=changes("unchanged", "redesign", "empty-list", "next-month"),
        )
    rows = {row.change: row for row in found.rows}
    assert rows["redesign"].verdict == "repaired"
    assert (rows["redesign"].dollars, rows["redesign"].model_calls) == (0.5, 2)
    assert (rows["empty-list"].verdict, rows["empty-list"].false_alarm) == ("noticed", False)
    assert rows["empty-list"].says == "not fourteen rows"
    assert (rows["next-month"].verdict, rows["next-month"].false_alarm) == ("noticed", True), "more were published"
    assert Careful.restored == 3, "after each run but the one on the unchanged site"
    assert [(line.model, line.runs, line.repaired.count, line.dollars) for line in heal.summary(found)] == [
        ("", 3, 0, 0.0), ("mine", 1, 1, 0.5),
    ]  # fmt: skip


class Wrong(Reader):
    """Does the task wrongly from the first run on."""

    async def learn(self, task: heal.Task) -> heal.Answer:
        return heal.Answer([])


async def test_a_system_that_is_wrong_on_the_unchanged_site_is_not_measured_there() -> None:
    found = await heal.measure([Wrong], sites=["archive"], changes=changes("unchanged"))
    assert not found.rows
    assert [lesson.fault for lesson in found.lessons] == ["0 rows instead of 14"]
    assert "archive was not measured: 0 rows instead of 14" in "\n".join(heal.notes(found))
    mended = await heal.measure([Reader], sites=["archive"], changes=changes("unchanged"), before=found)
    assert ([lesson.fault for lesson in mended.lessons], verdicts(mended)) == ([""], {"unchanged": "unaffected"})


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(webtasks, ["bench", "heal", "--system", f"{READER}:Reader", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_result_is_written_resumed_and_fits_its_schema(tmp_path: Path) -> None:
    file = tmp_path / "heal.json"
    common = ("--site", "archive", "-o", str(file))
    code, shown, said = run(*common, "--change", "unchanged", "--details")
    assert code == 0, said
    assert "1 of 1, about 0.0 s left; reader on archive, unchanged: unaffected" in said
    lines = shown.splitlines()
    assert lines[1].split("  ")[0] == "reader"
    assert "1 (100%, 21% to 100%)" in lines[1]
    assert "unchanged  ." in lines
    first = json.loads(file.read_text())
    jsonschema.validate(first, json.loads(heal.SCHEMA.read_text()))
    assert (first["bench"], first["version"], first["seeds"]) == ("webtasks heal", heal.VERSION, [0])

    code, shown, said = run(*common, "--change", "unchanged", "--change", "empty-list", "--resume", "--json")
    assert code == 0, said
    assert said.splitlines() == ["2 of 2, about 0.0 s left; reader on archive, empty-list: silently wrong"]
    second = json.loads(file.read_text())
    assert [row["change"] for row in second["rows"]] == ["unchanged", "empty-list"]
    assert second["rows"][0] == first["rows"][0], "it was not measured again"
    assert second["summary"][0]["silentlyWrong"] == {
        "count": 1,
        "total": 2,
        "share": 0.5,
        "low": 0.094531,
        "high": 0.905469,
    }
    assert json.loads(shown)["rows"] == second["rows"]
    assert heal.to_json(heal.from_json(second), sites=[], changes=[], seeds=[])["rows"] == second["rows"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--change", "nosuch"), "--change: there is no change 'nosuch'; there are unchanged, next-day"),
        (("--site", "nosuch"), "--site: there is no site 'nosuch'; there are archive, directory"),
        (("--resume",), "name it with --output"),
        (("--system", "nosuch"), "'nosuch' is none of webtasks, script, crawl4ai"),
        (("--system", f"{READER}:Nosuch"), "has no 'Nosuch'"),
        (("--system", "no.such:Module"), "no.such cannot be imported"),
    ],
)
def test_what_cannot_be_measured_is_named(arguments: tuple[str, ...], said: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert said in error


def test_results_of_another_version_are_not_mixed() -> None:
    with pytest.raises(InvalidRequest, match="not of 'webtasks heal' '1'"):
        heal.from_json({"bench": "webtasks heal", "version": "0", "lessons": [], "rows": []})


def test_texts_that_crawl4ai_extracts_become_values_or_fail() -> None:
    schema = output_schema("feed")
    row = {"headline": " Old tug ", "author": "", "date": "6 October 2025", "comments": "36 comments"}
    assert converted(row, schema, "") == {"headline": "Old tug", "author": None, "date": "2025-10-06", "comments": 36}
    for wrong in ({"date": "Loading…"}, {"comments": "none"}):
        with pytest.raises(ValueError, match=r"is no date|has no number"):
            converted(row | wrong, schema, "")
    with pytest.raises(CrawlFailed, match="no link begins with 'Surveying'"):
        link([["Imprint", "http://a.example/"]], "Surveying")
