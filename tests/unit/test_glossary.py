"""The glossary is the one place that defines the product's terms."""

import re
from pathlib import Path

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\*\*(.+?)\.\*\* \S", GLOSSARY, re.MULTILINE)


def test_every_entry_is_a_term_and_its_meaning_in_alphabetical_order() -> None:
    entries = [line for line in GLOSSARY.splitlines() if line.startswith("**")]
    assert len(TERMS) == len(entries) == len(set(TERMS))
    assert sorted(TERMS, key=str.casefold) == TERMS


def test_the_terms_that_results_and_messages_use_are_defined() -> None:
    used = {"Bundle", "Candidate", "Contract", "Drift", "Effect", "Exploration", "Gate", "Learned egress"}
    used |= {"Other parameters", "Repair", "Replay", "Reuse key", "Revision", "Triage", "Trust", "Update", "Verdict"}
    assert used <= set(TERMS)
