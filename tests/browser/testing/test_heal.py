"""The bench of self-healing with this engine and a bare Playwright script."""

from __future__ import annotations

from engine.testing import heal


async def test_this_engine_notices_and_repairs_what_a_script_falls_for() -> None:
    some = [each for each in heal.CHANGES if each.name in ("redesign", "empty-list")]
    found = await heal.measure([lambda: heal.Webtasks(good_runs=0), heal.Script], sites=["archive"], changes=some)
    assert [lesson.fault for lesson in found.lessons] == ["", ""]
    assert [(row.system, row.change, row.verdict, row.model) for row in found.rows] == [
        ("webtasks", "redesign", "repaired", "claude-haiku-5-5, recorded"),
        ("webtasks", "empty-list", "noticed", ""),
        ("script", "redesign", "noticed", ""),
        ("script", "empty-list", "silently wrong", ""),
    ]
    assert found.rows[0].dollars > 0
    assert not found.rows[1].false_alarm
    assert found.lessons[0].dollars > 0
