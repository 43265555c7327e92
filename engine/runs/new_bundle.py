"""Make the bundle to commit of code that passed the gate: a candidate's, or the user's edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from engine.bundles import Bundle, BundleMeta
from engine.bundles.matching import parameter_types
from engine.contract import check, widen_output
from engine.gate.verdicts import Promoted
from engine.runs.adoption import Adopted
from engine.runs.context import RunContext
from engine.task.schema import OutputSchema, same_schema
from engine.task.templates import make_template, slots

Work = Literal["explore", "update", "repair"]
_HARMLESS = 100  # kinds of requests that are kept


def new_bundle(context: RunContext, kind: Work, base: Bundle | None, promoted: Promoted) -> Bundle:
    """Return the bundle, without secrets; a repair keeps what the base promised of its output.

    Args:
        base: The saved bundle; None after exploring from nothing.
    """
    contract, code = dict(promoted.contract), promoted.candidate.code
    old = base.meta if base is not None else None
    if old is not None and kind == "repair":
        contract = widen_output(contract, promoted.run.observed())
    start_url, by_model = _start(context, old)
    request, redactor = context.request, context.redactor
    tasks = _tasks(kind, base, promoted, redactor.text(request.task))
    meta = BundleMeta(
        reuse_key=request.reuse_key,
        tasks=tasks,
        templates=_templates(context, old, tasks),
        parameters=parameter_types(request.parameters, request.secrets),
        **_schemas(context, kind, old, promoted),
        start_url=start_url,
        start_url_by_model=by_model,
        allowed_hosts=tuple(sorted({*(old.allowed_hosts if old is not None else ()), *promoted.hosts})),
        effects="write" if "write" in (promoted.effects, old.effects if old is not None else "") else "read",
        browser=context.executor.browser,
        harmless_requests=_harmless(context, old, promoted),
        one_example=promoted.one_example,
        created_at=old.created_at if old is not None else datetime.now(UTC),
    )
    return Bundle(
        meta=meta,
        automation=code if code.endswith("\n") else code + "\n",
        contract=redactor.data(contract, numbers=False),
        notes=_lines(redactor.text(promoted.candidate.notes)) or (base.notes if base is not None else ""),
        resources=base.resources if base is not None else {},
        revision=None,
    )


def adopted_bundle(context: RunContext, adopted: Adopted) -> Bundle:
    """Return the user's edits as the bundle to commit, with what the gate learnt of their run."""
    edited, promoted, old, request = adopted.edited, adopted.promoted, adopted.edited.meta, context.request
    meta = old.model_copy(
        update={
            "parameters": parameter_types(request.parameters, request.secrets),
            "allowed_hosts": tuple(sorted({*old.allowed_hosts, *promoted.hosts})),
            "harmless_requests": _harmless(context, old, promoted),
            "effects": "write" if "write" in (promoted.effects, old.effects) else "read",
            "one_example": promoted.one_example,
        }
    )
    contract = widen_output(dict(promoted.contract), promoted.run.observed())
    return replace(edited, meta=meta, contract=context.redactor.data(contract, numbers=False))


def _tasks(kind: Work, base: Bundle | None, promoted: Promoted, task: str) -> tuple[str, ...]:
    """Return the task texts covered from now on: earlier ones only while the output has all that it had for them."""
    if base is None:
        return (task,)
    known, old = base.meta.tasks, {"output": base.contract.get("output", {})}
    lost = any(b.structural for b in check(old, promoted.run.observed()))
    if lost and kind == "update":
        return (task,)
    return known if task in known else (*known, task)


def _templates(context: RunContext, old: BundleMeta | None, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Return templates of the texts covered from now on, whose values later texts may replace."""
    kept = old.templates if old is not None and old.tasks[0] in tasks else ()
    names = context.request.parameters
    made = make_template(tasks[-1], context.good_runs.without_secrets(names))
    return tuple(t for t in dict.fromkeys((*kept, *filter(None, [made]))) if slots([t]) <= names.keys())


def _schemas(context: RunContext, kind: Work, old: BundleMeta | None, promoted: Promoted) -> dict[str, Any]:
    """Return the schema held from now on, and earlier ones that the output fits as well."""
    if old is None or old.output_schema is None:
        return {"output_schema": dict(promoted.output_schema), "schema_inferred": promoted.schema_inferred}
    if kind == "repair":
        kept = {"output_schema": old.output_schema, "schema_inferred": old.schema_inferred}
        return kept | {"other_schemas": old.other_schemas}
    held = () if old.schema_inferred else (old.output_schema, *old.other_schemas)
    output = promoted.run.outcome.value
    fitting = tuple(s for s in held if not OutputSchema(s, saved=True).errors(output))
    if context.schema is None and fitting:  # the request names no other
        return {"output_schema": fitting[0], "schema_inferred": False, "other_schemas": fitting[1:]}
    return {
        "output_schema": dict(promoted.output_schema),
        "schema_inferred": promoted.schema_inferred,
        "other_schemas": tuple(s for s in fitting if not same_schema(s, promoted.output_schema)),
    }


def _harmless(context: RunContext, old: BundleMeta | None, promoted: Promoted) -> tuple[str, ...]:
    """Return the kinds of requests that leave no lasting change; none whose address or fields hold a secret."""
    found = {*(old.harmless_requests if old is not None else ()), *promoted.harmless}
    return tuple(sorted(kind for kind in found if context.redactor.text(kind) == kind)[:_HARMLESS])


def _start(context: RunContext, old: BundleMeta | None) -> tuple[str | None, bool]:
    """Return the start URL to save, None for one that holds a secret, and True where only a model chose it."""
    if old is not None and old.start_url is not None:
        return old.start_url, old.start_url_by_model
    url = context.executor.start_url
    if url is not None and context.redactor.text(url) != url:
        url = None
    vouched = context.request.start_url is not None and context.request.trust_start_url
    return url, url is not None and not vouched


def _lines(text: str) -> str:
    return f"{text.rstrip()}\n" if text.strip() else ""
