"""Checks of `webtasks doctor` that need no jail: modules of the user in the place of our packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.commands.doctor import _import_names


def test_modules_that_programs_started_here_would_import_for_ours_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, named = tmp_path / "here", tmp_path / "named"
    (here / "sandbox").mkdir(parents=True)
    (named / "engine").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", str(named))
    assert list(_import_names()) == [], "a directory alone does not come before a package"
    (here / "engine.py").touch()
    (named / "engine" / "__init__.py").touch()
    (check,) = _import_names()
    assert check.state == "warning"
    assert f"beside {here / 'engine.py'}, {named / 'engine' / '__init__.py'} imports" in check.detail
    assert "Rename" in check.remedy


def test_checkout_itself_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    import engine

    monkeypatch.chdir(Path(engine.__file__).parents[1])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert list(_import_names()) == []
