"""A user's project with one automation and one test: green from its recording, and red once the site was redesigned."""

from __future__ import annotations

import pytest

from fixtures_sites import serve
from tests.support.strangers import project

pytest_plugins = ("pytester",)

TEST = """
import pytest

@pytest.mark.webtasks(recording="tests/businesses.wtrec")
def test_businesses(webtasks_engine):
    assert len(webtasks_engine.run(key="businesses", parameters={"category": "Surveying"}).output) == 7
"""
WITHOUT_LEAVE = """
def test_businesses(webtasks_engine):
    assert not webtasks_engine.run(key="businesses", parameters={"category": "Surveying"}).ok
"""
ON_A_SITE = """
def test_businesses(webtasks_engine, webtasks_site):
    arguments = {"key": "businesses", "parameters": {"category": "Surveying"}, "start_url": webtasks_site.url}
    assert len(webtasks_engine.run(**arguments).output) == 7
"""


def test_a_project_is_green_until_its_site_is_recorded_anew_after_a_redesign(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve("directory") as site:
        project(pytester, monkeypatch, start_url=site.url)
        pytester.makepyfile(TEST)
        pytester.runpytest_inprocess("--webtasks-record=new").assert_outcomes(passed=1)
        asked = len(site.requests)
        assert asked > 0
        assert (pytester.path / "tests" / "businesses.wtrec").stat().st_size < 100_000

        site.version = "v2"
        pytester.runpytest_inprocess().assert_outcomes(passed=1)
        assert len(site.requests) == asked, "a recording is played without the site"
        ran = pytester.runpytest_inprocess("--webtasks-record=all")
        ran.assert_outcomes(failed=1)
        ran.stdout.fnmatch_lines(["E*TaskFailed: *Accept all*"])

        asked = len(site.requests)
        pytester.makepyfile(WITHOUT_LEAVE)
        ran = pytester.runpytest_inprocess()
        ran.assert_outcomes(passed=1, errors=1)
        ran.stdout.fnmatch_lines(["*GET http://127.0.0.1:*no leave for the network*webtasks-record=new*"])
        assert len(site.requests) == asked


def test_a_test_reaches_the_fixture_site_that_it_asks_for(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(pytester, monkeypatch)
    pytester.makepyfile(ON_A_SITE)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
