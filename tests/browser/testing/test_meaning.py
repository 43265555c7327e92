"""The bench of meaning in short: one site, one change, one rewording and other data."""

from __future__ import annotations

import pytest

from engine.testing.drift import HARMLESS, MEANINGS
from tests.benchmarks import meaning


async def test_a_change_is_noticed_and_what_is_harmless_is_not() -> None:
    kinds = {kind.name: kind for kind in (*MEANINGS, *HARMLESS)}
    async with meaning.opened("fee") as subject:
        cases = [await subject.case(kinds[name], "young") for name in ("masked", "numbered-pager", "h-banner")]
        unusual = await subject.day("old", 21)
        shown = await subject.case(kinds["from-price"], "fresh")
    assert cases[0] is cases[1] is None, "the page has no list and no text to mask"
    assert cases[2] is not None
    assert (cases[2].verdict, unusual.verdict) == (meaning.RIGHT, meaning.RIGHT)
    assert shown is not None
    assert shown.verdict in (meaning.WRONG, meaning.QUESTION, meaning.OUTRIGHT)
    assert "all" in meaning.table([cases[2], unusual, shown], (meaning.WRONG, meaning.RIGHT))


@pytest.mark.parametrize(
    ("site", "kind"), [("jobs", "currency-sign"), ("cards", "old-price-first"), ("fee", "currency-sign")]
)
async def test_a_change_is_noticed_in_the_same_words_without_a_browser(site: str, kind: str) -> None:
    changed = next(each for each in MEANINGS if each.name == kind)
    told = []
    for name in (site, f"{site}-web"):
        async with meaning.opened(name) as subject:
            case = await subject.case(changed, "young")
        assert case is not None
        assert case.verdict in (meaning.QUESTION, meaning.OUTRIGHT), case
        told.append((case.verdict, case.breaches))
    assert told[0] == told[1]
    assert told[0][1], "breaches in words"
