"""The browser's options that the engine saved beside an automation, for `python -m sandbox`."""

from pathlib import Path

from engine import BrowserOptions
from sandbox import ContextOptions
from sandbox.__main__ import _context
from tests.support.saved import save


def test_saved_options_are_used_when_the_automation_runs_alone(tmp_path: Path, git: None) -> None:
    saved = BrowserOptions(user_agent="Mozilla/5.0", viewport=(390, 844), headers={"X-Region": "north"})
    save(tmp_path, "k", "code", browser=saved)
    bundle = tmp_path / "default" / "bundles" / "k" / "bundle.json"
    assert _context(bundle) == ContextOptions(
        user_agent="Mozilla/5.0", viewport=(390, 844), headers={"X-Region": "north"}
    )
    save(tmp_path, "plain", "code")
    assert "browser" not in (bundle.parent.with_name("plain") / "bundle.json").read_text()
    assert _context(bundle.parent.with_name("plain") / "bundle.json") == ContextOptions()
    assert _context(tmp_path / "bundle.json") == ContextOptions()
