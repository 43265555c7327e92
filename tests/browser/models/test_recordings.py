"""A recorded model is only right while the observation shows what it needs: a lost control is a clear error."""

from collections.abc import Callable

import pytest

from engine.observation.observer import Observer
from sandbox import PageSnapshot
from tests.support.stage import Stage

LOST = "button"


async def test_a_control_that_the_look_drops_makes_the_recording_unfit(
    stage: Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    s = stage("archive")
    assert (await s.run("explore")).ok
    s.site.version = "v2"
    whole = Observer.first

    def without_buttons(self: Observer, snapshot: PageSnapshot) -> str:
        look = whole(self, snapshot)
        assert LOST in look
        return "\n".join(line for line in look.splitlines() if LOST not in line)

    monkeypatch.setattr(Observer, "first", without_buttons)
    result = await s.run("repair")
    assert result.error is not None
    assert result.error.reason == "recording-mismatch"
    assert "archive.repair" in result.error.message
    assert "make record" in result.error.message
