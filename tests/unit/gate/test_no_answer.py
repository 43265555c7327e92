"""Outputs that answer nothing, and values of no page."""

from __future__ import annotations

from typing import Any

import pytest

from engine.contract import Observed
from engine.gate.no_answer import nothing_answered, unread_values
from engine.gate.vocabulary import RequestWords
from engine.task.schema import OutputSchema
from sandbox import Evidence
from tests.support.maps import Sheet

TASK = "List the former members with their role"
BOARD = Sheet().heading("Board").text("Former members").table(
    ["Name", "Role"], [["Ed Quill", "Chair"], ["Flo Rusk", "Editor"], ["Gus Tarn", "Treasurer"]]
)  # fmt: skip
SHOWN = "Board Former members Name Role Ed Quill Chair Flo Rusk Editor Gus Tarn Treasurer"
ROWS = [{"name": "Ed Quill", "role": "Chair"}, {"name": "Flo Rusk", "role": "Editor"}]


def found(output: Any, task: str = TASK, schema: Any = None, **page: Any) -> str:
    run = Observed(output, Evidence(maps=(BOARD.map(),), **page))
    return "; ".join(nothing_answered(run, task, OutputSchema(schema) if schema else None))


@pytest.mark.parametrize(
    "output", [[{"name": "", "role": None}] * 4, {"name": None}, [""], "", {"rows": [[]], "note": " "}, [{}]]
)
def test_output_without_a_filled_field_is_refused(output: Any) -> None:
    assert "no filled field" in found(output)
    assert "task.empty" in found(output)


@pytest.mark.parametrize("output", [ROWS, {"open": False}, {"name": "Ed Quill", "role": None}, [0, 1], True, []])
def test_output_with_one_is_not(output: Any) -> None:
    assert found(output) == ""


def test_nothing_that_the_site_says_is_right() -> None:
    assert found({"name": None}, empty=(("p", True),)) == ""


def test_a_count_of_nothing_is_refused_unless_the_page_says_it() -> None:
    assert "does the locator match" in found(0, "How many former members are there?")
    assert found(0, "How many messages are unread?", text="0 unread messages") == ""
    assert found(0, "How many messages are unread?", empty=(("p", True),)) == ""


def test_a_number_for_rows_is_refused() -> None:
    assert "the number 3 alone, and the task asks for rows" in found(3)
    assert found(3, "How many of all members are former ones?") == ""
    assert found(3, "Find the price of the cheapest of all wares") == ""
    assert found(3, "List the wares: name, and price as a number") != ""


@pytest.mark.parametrize(
    "output", ['[{"name": "Ed Quill"}]', "[{'name': 'Ed Quill', 'since': None}]", {"result": '{"name": "Ed"}'}]
)
def test_data_as_text_is_refused(output: Any) -> None:
    assert "return the list or object itself" in found(output)


def test_data_as_text_that_the_request_asks_for_is_not() -> None:
    assert found('[{"name": "Ed Quill"}]', schema={"type": "string"}) == ""
    assert found("[sic] a note in brackets") == ""


@pytest.mark.parametrize("output", [SHOWN, {"text": f"Home | {SHOWN} | Imprint"}, [SHOWN], "<!DOCTYPE html><p>Board"])
def test_the_whole_text_of_a_page_is_refused(output: Any) -> None:
    assert "the whole text of a page" in found(output)


def test_the_whole_text_is_right_where_the_task_asks_for_it() -> None:
    assert found(SHOWN, "Give me the text of the page") == ""
    assert found(SHOWN, "What does the notice on the door say?") == ""
    assert found("Ed Quill, Chair", TASK) == ""


def unread(output: Any, *seen: str, task: str = TASK) -> tuple[str, bool]:
    run = Observed(output, Evidence(maps=(BOARD.map(),)))
    return unread_values(run, RequestWords(task), seen) or ("", False)


def test_values_of_no_page_are_told_by_their_share_from_one_value_on() -> None:
    text, certain = unread([{"name": "John Smith", "role": "Chair"}, {"name": "Jane Doe", "role": "Editor"}])
    assert text == "", "half of them were read"
    text, certain = unread([{"name": "John Smith"}, {"name": "Jane Doe"}, {"name": "Ed Quill"}])
    assert "2 of its 3 texts ('John Smith', 'Jane Doe') were on no page" in text
    assert not certain
    assert unread("John Smith")[0]


def test_the_record_of_a_saved_file_is_not_looked_for_on_pages() -> None:
    file = {
        "name": "minutes.txt",
        "content_type": "text/plain",
        "size": 10,
        "sha256": "0f" * 32,
        "path": "/runs/1/minutes",
    }
    assert (
        unread([{"chair": "Ed Quill", "file": file}, {"chair": "Ann Lowe", "file": {**file, "name": "b.txt"}}])[0] == ""
    )
    assert unread([{"chair": "John Smith", "file": file}]) == (unread([{"chair": "John Smith"}])[0], False)


def test_an_output_of_which_nothing_was_read_is_certain() -> None:
    assert unread([{"name": "John Smith", "since": 2001}, {"name": "Jane Doe", "since": 2003}])[1]
    assert unread({"first": "Roofing Ltd", "second": "Roofing & Sons"}, "- heading: Roofing")[0]


def test_what_code_makes_of_what_it_read_or_knows_from_the_task_is_not_told() -> None:
    made = {"name": "Quill, Ed (Chair)", "url": "https://x.test/ed", "since": "2014-05-01", "state": "closed"}
    assert unread(made) == ("", False)
    assert unread({"kind": "retired", "name": "Ed Quill"}, task="Say retired or active for each") == ("", False)
    assert unread({"name": "John Smith"}, "- cell: John Smith") == ("", False), "on a page that the model looked at"
