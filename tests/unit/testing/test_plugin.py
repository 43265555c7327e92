"""The pytest plugin in a user's project. The sandbox of the inner tests is scripted, all else is real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.strangers import project

pytest_plugins = ("pytester",)

SCRIPTED = """
import pytest
import sandbox
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from sandbox import Evidence, ScriptError

URL = "http://127.0.0.1:9/"
PAGE = Evidence(url=URL, title="Guide", text="Ada", status=200, documents=((URL, 200),))
GOOD = outcome([{"name": "Ada"}], evidence=PAGE)
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)

@pytest.fixture
def script(monkeypatch):
    def play(*steps):
        scripted = ScriptedSandbox(*steps)
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        return scripted
    return play
"""


@pytest.fixture(autouse=True)
def stranger(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, git: None) -> Path:
    root = project(pytester, monkeypatch, start_url="http://127.0.0.1:9/")
    pytester.makeconftest(SCRIPTED)
    return root


def test_an_engine_has_the_projects_automations_as_their_files_are(pytester: pytest.Pytester, stranger: Path) -> None:
    code = stranger / "automations" / "businesses" / "automation.py"
    code.write_text(code.read_text() + "# edited, and not committed\n")
    pytester.makepyfile(
        """
        from conftest import GOOD

        def test_names(webtasks_engine, script):
            scripted = script(GOOD)
            result = webtasks_engine.run(key="businesses", parameters={"category": "Surveying"})
            assert result.output == [{"name": "Ada"}]
            assert "# edited" in scripted.calls[0].code

        async def test_names_async(webtasks_async_engine, script):
            script(GOOD)
            async with webtasks_async_engine as engine:
                result = await engine.run(key="businesses", parameters={"category": "Surveying"})
            assert result.output == [{"name": "Ada"}]
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_model_is_asked_with_leave_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from conftest import BROKEN, ScriptedModel

        def test_without_leave(webtasks_engine, script):
            script(BROKEN)
            assert webtasks_engine.run(key="businesses", parameters={"category": ""}, ai="auto").error

        def test_unasked(webtasks_engine, script):
            script(BROKEN)
            assert "no such button" in webtasks_engine.run(key="businesses", parameters={"category": ""}).error.message

        class TestScripted:
            @pytest.fixture
            def webtasks_engine_options(self):
                return {"model": ScriptedModel([("give_up", {"reason": "site-broken", "message": "gone"})])}

            def test_scripted(self, webtasks_engine, script):
                script(BROKEN)
                assert webtasks_engine.run(key="businesses", parameters={"category": ""}).model_calls == 1
        """
    )
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(passed=3, errors=1)
    ran.stdout.fnmatch_lines(["*ERROR at teardown of test_without_leave*", "*no leave to ask a model*model=True*"])


def test_a_recording_that_is_not_there_says_how_to_make_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.webtasks(recording="tests/{test}.wtrec")
        @pytest.mark.parametrize("category", ["a b", "c"])
        def test_names(webtasks_engine, category):
            pass
        """
    )
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(errors=2)
    ran.stdout.fnmatch_lines(["*tests/test_names-a-b.wtrec is not there: run pytest --webtasks-record=new*"])


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('webtasks(recording="tests/x.wtrec")', "*would both record *x.wtrec*{test}*"),
        ('webtasks("tests/x.wtrec")', "*the marker webtasks takes recording=, model=, live=, site= by name*"),
    ],
)
def test_a_marker_that_cannot_be_kept_stops_the_run(pytester: pytest.Pytester, marker: str, told: str) -> None:
    pytester.makepyfile(
        f"import pytest\n\npytestmark = pytest.mark.{marker}\n\ndef test_a(): pass\n\ndef test_b(): pass\n"
    )
    ran = pytester.runpytest_inprocess("--webtasks-record=all")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([told])


def test_an_async_engine_that_is_left_open_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from conftest import GOOD

        async def test_names(webtasks_async_engine, script):
            script(GOOD)
            assert await webtasks_async_engine.run(key="businesses", parameters={"category": ""})
            await webtasks_async_engine._workspace.close()
        """
    )
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(passed=1, errors=1)
    ran.stdout.fnmatch_lines(["*the engine was not closed*async with webtasks_async_engine*"])


def test_a_site_is_redesigned_and_mutated(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.request

        import pytest
        from engine.testing.drift import MUTATIONS

        def get(site):
            with urllib.request.urlopen(site.url) as page:
                return page.read()

        @pytest.mark.webtasks(site="directory")
        def test_site(webtasks_site):
            first = get(webtasks_site)
            webtasks_site.version = "v2"
            assert get(webtasks_site) != first
            webtasks_site.version = "v1"
            webtasks_site.mutation = next(each for each in MUTATIONS if each.name == "rename-classes")
            assert get(webtasks_site) != first
            webtasks_site.mutation = None
            assert get(webtasks_site) == first
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
