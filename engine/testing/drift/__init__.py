"""The drift bench: measures how a saved automation behaves when its site changes.

A proxy in front of the site applies one mutation at a time to the site's answers, and the automation is replayed there
with ``ai="never"``. The right output is good, and so is a failure that says what is wrong; success with a wrong output
must not happen. Needs the extra ``testing``.

    from engine.testing import drift

    subject = drift.Subject(
        name="prices", store=Path(".webtasks"), key="prices", task="List all prices", start_url="https://shop.example/"
    )
    print(drift.tables(await drift.measure(subject, drift.MUTATIONS)))
"""

import warnings

from engine.studies.judging import difference
from engine.testing.drift.bench import Finding, Verdict, WrongBaseline, measure
from engine.testing.drift.content import CONTENT
from engine.testing.drift.harmless import HARMLESS
from engine.testing.drift.heldout_contract import CONTRACT_COVERED, CONTRACT_HELD_OUT
from engine.testing.drift.heldout_gate import GATE_COVERED, GATE_HELD_OUT
from engine.testing.drift.heldout_later import LATER_HELD_OUT_MEANINGS
from engine.testing.drift.heldout_meaning import HELD_OUT_MEANINGS
from engine.testing.drift.histories import HISTORIES, History, age
from engine.testing.drift.marks import Marks
from engine.testing.drift.markup import MARKUP
from engine.testing.drift.meaning import MEANINGS
from engine.testing.drift.mutation import Effect, Mutation
from engine.testing.drift.proxy import DriftProxy
from engine.testing.drift.replica import Replica, Subject
from engine.testing.drift.reply import Layout, Reply
from engine.testing.drift.report import tables
from engine.testing.drift.wording import WORDING

HELD_OUT: tuple[Mutation, ...] = (*CONTRACT_HELD_OUT, *GATE_HELD_OUT)
"""Mutations for which no rule of the contract or the gate was written."""
MUTATIONS: tuple[Mutation, ...] = (*MARKUP, *WORDING, *CONTENT, *CONTRACT_COVERED, *GATE_COVERED, *HELD_OUT)
"""All mutations."""

__all__ = [
    "HARMLESS",
    "HELD_OUT",
    "HELD_OUT_MEANINGS",
    "HISTORIES",
    "LATER_HELD_OUT_MEANINGS",
    "MEANINGS",
    "MUTATIONS",
    "DriftProxy",
    "Effect",
    "Finding",
    "History",
    "Layout",
    "Marks",
    "Mutation",
    "Replica",
    "Reply",
    "Subject",
    "Verdict",
    "WrongBaseline",
    "age",
    "difference",
    "measure",
    "tables",
]


_OLD_NAMES = {"Proxy": "DriftProxy", "LATER": "HELD_OUT"}


def __getattr__(name: str) -> object:
    new = _OLD_NAMES.get(name)
    if new is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{name} was renamed to {new}; the old name goes in 0.3", DeprecationWarning, stacklevel=2)
    return globals()[new]
