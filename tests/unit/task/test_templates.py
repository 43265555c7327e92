"""Templates of task texts: what counts as an input, and which later texts fit."""

from typing import Any

import pytest

from engine.task.templates import make_template, read_values, same_values, slots, text_inputs


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("List the seats of batch S24", {"batch": "S24"}),
        ("Get the status of order INV-2023-004 and its date", {"order": "INV-2023-004"}),
        ("Find flights from “New York” on 2026-03-01", {"flights": "New York", "flights_2": "2026-03-01"}),
        ("Show what ada@mail.example bought", {"bought": "x"}),
        ("List the first 10 entries with name and price", {}),
        (
            "List departures from Newport to Stow on Friday. Give time and platform.",
            {"departures": "Newport", "departures_2": "Stow", "departures_3": "Friday"},
        ),
        ("Find Ada Lovelace's orders in the Reports tab, as CSV", {"find": "Ada Lovelace"}),
        (
            "List trains from Zürich HB to St. Ives on 12 March 2026",
            {"trains": "Zürich HB", "trains_2": "St. Ives", "trains_3": "12 March 2026"},
        ),
        ("Get the rate of USD to EUR in March 2026, as CSV", {"rate": "USD", "rate_2": "EUR", "rate_3": "March 2026"}),
        ("Find iPhone 15 Pro at Marks & Spencer", {"find": "iPhone 15 Pro", "find_2": "Marks & Spencer"}),
        ("show the lyrics of Yesterday by The Beatles", {"lyrics": "Yesterday", "lyrics_2": "The Beatles"}),
        ("List the guests of room 7 and of the first 10 nights, NOT the staff", {"room": "7"}),
        ("LIST ALL DEPARTURES FROM NEWPORT", {}),
        ("List the columns Name, Town, Price and Size of the shop", {}),
        ("List All Departures From Newport", {}),
        ("Zeige alle Bestellungen des Kunden und den Preis", {}),
        ("Read http://shop.example/A4/page2 to its end", {}),
        ("Show the forecast of the city (1 = Tokyo, 2 = New York) for 2026-03-01", {"city": "2026-03-01"}),
        ("List the orders by state: A: Active, D: Done; of batch S24", {"batch": "S24"}),
        ('List the rooms, where "S" means Single and "D" means Double', {}),
        ("List the rooms with year = 2024, month = 2025", {"year": "2024", "month": "2025"}),
        ("Log in with the password 'Tulip99' and list the orders", {}),
    ],
)
def test_values_that_look_like_inputs_are_found(task: str, found: dict[str, str]) -> None:
    if "@" in task:
        assert list(text_inputs(task, {}).values()) == ["ada@mail.example"]
    else:
        assert text_inputs(task, {}) == found


def test_value_of_a_parameter_is_no_further_input() -> None:
    assert text_inputs("List batch S24 and batch W25", {"batch": "s24"}) == {"batch_2": "W25"}


@pytest.mark.parametrize(
    ("template", "task", "parameters", "values"),
    [
        ("List batch {batch}.", "list  batch W25.", {}, {"batch": "W25"}),
        ("List batch {batch}", "List batch W25 and W26", {}, None),
        ("List batch {batch}", "List batch winter", {}, None),
        ("List batch {batch}", "List batch W25", {"batch": "W25"}, {}),
        ("List batch {batch}", "List batch W25", {"batch": "S24"}, None),
        ('Find "{who}" in {year}', 'Find "Ada Quill" in 2024', {}, {"who": "Ada Quill", "year": "2024"}),
        ("Compare {a} with {a}", "Compare A1 with A1", {}, {"a": "A1"}),
        (
            "Trains from {a:name} to {b:name}",
            "trains from Stow to Cardiff Central",
            {},
            {"a": "Stow", "b": "Cardiff Central"},
        ),
        ("Trains from {a:name}", "Trains from the north", {}, None),
        ("Trains from {a:name}", "Trains from Stow on Friday", {}, None),
        ("Trains from {a:name}", "Trains from Stow", {"a": "Stow"}, {}),
        ("Trains from {a:name}", "Trains from Newport", {"a": "Stow"}, None),
        ("Compare {a} with {a}", "Compare A1 with B2", {}, None),
        (
            "Price of {a:name} in {b:name}.",
            "Price of MSFT in Marks & Spencer",
            {},
            {"a": "MSFT", "b": "Marks & Spencer"},
        ),
        ("Trains on {day:date}", "Trains on 3rd of April 2027?", {}, {"day": "3rd of April 2027"}),
        ("Trains on {day:date}", "Trains on Friday", {}, None),
        ("A malformed {template", "A malformed {template", {}, {}),
    ],
)
def test_later_text_gives_its_values_or_does_not_fit(
    template: str, task: str, parameters: dict[str, Any], values: dict[str, str] | None
) -> None:
    expected = None if template.startswith("A malformed") else values
    assert read_values([template], task, parameters) == expected


def test_template_of_a_text_is_fitted_by_the_text_whatever_it_holds() -> None:
    task, parameters = "List {all} of batch S24 (or s24), row 7", {"batch": "S24", "row": 7}
    template = make_template(task, parameters)
    assert template == "List {{all}} of batch {batch} (or {batch}), row 7"
    assert read_values([template], task, {}) == {"batch": "S24"}
    assert slots([template]) == {"batch"}
    assert make_template(task, {"batch": "W25"}) is None
    assert make_template('Of "Ada Quill" in Stow', {"who": "Ada Quill", "town": "Stow"}) == 'Of "{who}" in {town:name}'


def test_name_of_the_site_is_no_input() -> None:
    task = "Find the article about Ashby on Wikipedia"
    assert text_inputs(task, {}, "en.wikipedia.org") == {"about": "Ashby"}
    assert list(text_inputs(task, {}).values()) == ["Ashby", "Wikipedia"]


def test_texts_of_other_values_are_not_the_same() -> None:
    assert same_values("List batch S24", "Show everything in batch s24")
    assert not same_values("List the first 10 entries", "List the first 20 entries")
    assert not same_values("List 'open' orders", "List 'closed' orders")


@pytest.mark.parametrize("text", ["x" * 100_000, "a@" * 50_000, "A1-" * 30_000 + "\u00e9", "lorem ipsum " * 8_000])
def test_long_text_does_not_hold_the_engine_up(text: str) -> None:
    # Each took minutes, for every other task of the engine, too.
    assert same_values(text, text)
    assert len(text_inputs(text, {})) <= 5
