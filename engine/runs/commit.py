"""Commit a bundle: the one place where a run publishes to the store."""

from __future__ import annotations

import asyncio

from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, Revision
from engine.models.budget import ModelBudget
from engine.runs.context import RunContext
from engine.task.text import collapse, shorten_at_word

_LONGEST_SUBJECT = 100


async def commit(
    context: RunContext,
    bundle: Bundle,
    *,
    reason: str,
    subject: str,
    body: str = "",
    written_by: ModelBudget | None = None,
    edits: Bundle | None = None,
) -> Revision:
    """Commit the bundle as the key's next revision; from here on the run is seen to its end.

    Args:
        reason: The trailer ``Reason``: ``explore``, ``update``, ``repair``, ``adopt``, ``compile``, ``widen``,
            ``reword`` or ``continued``.
        subject: The first line of the message, cut between words at 100 characters.
        body: The rest of the message, without secrets.
        written_by: The budget of the model that wrote the change; its name and cost become trailers.
        edits: The working tree as it was read, where the commit adopts a user's edits.

    Raises:
        BundleError: The revision could not be committed; the bundle is as it was.
    """
    subject = shorten_at_word(collapse(subject), _LONGEST_SUBJECT)
    context.settle()
    await asyncio.sleep(0)  # a time that ran out just now ends the task here, before anything is saved
    trailers = {"Task-Id": context.task_id}
    if written_by is not None:
        trailers |= {"Model": written_by.model.name, "Cost-Usd": f"{written_by.spent_usd:.6f}"}
    revision = await to_thread_uncancellable(
        context.store.commit,
        context.request.reuse_key,
        bundle,
        subject=subject,
        body=body,
        trailers={**trailers, "Reason": reason},
        adopt=edits,
    )
    if (told := context.store.unpublished(context.request.reuse_key)) is not None and told not in context.warnings:
        context.warnings.append(told)
    await context.events.emit("commit", revision=revision.id, subject=subject, kind=bundle.kind)
    return revision
