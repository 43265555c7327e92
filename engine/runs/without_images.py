"""Replays without the pictures and fonts of their pages: learnt by revision, and taken back where a result is in doubt.

A good run whose pages have pictures makes the revision worth trying. Such a run is made without them, and once more
with them, whose result counts; where both gave the same, and their pages showed the same, later runs do without. One
of these that is not good as it is is made again with pictures, so that these are never to blame for a failure.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from engine.bundles import Bundle
from engine.errors import StoreError
from engine.execution.automation_run import AutomationRun
from engine.gate.slowed_run import gives_same
from engine.runs.context import RunContext

# What tells of a picture if it is there: sizes and places, pictures of the page, and events. An error that is caught
# may hide that a picture was waited for; what asks a model is paid for.
_LOOKS = re.compile(
    r"visib|hidden|natural(Width|Height)|bounding|Rects?\b|offset(Width|Height|Top|Left|Parent)|client(Width|Height)"
    r"|scroll|screenshot|mouse|position|\bcomplete\b|decode\(|currentSrc|canvas|FontFace|\.fonts\b|\bexcept\b"
    r"|\.ask\(|expect_|wait_for_event|\.on\(|\.once\(|route|networkidle|add_init_script|Observer"
)


@dataclass(frozen=True)
class WithoutImages:
    """The record of a revision's runs without pictures.

    Args:
        context: The run's parts.
        bundle: The bundle with the revision.
        same: How often it gave the same without; None where it is run with them.
    """

    context: RunContext
    bundle: Bundle
    same: int | None

    @property
    def proven(self) -> bool:
        """True where the result of a run without pictures may count; with parameters, two runs have to show that."""
        return self.same is not None and self.same > bool(self.bundle.meta.parameters)

    async def compare(self, bare: AutomationRun, again: AutomationRun, *, good: bool) -> None:
        """Note whether a run gave without pictures what it then gave with them, which was good.

        Args:
            good: The one without was good as it was.
        """
        same = good and gives_same(bare, again) and _signs(bare) == _signs(again)
        note = self.context.good_runs.run_history.note_without_images
        try:
            await asyncio.to_thread(note, self.bundle.committed.id, same=same)
        except StoreError as error:
            self.context.warnings.append(f"that a run needs its pictures, or not, could not be kept: {error.message}")


async def without_images(context: RunContext, bundle: Bundle) -> WithoutImages:
    """Return the record of a revision's runs without pictures."""
    same = None
    if _may_do_without(context, bundle):
        known = context.good_runs.run_history.same_without_images
        same = await asyncio.to_thread(known, bundle.committed.id)
    return WithoutImages(context, bundle, None if same is None or same < 0 else same)


def _may_do_without(context: RunContext, bundle: Bundle) -> bool:
    """Return True for code that only reads, may be run twice, and of whose run nobody wants a picture or a record."""
    executor = context.executor
    kept = executor.boxes or executor.services.traces.room or executor.egress.tape is not None
    return (
        bundle.kind == "page"
        and bundle.meta.effects == "read"
        and not (kept or bundle.contract.get("gates") or context.redactor.active or context.request.secrets)
        and not _LOOKS.search(bundle.automation)
    )


def _signs(run: AutomationRun) -> tuple[object, ...]:
    """Return what the last page of a run showed, as far as results are judged by it."""
    seen = run.outcome.evidence
    return (
        seen.url, seen.title, seen.text, seen.status, seen.next_controls, seen.next_pages, seen.counts, seen.landmarks,
        seen.groups, seen.empty, seen.messages, seen.alerts, seen.examined, len(seen.maps),
    )  # fmt: skip
