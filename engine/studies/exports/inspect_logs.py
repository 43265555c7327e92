"""Logs of inspect-ai: one for each model and set of options, with a sample for each trial."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.studies import measures
from engine.studies.packages import load
from engine.studies.record import Exchange, KeptTrial

if TYPE_CHECKING:
    from engine.studies.results import StudyResults


def write_logs(study: StudyResults, directory: Path) -> list[Path]:
    """Write the logs, ``NAME_MODEL_OPTIONS.eval``, and return them."""
    log = load("inspect_ai.log", "inspect")
    files = []
    for arm in measures.arms(study.rows()):
        trials = [trial for trial in study.trials if (trial.trial.model, trial.trial.options) == arm]
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", "_".join((study.name, *arm)))
        files.append(directory / f"{name}.eval")
        log.write_eval_log(_log(study, arm, trials), str(files[-1]))
    return files


def _log(study: StudyResults, arm: tuple[str, str], trials: list[KeptTrial]) -> Any:
    log, plan = load("inspect_ai.log", "inspect"), study.plan["study"]
    cases = {case["id"]: case for case in plan["tasks"]}
    ends = [trial.end.at for trial in trials if trial.end]
    found = measures.RATES["success"].of(measures.of_arm(study.rows(), arm))
    measured = {"accuracy": found.value, "wilson low": found.low, "wilson high": found.high}
    return log.EvalLog(
        status="success",
        eval=log.EvalSpec(
            created=study.plan["begun"], task=study.name, model=arm[0], task_args={"options": arm[1]},
            dataset=log.EvalDataset(name=study.name, samples=len(cases), sample_ids=list(cases)),
            config=log.EvalConfig(epochs=plan["repeats"]), packages=study.plan["versions"],
            metadata={"data_sha256": study.plan["data_sha256"], "machine": study.plan["machine"], "seed": plan["seed"],
                      "made_by": "webtasks study export"},
        ),
        stats=log.EvalStats(
            started_at=trials[0].trial.at.isoformat(), completed_at=max(ends).isoformat(),
            model_usage={arm[0]: _usage(line.usage for trial in trials for line in trial.answers)},
        ),
        results=log.EvalResults(
            total_samples=len(trials), completed_samples=len(trials),
            scores=[log.EvalScore(name="first", scorer="truth", metrics={
                name: log.EvalMetric(name=name, value=value) for name, value in measured.items() if value is not None
            })],
        ),
        samples=[_sample(trial, cases[trial.trial.task]) for trial in trials],
    )  # fmt: skip


def _sample(kept: KeptTrial, case: Mapping[str, Any]) -> Any:
    """Return a trial as a sample: the conversation of the first run, a score for each run, all else as metadata."""
    log, scorer = load("inspect_ai.log", "inspect"), load("inspect_ai.scorer", "inspect")
    exchanges = list(kept.exchanges())
    first = [each for each in exchanges if each.request.run == 1 and each.request.purpose == "agent"]
    scores = {}
    for run in kept.runs:
        name = run.phase if run.variant is None else f"{run.phase} {run.variant}"
        value = {"right": "C", "failed": "I", "silently wrong": "I", "not applied": "N"}[run.verdict]
        scores[f"{name} {run.repeat}" if run.phase == "replay" else name] = scorer.Score(
            value=value, answer=_text(run.output), explanation=run.says or None,
            metadata={"verdict": run.verdict, "reason": run.reason, "usd": run.usd, "seconds": run.seconds},
        )  # fmt: skip
    return log.EvalSample(
        id=kept.trial.task, epoch=kept.trial.repeat, input=case["task"], target=_text(case.get("truth")),
        messages=list(_messages(first[-1])) if first else [], scores=scores,
        model_usage={kept.trial.model: _usage(line.usage for line in kept.answers)},
        total_time=kept.end.seconds if kept.end else None,
        started_at=kept.trial.at.isoformat(), completed_at=kept.end.at.isoformat() if kept.end else None,
        metadata={
            "trial": kept.trial.id, "seed": kept.trial.seed, "options": kept.trial.options,
            "parameters": case.get("parameters", {}), "usd": kept.end.usd if kept.end else None,
            "runs": [run.model_dump(mode="json") for run in kept.runs],
            "exchanges": [
                {"run": each.request.run, "purpose": each.request.purpose, "messages": list(each.messages),
                 "answer": each.answer.model_dump(mode="json") if each.answer else None}
                for each in exchanges if each not in first
            ],
        },
    )  # fmt: skip


def _messages(last: Exchange) -> Iterable[Any]:
    """Yield a conversation of the Messages API, its last answer included, as inspect-ai has it."""
    model, tool = load("inspect_ai.model", "inspect"), load("inspect_ai.tool", "inspect")
    yield model.ChatMessageSystem(content=last.prompt.system)
    answered = {"role": "assistant", "content": last.answer.content if last.answer else []}
    for message in (*last.messages, answered):
        content = message["content"]
        blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")
        if message["role"] == "assistant":
            calls = [
                tool.ToolCall(id=block["id"], function=block["name"], arguments=block["input"])
                for block in blocks if block.get("type") == "tool_use"
            ]  # fmt: skip
            yield model.ChatMessageAssistant(content=text, tool_calls=calls or None)
            continue
        for block in blocks:
            if block.get("type") == "tool_result":
                yield model.ChatMessageTool(content=_text(block.get("content")), tool_call_id=block["tool_use_id"])
        if text:
            yield model.ChatMessageUser(content=text)


def _usage(usages: Iterable[Mapping[str, int]]) -> Any:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    every = list(usages)
    tokens, written, read, kept = (sum(usage.get(name, 0) for usage in every) for name in names)
    return load("inspect_ai.model", "inspect").ModelUsage(
        input_tokens=tokens, output_tokens=written, total_tokens=tokens + written + read + kept,
        input_tokens_cache_read=read, input_tokens_cache_write=kept,
    )  # fmt: skip


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
