"""Commands that move an automation between stores, or delete it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles import BundleStore, PlainBundles, RepositoryStore
from tests.support.command import KEY, Run, data
from tests.support.numbered import user_git


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def test_export_rm_and_import_restore_the_automation(cli: Run, store: Path, here: Path) -> None:
    before = BundleStore(store / "default").history(KEY)
    assert cli("bundles", "export", KEY).stdout == "guide.bundle\n"
    assert cli("bundles", "rm", KEY, "--yes").stdout == "guide was deleted\n"
    assert data(cli("bundles", "list", "--json")) == []
    assert cli("bundles", "import", "guide.bundle").stdout.startswith("guide: 2 revisions, latest ")
    assert BundleStore(store / "default").history(KEY) == before
    again = cli("bundles", "import", "guide.bundle")
    assert again.exit_code == 2
    assert "something is saved under the key 'guide' already" in again.stderr
    imported = data(cli("bundles", "import", "guide.bundle", "--key", "Kopie/2", "--json"))
    assert (imported["key"], Path(imported["path"]).is_dir()) == ("Kopie/2", True)
    exported = data(cli("bundles", "export", "Kopie/2", "-o", str(here), "--json"))
    assert exported["revision"] == imported["revision"]
    assert Path(exported["file"]).stat().st_size == exported["bytes"]


def test_export_overwrites_only_with_force(cli: Run, here: Path) -> None:
    file = here / "mine.txt"
    file.write_text("mine")
    refused = cli("bundles", "export", KEY, "-o", str(file))
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert cli("bundles", "export", KEY, "-o", str(file), "--force").exit_code == 0
    misread = cli("bundles", "export", KEY, "guide.bundle")
    assert misread.exit_code == 2
    assert f"-o names: webtasks bundles export {KEY} -o guide.bundle;" in " ".join(misread.stderr.split())
    assert file.read_bytes().startswith(b"# v2 git bundle")


def test_rm_asks_for_confirmation(cli: Run, store: Path) -> None:
    kept = cli("bundles", "rm", KEY, input="n\n")
    assert kept.exit_code == 1
    assert "Permanently delete 2 revisions of 'guide'?" in kept.stderr
    assert BundleStore(store / "default").head(KEY) is not None
    (store / "default" / "bundles" / KEY / "NOTES.md").write_text("mine")
    gone = cli("bundles", "rm", KEY, "--json", input="y\n")
    assert data(gone) == {"key": KEY, "removed": True}
    assert "your edits of NOTES.md" in gone.stderr
    assert BundleStore(store / "default").head(KEY) is None


@pytest.mark.parametrize("arguments", [("export", "nobody"), ("rm", "nobody", "-y"), ("import", "nowhere.bundle")])
def test_transfer_of_a_missing_key_or_file_exits_with_2(cli: Run, arguments: tuple[str, ...]) -> None:
    result = cli("bundles", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_import_refuses_a_file_that_is_not_a_bundle(cli: Run, here: Path) -> None:
    (here / "page.html").write_text("<html>")
    result = cli("bundles", "import", "page.html")
    assert result.exit_code == 2
    assert "not written by `webtasks bundles export`" in result.stderr


def test_short_commands_print_the_same_as_those_of_the_group(cli: Run) -> None:
    for long, short in (("log", "history"), ("show", "show"), ("diff", "diff")):
        assert cli("bundles", long, KEY).stdout == cli(short, KEY).stdout


def test_client_writes_a_module_for_a_key(cli: Run, tmp_path: Path) -> None:
    target = tmp_path / "guide.py"
    assert cli("bundles", "client", KEY, "-o", str(target)).stdout.strip() == str(target)
    source = target.read_text()
    compile(source, str(target), "exec")
    assert "def guide(category: str) -> Any:" in source
    assert cli("bundles", "client", KEY).stdout == source
    again = cli("bundles", "client", KEY, "-o", str(target))
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert cli("bundles", "client", "guid").exit_code == 2


def test_client_and_modules_with_names_of_our_packages_are_told(cli: Run, tmp_path: Path) -> None:
    refused = cli("bundles", "client", KEY, "-o", str(tmp_path / "engine.py"))
    assert refused.exit_code == 2
    assert "in the place of our package engine" in refused.stderr
    assert not (tmp_path / "engine.py").exists()
    (tmp_path / "sandbox.py").touch()
    written = cli("bundles", "client", KEY, "-o", str(tmp_path / "client.py"))
    assert written.exit_code == 0
    assert f"{tmp_path / 'sandbox.py'} is in the way" in written.stderr


def test_plain_files_of_a_repository_are_exported_run_and_patched(cli: Run, store: Path, here: Path) -> None:
    assert cli("bundles", "export", "mine", "--plain").stdout == f"{here}/mine/guide\n"
    assert sorted(path.name for path in (here / "mine" / "guide").iterdir()) == [
        "NOTES.md", "automation.py", "bundle.json", "contract.json",
    ]  # fmt: skip
    (here / "mine" / "guide" / "NOTES.md").write_text("mine")
    refused = cli("bundles", "export", "mine", KEY, "--plain")
    assert (refused.exit_code, "NOTES.md" in refused.stderr) == (2, True)
    assert cli("bundles", "export", "mine", KEY, "--plain", "--force", "--json").exit_code == 0

    user_git(here, "init", "-q")
    user_git(here, "add", "-A")
    user_git(here, "commit", "-q", "-m", "Add")
    bundles = RepositoryStore(store / "default", PlainBundles(here / "mine"))
    with bundles.lock(KEY):
        bundle, _ = bundles.load_to_run(KEY)
        assert bundle is not None
        assert cli("--bundles", "mine", "bundles", "diff", KEY, "--patch").stdout == ""
        bundles.commit(KEY, replace(bundle, notes="The list is in a table.\n"), subject="Mend it")
    patch = cli("bundles", "diff", KEY, "--patch", "--bundles", "mine").stdout
    assert patch.startswith("diff --git a/mine/guide/NOTES.md b/mine/guide/NOTES.md\n")
    assert data(cli("--bundles", "mine", "bundles", "diff", KEY, "--patch", "--json")) == {"key": KEY, "patch": patch}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bundles", "diff", KEY, "--patch"), "--bundles DIR"),
        (("bundles", "export", KEY, "other"), "--plain"),
        (("bundles", "export", "mine", "--plain", "-o", "x"), "--output"),
        (("--bundles", "nowhere", "bundles", "list"), "no directory nowhere"),
    ],
)
def test_wrong_use_of_plain_files_is_told(cli: Run, arguments: tuple[str, ...], told: str) -> None:
    result = cli(*arguments)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr
