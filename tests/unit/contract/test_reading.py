"""Anchors of a run's values are found once, and by all who ask about the same view of it."""

from __future__ import annotations

from dataclasses import replace

from engine.contract import Observed, check_signature, learn_signature, signature_of
from engine.contract.provenance.reading import read_once
from sandbox import Evidence
from tests.support.maps import Sheet

ROWS = [{"name": "Amber lamp", "price": 12.5}, {"name": "Birch lamp", "price": 14.0}]


def observed() -> Observed:
    page = Sheet("https://shop.example/list?category=lamps").heading("All lamps")
    page.table(("Name", "Price"), [["Amber lamp", "£12.50"], ["Birch lamp", "£14.00"]])
    return Observed(ROWS, Evidence(maps=(page.map(),)), None, {"category": "lamps"})


def view(run: Observed, category: str) -> Observed:
    return replace(run, parameters={"category": category}, same=run)


def test_what_is_learnt_of_a_checked_run_is_what_was_checked() -> None:
    signature, run = learn_signature([observed()]), observed()
    assert check_signature(signature, view(run, "lamps")) == []
    checked = read_once(view(run, "lamps"), {})
    assert signature_of(view(run, "lamps"), signature) == {**signature, "about": []}
    assert read_once(view(run, "lamps"), {}) is checked


def test_views_with_other_parameters_output_or_pages_are_read_anew() -> None:
    run = observed()
    first = read_once(run, {})
    assert read_once(replace(run, evidence=observed().evidence), {}) is not first
    first = read_once(run, {})
    assert read_once(view(run, "clocks"), {}) is not first
    first = read_once(run, {})
    assert read_once(replace(run, masked=[{"name": "[secret]"}]), {}) is not first


def test_a_field_in_many_wordings_is_read_again_where_its_values_stand_twice() -> None:
    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty"]
    rows = [{"change": f"C-{word}", "author": f"{word.title()} Quill"} for word in words]
    page = Sheet("https://code.example/log").heading("Log")
    said = [f"{word} by {row['author']} in {word}s" for word, row in zip(words, rows, strict=True)]
    page.table(("Change", "Said", "Again"), [[row["change"], text, text] for row, text in zip(rows, said, strict=True)])
    run = Observed(rows, Evidence(maps=(page.map(),)), None, {})
    signature = learn_signature([run])
    assert signature["fields"]["$[*].author"]["words"] is None, "too many to say anything"
    assert check_signature(signature, replace(run, output=[*rows])) == []
