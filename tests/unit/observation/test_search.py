"""Search in a look: expressions of the model's, which must not take for ever."""

from __future__ import annotations

import time

import pytest

from engine.observation.aria import Node
from engine.observation.search import find


def texts(query: str, *shown: str) -> list[str]:
    root = Node("page", children=tuple(Node("text", each) for each in shown))
    return [match.node.name for match in find(root, query).matches]


@pytest.mark.parametrize("query", [r"\$\d+", r"(?i)PRICE.*\d", r"/^price/", r"\d{1,3}\.\d\d", "price: (4|5)"])
def test_expressions_find_what_they_match(query: str) -> None:
    assert texts(query, "price: $4.50", "in stock") == ["price: $4.50"]


@pytest.mark.parametrize("query", ["(a+)+$", "(a{0,99}){0,99}$", "(a|aa)+$", "((a?){30}){9}b$"])
def test_expression_that_backtracks_is_taken_as_words(query: str) -> None:
    began = time.thread_time()
    assert texts(query, "a" * 60 + "!") == []
    assert time.thread_time() - began < 1
