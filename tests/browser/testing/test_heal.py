"""The bench of self-healing with this engine and a bare Playwright script, as the command runs it."""

from __future__ import annotations

from engine.testing import heal


async def test_this_engine_notices_and_repairs_what_a_script_returns_wrong() -> None:
    some = [each for each in heal.CHANGES if each.name in ("unchanged", "redesign", "empty-list")]
    found = await heal.measure([heal.Webtasks, heal.Script], sites=["archive"], changes=some)
    assert [lesson.fault for lesson in found.lessons] == ["", ""]
    assert [(row.system, row.change, row.verdict, row.model) for row in found.rows] == [
        ("webtasks", "unchanged", "unaffected", ""),
        ("webtasks", "redesign", "repaired", "claude-haiku-5-5, recorded"),
        ("webtasks", "empty-list", "noticed", ""),
        ("script", "unchanged", "unaffected", ""),
        ("script", "redesign", "noticed", ""),
        ("script", "empty-list", "silently wrong", ""),
    ]
    rows = {(row.system, row.change): row for row in found.rows}
    assert rows["webtasks", "redesign"].dollars > 0
    assert not rows["webtasks", "empty-list"].false_alarm
    assert found.lessons[0].dollars > 0
