"""A step that ended its worker: the page is opened anew, the model hears of it, and the task goes on."""

from typing import Any

import pytest

from engine.testing import ScriptedModel
from engine.testing.sandbox import ScriptedSession
from sandbox import SandboxLimitExceeded
from tests.unit.runs.conftest import Run, told

GIVE_UP = [("give_up", {"reason": "impossible", "message": "no"})]
STUCK = [("python", {"code": "re.match(r'(a+)+$', 'a' * 99 + 'b')"})]


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps with a pattern of their own end their worker."""
    execute = ScriptedSession.execute

    async def run(self: ScriptedSession, code: str, timeout: float = 60.0) -> Any:
        if "re.match" in code:
            raise SandboxLimitExceeded("wall_seconds", timeout)
        return await execute(self, code, timeout)

    monkeypatch.setattr(ScriptedSession, "execute", run)


async def test_the_session_is_opened_anew_and_the_model_hears_why(run: Run, stuck: None) -> None:
    model = ScriptedModel(STUCK, GIVE_UP)
    result, scripted = await run(model=model)
    assert result.error is not None
    assert result.error.reason == "impossible", "the task went on"
    assert "the page was opened anew at the start URL" in told(model)[-1]
    assert "still running when its time was over" in told(model)[-1]
    assert [session.closed for session in scripted.sessions] == [True, True]


async def test_a_model_that_does_it_again_and_again_ends_the_task(run: Run, stuck: None) -> None:
    result, scripted = await run(model=ScriptedModel(*[STUCK] * 4))
    assert result.error is not None
    assert result.error.reason == "limit-wall-seconds"
    assert len(scripted.sessions) == 4
    assert all(session.closed for session in scripted.sessions)
