"""Commands on saved automations, in text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.bundles import BundleStore
from engine.cli.main import webtasks
from tests.support.command import KEY, Run, data
from tests.support.saved import TASK, save


def revisions(store: Path) -> list[str]:
    return [revision.id for revision in BundleStore(store / "default").history(KEY)]


def test_history_lists_revisions_newest_first(cli: Run, store: Path) -> None:
    shown = cli("history", KEY).stdout.splitlines()
    assert shown[0].split() == ["Revision", "Saved", "Model", "Cost", "Change"]
    assert [line.split()[0] for line in shown[1:]] == [each[:10] for each in revisions(store)]
    assert [each["id"] for each in data(cli("history", KEY, "--json", "-l", "1"))] == revisions(store)[:1]


def test_show_prints_properties_and_code(cli: Run, store: Path) -> None:
    shown = cli("show", KEY).stdout
    for fact in (TASK, "category", revisions(store)[0][:10], str(store / "default" / "bundles" / KEY), "tbody a"):
        assert fact in shown
    code = cli("show", KEY, "HEAD~1", "--code").stdout
    assert "tbody b" in code
    compile(code, "automation.py", "exec")
    description = data(cli("show", KEY, "--json"))
    assert (description["key"], description["pinned"]) == (KEY, None)
    assert description["revision"]["id"] == revisions(store)[0]


def test_show_names_uncommitted_edits(cli: Run, store: Path) -> None:
    (store / "default" / "bundles" / KEY / "automation.py").write_text("# mine\n")
    shown = cli("show", KEY).stdout
    assert "automation.py" in next(line for line in shown.splitlines() if line.startswith("Edited:"))
    assert "# mine" not in shown


def test_diff_compares_the_latest_two_or_any_two_revisions(cli: Run, store: Path) -> None:
    last = cli("diff", KEY).stdout
    assert '+    return [{"name": name} for name in await page.locator("tbody a")' in last
    newest, oldest = revisions(store)
    assert cli("diff", KEY, newest[:8], oldest).stdout.count("+    return") == 1
    assert data(cli("diff", KEY, "--json"))["old"] == oldest
    alone = cli("diff", KEY, "--json", str(oldest), str(oldest))
    assert data(alone)["diff"] == ""


def test_diff_of_a_single_revision_fails_with_a_message(cli: Run, store: Path) -> None:
    result = cli("diff", KEY, "", "HEAD~1")
    assert result.exit_code == 2
    assert "only one revision" in result.stderr


def test_rollback_commits_the_older_code_as_the_latest_revision(cli: Run, store: Path) -> None:
    _, oldest = revisions(store)
    result = cli("rollback", KEY, oldest[:10])
    assert "Roll back" in result.stdout
    assert len(revisions(store)) == 3
    assert "tbody b" in cli("show", KEY, "--code").stdout
    again = data(cli("rollback", KEY, "HEAD~1", "--json"))
    assert again["id"] == revisions(store)[0]


def test_pin_and_unpin_show_in_list_and_show(cli: Run, store: Path) -> None:
    newest, oldest = revisions(store)
    assert data(cli("pin", KEY, "HEAD~1", "--json")) == {"key": KEY, "pinned": oldest}
    assert f"pinned at {oldest[:10]}" in cli("bundles", "list").stdout
    assert "Pinned:" in cli("show", KEY).stdout
    assert newest[:10] in cli("pin", KEY).stdout
    assert "not pinned" in cli("unpin", KEY).stdout
    assert data(cli("bundles", "list", "--json"))[0]["pinned"] is None


@pytest.mark.parametrize("command", ["history", "show", "diff", "rollback", "pin", "unpin"])
def test_unknown_key_exits_with_2_and_creates_nothing(cli: Run, store: Path, command: str) -> None:
    revision = ["HEAD"] if command == "rollback" else []
    result = cli(command, "nobody", *revision)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing is saved under the reuse key 'nobody'" in result.stderr
    assert not (store / "default" / "bundles" / "nobody").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("bundles", "show", "giude"), ("bundles", "log", "Guide"), ("bundles", "rollback", "guides", "HEAD"),
        ("bundles", "rm", "guid"), ("bundles", "adopt", "giude", "--secret", "code"), ("costs", "giude"),
        ("bundles", "export", "giude"), ("run", "--key", "giude", "--secret", "code"), ("start", "--key", "giude"),
        ("drift", "giude"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_misspelled_key_is_told_before_anything_else(cli: Run, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no such key" in result.stderr
    assert f"did you mean {KEY!r}?" in result.stderr


def test_key_where_a_task_is_asked_for_and_misspelled_commands_are_told(cli: Run) -> None:
    for command in ("result", "why", "report", "watch", "cancel"):
        result = cli(command, KEY)
        assert f"it is a reuse key: `webtasks list --key {KEY}` names its tasks" in result.stderr, command
    assert "Did you mean --key guide?" in cli("attempts", "--key", "giude").stderr
    for words, meant in (
        ("adopt", "bundles adopt"),
        ("bundles lisst", "bundles list"),
        ("reslt x", "result"),
        ("frobnicate", ""),
    ):
        result = cli(*words.split())
        assert result.exit_code == 2
        assert ("did you mean `webtasks " in result.stderr) == bool(meant)
        assert meant in result.stderr


def test_new_key_near_a_saved_one_is_noted_but_not_refused(cli: Run) -> None:
    noted = cli("run", "List the businesses", "--key", "guides", "--start-url", "no URL")
    assert f"Note: nothing is saved under the key 'guides' yet, but under {KEY!r}" in noted.stderr
    assert "--start-url must be an http or https URL" in noted.stderr
    for key in ("surveyors", "guide2"):
        assert "Note:" not in cli("run", "List the businesses", "--key", key, "--start-url", "no URL").stderr


def test_unknown_revision_exits_with_2(cli: Run) -> None:
    for arguments in (("show", KEY, "beef"), ("diff", KEY, "beef"), ("rollback", KEY, "beef"), ("pin", KEY, "beef")):
        result = cli(*arguments)
        assert result.exit_code == 2
        assert "beef" in result.stderr


def test_reading_commands_do_not_create_a_store(tmp_path: Path) -> None:
    store = tmp_path / "none"
    for arguments in (
        ["list"],
        ["bundles", "list"],
        ["costs"],
        ["watch"],
        ["cancel", "wt_1"],
        ["result", "wt_1"],
        ["export"],
        ["--json", "list"],
        ["show", "k"],
    ):
        CliRunner().invoke(webtasks, ["--store", str(store), *arguments])
    assert not store.exists()


def test_common_options_work_before_and_after_the_command(tmp_path: Path, store: Path) -> None:
    run = CliRunner(env={"WEBTASKS_STORE": str(tmp_path / "other")}).invoke
    for arguments in (
        ["--store", str(store), "bundles", "list", "--json"],
        ["--json", "bundles", "list", "--store", str(store)],
    ):
        assert data(run(webtasks, arguments))[0]["key"] == KEY
    assert data(run(webtasks, ["bundles", "list", "--json"])) == []


def test_bundle_list_is_paged_and_says_how_many_are_left(cli: Run, store: Path) -> None:
    for n in range(3):
        save(store, f"more-{n}", "async def run(page, parameters, task):\n    return 1\n")
    keys = [KEY, "more-0", "more-1", "more-2"]
    assert [each["key"] for each in data(cli("bundles", "list", "--json"))] == keys
    assert [each["key"] for each in data(cli("bundles", "list", "--json", "--limit", "2", "--offset", "1"))] == keys[
        1:3
    ]
    shown = cli("bundles", "list", "--limit", "3")
    assert "more-1" in shown.stdout
    assert "more-2" not in shown.stdout
    assert "1 more; use --limit and --offset to see them" in shown.output


def test_kind_is_told_by_list_and_show(cli: Run, store: Path) -> None:
    save(store, "light", "async def run(web, parameters, task): return (await web.get('/')).text")
    kinds = {each["key"]: each["kind"] for each in data(cli("bundles", "list", "--json"))}
    assert kinds == {KEY: "page", "light": "web"}
    listed = cli("bundles", "list").stdout.splitlines()
    assert listed[0].split()[:2] == ["Key", "Kind"]
    assert {tuple(line.split()[:2]) for line in listed[1:]} == {(KEY, "page"), ("light", "web")}
    assert data(cli("show", "light", "--json"))["kind"] == "web"
    assert "web (without a browser)" in cli("show", "light").stdout
