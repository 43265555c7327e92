"""Answers to questions, in the forms in which small models give them."""

from typing import Any

import pytest

from engine.models.json_answers import read_answer

BOOLEAN = {"type": "object", "properties": {"answer": {"type": "boolean"}}}
NUMBERS = {"type": "array", "items": {"type": "number"}}


@pytest.mark.parametrize(
    "said",
    [
        '{"answer": true}',
        '```json\n{"answer": true}\n```',
        '<think>\nThe heading is "All trades" so {"answer": maybe}\n</think>\n\n{"answer": true}',
        'Sure! Here is the JSON:\n{"answer": true}\nLet me know if you need more.',
        '{"answer": "true"}',
        '{"answer": "Yes"}',
        "{'answer': True}",
        'I think {curly} braces are fun. {"answer": true}',
        'hm, is it?</think>{"answer": true}',
    ],
)
def test_an_answer_is_read_in_each_of_its_forms(said: str) -> None:
    assert read_answer(said, BOOLEAN) == {"answer": True}


@pytest.mark.parametrize(
    ("said", "schema", "value"),
    [
        ('["1", "2.5", 3]', NUMBERS, [1, 2.5, 3]),
        ('["1"]', {"type": "array", "items": {"type": "string"}}, ["1"]),
        ('"yes"', {"type": "boolean"}, True),
        ('{"answer": "yes"}', None, {"answer": "yes"}),
        ('{"text": "a } in {"} and more', {"type": "object"}, {"text": "a } in {"}),
    ],
)
def test_words_become_values_only_where_the_schema_asks(said: str, schema: Any, value: Any) -> None:
    assert read_answer(said, schema) == value


@pytest.mark.parametrize("said", ["", "yes, it is", '{"answer": NaN}', "{'answer'}", '<think>{"answer": true}</think>'])
def test_what_holds_no_json_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="it was not JSON"):
        read_answer(said, BOOLEAN)
