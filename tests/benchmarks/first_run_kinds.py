"""Automations of first runs on the shop of small pages: careless ones, wrong in one way each, and good ones.

They stand in `first_runs/careless.txt`, `good.txt` and `empty.txt`: a name, the page that it starts from, the task and
its parameters where they are not the usual ones, and the body of ``run``.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = """\
import asyncio, datetime, json, re
from urllib.parse import urlencode, urljoin


def number(text):
    return float(re.search(r"[\\d.]+", text.replace(",", ""))[0])


async def run(page, parameters, task):
"""
_USUAL = {
    "task": "List the wares of the category with name and price",
    "parameters": '{"c": "Lighting"}',
    "other": '{"c": "Seating"}',
    "empty": "null",
    "gives": "null",
}


@dataclass(frozen=True)
class Kind:
    """One first run.

    Args:
        name: What is special about it.
        page: The page that it starts from.
        task: The task's text.
        parameters: The task's parameters.
        other: Other parameters, as the model hands them in.
        code: The automation.
        empty: Parameters for which there is nothing; None where it is not about that.
        gives: What a later run gives for those: its output, or the reason of its failure.
    """

    name: str
    page: str
    task: str
    parameters: Mapping[str, Any]
    other: Mapping[str, Any]
    code: str
    empty: Mapping[str, Any] | None = None
    gives: Any = None


def kinds(name: str) -> list[Kind]:
    """Return the kinds in a file of `first_runs`."""
    text = Path(__file__).with_name("first_runs").joinpath(f"{name}.txt").read_text()
    return [_kind(part) for part in text.split("\n== ")[1:]]


def _kind(text: str) -> Kind:
    head, _, body = text.partition("\n\n")
    name, *lines = head.splitlines()
    said = {**_USUAL, **dict(_fields(lines))}
    return Kind(
        name, said["page"], said["task"], json.loads(said["parameters"]), json.loads(said["other"]),
        _HEAD + textwrap.indent(body.strip() + "\n", "    "), json.loads(said["empty"]), json.loads(said["gives"]),
    )  # fmt: skip


def _fields(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(": ")
        yield name, value


CARELESS, GOOD, EMPTY = kinds("careless"), kinds("good"), kinds("empty")
