"""The pytest plugin in processes of its own: where nobody uses it, and beside other plugins."""

from __future__ import annotations

import pytest

from tests.support.strangers import project

pytest_plugins = ("pytester",)


def test_a_test_run_that_does_not_use_the_plugin_imports_nothing_of_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, git: None
) -> None:
    project(pytester, monkeypatch)
    pytester.makepyfile(
        """
        import sys

        def test_unused(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("webtasks_pytest")
            assert not {"engine", "sandbox", "pydantic", "playwright"} & sys.modules.keys()
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_it_works_in_a_worker_of_xdist_beside_playwrights_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, git: None
) -> None:
    project(pytester, monkeypatch)
    pytester.makepyfile(
        """
        def test_keys(webtasks_engine, browser_name, worker_id):
            assert webtasks_engine.bundles.keys() == ["businesses"]
            assert browser_name == "chromium"
            assert worker_id != "master"

        async def test_async(webtasks_async_engine):
            async with webtasks_async_engine as engine:
                result = await engine.run(key="none", parameters={})
            assert result.error.reason == "nothing-saved"
        """
    )
    plugins = ("xdist.plugin", "pytest_playwright.pytest_playwright")
    ran = pytester.runpytest_subprocess(*(f"-p{name}" for name in plugins), "-n1")
    ran.assert_outcomes(passed=2)


def test_package_of_the_project_with_the_name_of_ours_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, git: None
) -> None:
    project(pytester, monkeypatch)
    (pytester.mkpydir("engine") / "core.py").touch()
    pytester.makepyfile(
        """
        import engine.core

        def test_own(): pass

        def test_keys(webtasks_engine): pass
        """
    )
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--import-mode=prepend")
    ran.assert_outcomes(passed=1, errors=1)
    ran.stdout.fnmatch_lines([f"*ImportError: {pytester.path}/engine/__init__.py is in the way: *rename that file*"])
