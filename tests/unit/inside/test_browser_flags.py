"""The flags of a worker's browser, beside a driver of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.inside.browser_flags import browser_flags


def _disabled(playwright: Path, code: str) -> list[str]:
    place = playwright / "driver/package/lib/coreBundle.js"
    place.parent.mkdir(parents=True)
    place.write_text(code)
    return [flag for flag in browser_flags(playwright) if "-features=" in flag]


def test_the_features_that_the_driver_disables_stay_disabled(tmp_path: Path) -> None:
    listed = (
        'x; disabledFeatures = [\n // see [1]\n "A",\n  // of old\n  "PaintHolding"\n ].filter(Boolean); y = ["B"];'
    )
    assert _disabled(tmp_path, listed) == ["--disable-features=A,PaintHolding,RenderDocument"]


@pytest.mark.parametrize("listed", ["", "[]", "[", '[\n "A",\n b ? "B" : 0,\n ]', '[\n "A",\n'])
def test_a_driver_with_features_in_another_form_keeps_its_own_flag(tmp_path: Path, listed: str) -> None:
    assert _disabled(tmp_path, f"disabledFeatures = {listed}") == []
    assert "--disable-quic" in browser_flags(tmp_path / "none")


def test_only_a_browser_without_images_is_told_to_load_none(tmp_path: Path) -> None:
    added = {"--blink-settings=imagesEnabled=false", "--disable-remote-fonts"}
    assert set(browser_flags(tmp_path, images=False)) - set(browser_flags(tmp_path)) == added
