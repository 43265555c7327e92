"""Mistakes of weak models, each with the words of an answer that make its correction obvious."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.weak.tasks import Changes, WeakTask

Blocks = list[dict[str, Any]]


@dataclass(frozen=True)
class CodeMistake:
    """A mistake in the code, which stays until an answer says what to do.

    Args:
        name: Its name.
        spoil: Returns the code with it; None where it does not go with this task or this code.
        told: A pattern of the answers that make its correction obvious.
    """

    name: str
    spoil: Callable[[str, WeakTask], str | None]
    told: str


@dataclass(frozen=True)
class CallMistake:
    """A turn that calls the wrong tool, or none.

    Args:
        blocks: What it answers, given the code that it has.
    """

    name: str
    blocks: Callable[[str], Blocks]
    told: str


def _changed(code: str, changes: Changes) -> str | None:
    for old, new in changes:
        if old not in code:
            return None
        code = code.replace(old, new, 1)
    return code if changes else None


def _typed(code: str, task: WeakTask) -> str:
    rows = [{name: f"{name.title()} {n}" for name in task.rows(task.parameters[0])[0]} for n in range(1, 5)]
    return f"async def run(page, parameters, task):\n    title = await page.title()\n    return {rows!r}\n"


def _echoed(code: str, task: WeakTask) -> str:
    name = next(each for each in task.parameters[0] if each not in ("username", *task.secrets))
    return (
        "async def run(page, parameters, task):\n    await page.title()\n"
        f'    return [{{"name": f"{{parameters[{name!r}]}} {{n}}"}} for n in ("Ltd", "and Sons", "Group")]\n'
    )


def _baked(code: str, task: WeakTask) -> str | None:
    for name, value in task.parameters[0].items():
        said = f'parameters["{name}"]'
        if name not in task.secrets and said in code:
            return code.replace(said, repr(value))
    return None


def _swallowed(code: str, task: WeakTask) -> str:
    return (
        code.replace("async def run(", "async def inner(")
        + "\n\nasync def run(page, parameters, task):\n    try:\n        return await inner(page, parameters, task)\n"
        "    except Exception:\n        return []\n"
    )


def _within(returned: str) -> Callable[[str, WeakTask], str]:
    """Return a mistake made of what right code returns."""

    def spoil(code: str, task: WeakTask) -> str:
        return (
            "import json\n"
            + code.replace("async def run(", "async def inner(")
            + "\n\nasync def run(page, parameters, task):\n    rows = await inner(page, parameters, task)\n"
            + f"    return {returned}\n"
        )

    return spoil


CODE_MISTAKES: Sequence[CodeMistake] = (
    CodeMistake(
        "prose around the code", lambda code, _: f"Here is the automation:\n{code}", "prose|bare file|does not parse"
    ),
    CodeMistake(
        "no await",
        lambda code, _: code.replace("await page.", "page.", 1) if "    await page." in code else None,
        "await",
    ),
    CodeMistake(
        "no import",
        lambda code, _: re.sub(r"^import re\n|^from urllib.*\n", "", code, count=1) if "import" in code else None,
        "not defined",
    ),
    CodeMistake(
        "first page alone",
        lambda code, task: _changed(code, task.first_page),
        r"read them all|return them all|states|of \d+|there is no more|position",
    ),
    CodeMistake(
        "another field",
        lambda code, task: _changed(code, task.swapped),
        "same spot|read from|same as|label|though there is|apart",
    ),
    CodeMistake("no wait", lambda code, task: _changed(code, task.hasty), "moment later|wait"),
    CodeMistake("invented rows", _typed, "typed|no page|reads nothing|read it from|stands nowhere|parameter"),
    CodeMistake("rows made of the parameter", _echoed, "no page|reads nothing|read it from|stands nowhere"),
    CodeMistake("parameter typed in", _baked, "parameter"),
    CodeMistake("failure becomes nothing", _swallowed, "swallowed|exception"),
    CodeMistake("data as text", _within("json.dumps(rows, default=str)"), "json.dumps|is not of type"),
    CodeMistake(
        "empty fields",
        _within("[{name: None for name in row} for row in rows]"),
        "no filled field|no value|is not of type",
    ),
    CodeMistake("one field empty", _within('[{**row, list(row)[-1]: ""} for row in rows]'), "no value|is not of type"),
    CodeMistake("a count for the rows", _within("len(rows)"), "count|is not of type|no page|rows"),
    CodeMistake("the whole page", _within('await page.inner_text("body")'), "whole text|is not of type"),
    CodeMistake(
        "the first row alone",
        _within("rows[:1]"),
        r"read them all|return them all|items that were read are not|left|of \d+|states",
    ),
    CodeMistake("a row twice", _within("rows + rows[:2]"), "copies|twice|overlap|are there again"),
    CodeMistake(
        "success for a result",
        _within('{"status": "success", "message": "all rows were listed"}'),
        "no page|typed|is not of type|required|read from|stands nowhere",
    ),
    CodeMistake(
        "a pause",
        lambda code, _: (
            code.replace("    ", "    await page.wait_for_timeout(3000)\n    ", 1) if code.startswith("async") else None
        ),
        "fixed wait",
    ),
)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a tool call."""
    return {"type": "tool_use", "name": name, "input": arguments}


def _text(said: str) -> Blocks:
    return [{"type": "text", "text": said}]


CALL_MISTAKES: Sequence[CallMistake] = (
    CallMistake("a tool that is not there", lambda code: [call("click", ref="e3")], "there is no tool"),
    CallMistake("navigate", lambda code: [call("navigate", url="/")], "there is no tool"),
    CallMistake("plans alone", lambda code: _text("I will look at the page first, then write."), "No tool was called"),
    CallMistake(
        "an answer in words", lambda code: _text("The rows are: Alder, Birch and Cedar."), "No tool was called"
    ),
    CallMistake(
        "code in words", lambda code: _text(f"```python\n{code[:200]}\n```"), "No tool was called|Call the tool"
    ),
    CallMistake("code under another name", lambda code: [call("write", content=code)], "do not fit|it takes|give code"),
    CallMistake(
        "edits of nothing",
        lambda code: [call("write", edits=[{"old": "no such line", "new": "x"}])],
        "stands 0 times|nothing is written",
    ),
    CallMistake(
        "finish before code",
        lambda code: [call("finish", summary="done")],
        "write the automation first|finish needs|Accepted|not handed in",
    ),
    CallMistake(
        "parameters beside",
        lambda code: [call("finish", summary="x", category="y")],
        "inside other_parameters|other_parameters",
    ),
    CallMistake(
        "gives up early",
        lambda code: [call("give_up", reason="impossible", message="I cannot browse.")],
        "nothing was tried yet",
    ),
    CallMistake("a look again", lambda code: [call("look")], "page"),
    CallMistake(
        "a ref that is gone",
        lambda code: [call("python", code="await page.click('[e99]', timeout=500)")],
        "ref|Timeout",
    ),
    CallMistake("sync code", lambda code: [call("python", code="page.title()")], "await"),
    CallMistake("arguments as text", lambda code: [call("look", find=json.dumps({"a": 1}))], "page"),
)
