"""A study whose outcomes are known: two scripted models, and a sandbox that reads the real site, but runs no code.

The code that a model writes is a note of who wrote it, for which task and in which repeat; what comes of it on a page
is in the tables below. Pages come from a fixture site, through the proxy that changes them, over HTTP.
"""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Any

from engine.studies import Trial
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from engine.testing.drift import Mutation, Reply
from sandbox import Automation, Evidence, Outcome, ScriptError

TRUTH: dict[str, list[dict[str, Any]]] = {
    "joiners": [{"name": "Ashlar"}, {"name": "Bevel"}],
    "masons": [{"name": "Corbel"}, {"name": "Dentil"}],
    "roofers": [{"name": "Eaves"}, {"name": "Finial"}],
}
_WRONG = [{"name": "Gable"}, {"name": "Hip"}]
MUTATIONS = ("same", "mended", "lost", "meaning")


def _mark(name: str) -> Mutation:
    def change(reply: Reply) -> bool:
        if not reply.is_html:
            return False
        reply.body += f"<!-- {name} -->".encode()
        return True

    return Mutation(name, "a comment that the sandbox reads", "same", whole=change)


SAME, MENDED, LOST, MEANING = map(_mark, MUTATIONS)
REVERSED = Mutation("reversed", "the list turned round", "data", truth=lambda rows, layout: rows[::-1])
NOTHING = Mutation("nothing", "no page has what it changes", "same", whole=lambda reply: False)


def study(**changed: Any) -> dict[str, Any]:
    """Three tasks, two models, five repeats, four mutations."""
    return {
        "name": "known",
        "tasks": [
            {"id": name, "task": f"List all {name}", "site": "directory", "truth": rows} for name, rows in TRUTH.items()
        ],
        "models": [{"name": name, "make": f"tests.support.studied:{name}"} for name in ("careful", "careless")],
        "repeats": 5,
        "replays": 1,
        "variants": [{"name": name, "mutation": f"tests.support.studied:{name.upper()}"} for name in MUTATIONS],
        "usd": 100.0,
        "usd_per_run": 0.1,
        "at_once": 2,
    } | changed


def careful(trial: Trial) -> ScriptedModel:
    """A model whose first run is always right; of two failures it can repair one."""
    return _author("careful", trial)


def careless(trial: Trial) -> ScriptedModel:
    """A model whose first run fails in repeat 4, and is silently wrong in repeat 5; it repairs nothing."""
    if trial.repeat == 4:
        return ScriptedModel(*[[("give_up", {"reason": "impossible", "message": "there is no list"})]] * 3)
    return _author("careless", trial)


def _author(name: str, trial: Trial) -> ScriptedModel:
    finish = ("finish", {"summary": f"List all {trial.case.id}"})
    turns = [[("write", {"code": _code(name, trial, "first")}), finish]]
    if name == "careful":
        turns += [[("write", {"code": _code(name, trial, "repaired")}), finish]]
    give_up = [("give_up", {"reason": "site-broken", "message": "the list is gone"})]
    return ScriptedModel(*turns, *[give_up] * 3)


def _code(name: str, trial: Trial, how: str) -> str:
    return (
        "async def run(page, parameters, task):\n"
        f'    note = "{name} {trial.case.id} {trial.repeat} {how}"\n'
        '    return [{"name": await row.inner_text()} for row in await page.locator(note).all()]\n'
    )


class KnownSandbox(ScriptedSandbox):
    """Gives what comes of the noted code on the page that the site serves."""

    async def run(self, automation: Automation, parameters: dict[str, Any], **options: Any) -> Outcome:
        """Read the page at the start URL, and give the outcome of the tables."""
        url = str(options["start_url"])
        page = await asyncio.to_thread(_read, url)
        self._steps.append(_outcome(automation.code.split('"')[1], page, url))
        return await super().run(automation, parameters, **options)


def _read(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def _outcome(note: str, page: str, url: str) -> Outcome:
    name, task, repeat, how = note.split()
    rows: list[dict[str, Any]] = TRUTH[task]
    variant = next((each for each in MUTATIONS if f"<!-- {each} -->" in page), None)
    shown = Evidence(url=url, status=200, text=page, documents=((url, 200),))
    if variant == "lost" or (variant == "mended" and how == "first"):
        return outcome(error=ScriptError("TimeoutError", "no such list", kind="timeout"), evidence=shown)
    if variant == "meaning" or (name == "careless" and repeat == "5"):
        rows = _WRONG
    return outcome(rows, evidence=shown)
