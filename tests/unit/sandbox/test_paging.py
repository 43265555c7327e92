"""The words for "there is more" and for totals: certain ones, and those that may be some."""

import re

import pytest

from sandbox.paging import NEXT_ARROW, NEXT_LABEL, may_lead_on, may_state_total, stated_totals


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        ("47 results", [47]),
        ("Showing 1\u201310 of 47", [47]),
        ("Showing 1 to 10 of 1,247 entries", [1247]),
        ("1.247 items found", [1247]),
        ("Total: 12", [12]),
        ("Entries \u00a0 1,204", [1204]),
        ("Found  :\n7", [7]),
        ("Subtotal: 12", []),
        ("1-10 of 47 hits for 2026 in 3 of 9 towns", [47, 9]),
        ("12 of 53 companies", [53]),
        ("64 stories", [64]),
        ("5 minutes", []),
        ("Page 2 of 5", []),
        ("\u00a347.00", []),
        ("In stock (22 available)", []),
        ("9" * 400 + " items", []),
    ],
)
def test_stated_total_is_found(text: str, totals: list[int]) -> None:
    assert [number for _, number in stated_totals(text)] == totals
    assert may_state_total(text) or not totals, "what is certain is possible"


@pytest.mark.parametrize(
    ("label", "certain"),
    [
        ("Next", True),
        ("next page \u203a", True),
        ("\u00bb Older posts", True),
        ("Load more companies", True),
        ("More", True),
        ("Page suivante", True),
        ("次へ", True),
        ("\u2192", True),
        (">>", True),
        ("Next 20 towns", False),
        ("Nextdoor", False),
        ("More about us", False),
        ("Newer posts", False),
        ("<", False),
        ("", False),
    ],
)
def test_label_that_leads_on_is_found(label: str, *, certain: bool) -> None:
    found = re.search(NEXT_LABEL, label, re.IGNORECASE) or re.search(NEXT_ARROW, label)
    assert bool(found) is certain
    assert may_lead_on(label) or not certain, "what is certain is possible"


@pytest.mark.parametrize("label", ["Next 20 towns", "More about us", "Show all", "Go to next page", "\u203a\u203a"])
def test_label_that_may_lead_on_is_kept(label: str) -> None:
    assert may_lead_on(label)


@pytest.mark.parametrize("label", ["Nextdoor", "Newer posts", "Moreton", "<", ""])
def test_other_labels_lead_nowhere(label: str) -> None:
    assert not may_lead_on(label)


@pytest.mark.parametrize(
    ("text", "expected"), [("Page 2 of 5", True), ("Open 7 days a week", False), ("Totals", False)]
)
def test_text_that_may_state_a_total_is_recognized(text: str, *, expected: bool) -> None:
    assert may_state_total(text) is expected
