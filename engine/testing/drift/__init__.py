"""The drift bench: what becomes of a saved automation when its site changes.

A proxy in front of the site applies one mutation at a time to what the site answers; the automation is replayed there
with ``ai="never"``. Right output is good, a failure that says what is wrong is good, and success with wrong
output is what must not be. Needs the extra ``testing``.

    from engine.testing import drift

    subject = drift.Subject(
        name="prices", store=Path(".webtasks"), key="prices", task="List all prices", start_url="https://shop.example/"
    )
    print(drift.tables(await drift.measure(subject, drift.MUTATIONS)))
"""

import warnings

from engine.testing.drift.bench import Finding, Subject, Verdict, WrongBaseline, difference, measure
from engine.testing.drift.content import CONTENT
from engine.testing.drift.heldout_contract import CLOSED, FINISHED
from engine.testing.drift.heldout_gate import MENDED, UNFORESEEN
from engine.testing.drift.markup import MARKUP
from engine.testing.drift.mutation import Effect, Mutation
from engine.testing.drift.proxy import DriftProxy
from engine.testing.drift.reply import Layout, Reply
from engine.testing.drift.report import tables
from engine.testing.drift.wording import WORDING

LATER: tuple[Mutation, ...] = (*FINISHED, *UNFORESEEN)
MUTATIONS: tuple[Mutation, ...] = (*MARKUP, *WORDING, *CONTENT, *CLOSED, *MENDED, *LATER)

__all__ = [
    "LATER",
    "MUTATIONS",
    "DriftProxy",
    "Effect",
    "Finding",
    "Layout",
    "Mutation",
    "Reply",
    "Subject",
    "Verdict",
    "WrongBaseline",
    "difference",
    "measure",
    "tables",
]


def __getattr__(name: str) -> object:
    if name != "Proxy":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("Proxy is called DriftProxy now; the old name goes in 0.3", DeprecationWarning, stacklevel=2)
    return DriftProxy
