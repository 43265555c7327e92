"""Studies whose outcomes are known: their verdicts, their dollars, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from engine import AsyncEngine, Engine, InvalidRequest
from engine.cli.main import webtasks
from engine.errors import EngineError
from engine.models.base import ModelRequest
from engine.studies import Study, ThisMachine, Trial, TrialJob, TrialLost
from engine.testing import ScriptedModel
from tests.support.studied import TRUTH, careful
from tests.unit.studies.conftest import Conducted, one_task

CAREFUL = [
    ("first", None, "right"),
    ("replay", None, "right"),
    ("changed", "same", "right"),
    ("changed", "mended", "failed"),
    ("repair", "mended", "right"),
    ("changed", "lost", "failed"),
    ("repair", "lost", "failed"),
    ("changed", "meaning", "silently wrong"),
]


def verdicts(study: Study, trial: str) -> list[tuple[Any, ...]]:
    return [(row["phase"], row["variant"], row["verdict"]) for row in study.rows() if row["trial"] == trial]


def test_a_trial_goes_through_its_phases(known: Study) -> None:
    assert verdicts(known, "0001.joiners.careful.default.r1") == CAREFUL
    careless = verdicts(known, "0002.joiners.careless.default.r1")
    assert careless == [(*row[:2], "failed" if row[0] == "repair" else row[2]) for row in CAREFUL]


def test_all_arms_come_once_in_the_order_of_the_study_each_with_its_seed(known: Study) -> None:
    assert [trial.trial.id.split(".")[1:3] for trial in known.trials] == [
        [task, model] for task in TRUTH for model in ("careful", "careless")
    ]
    seeds = [trial.trial.seed for trial in known.trials]
    assert len(set(seeds)) == 6
    assert seeds[0] == 2826079776, "it depends on nothing but the study's seed and what the trial is"


async def test_a_first_run_that_is_not_right_ends_its_trial(conducted: Conducted) -> None:
    careless = [{"name": "careless", "make": "tests.support.studied:careless"}]
    study = await conducted(one_task(repeats=5, models=careless))
    assert [verdicts(study, each.trial.id)[0][2] for each in study.trials] == [
        "right", "right", "right", "failed", "silently wrong",
    ]  # fmt: skip
    assert [len(each.runs) for each in study.trials] == [2, 2, 2, 1, 1]


async def test_a_mutation_that_finds_nothing_to_change_judges_nobody(conducted: Conducted) -> None:
    nothing = {"name": "nothing", "mutation": "tests.support.studied:NOTHING"}
    study = await conducted(one_task(variants=[nothing]))
    assert verdicts(study, study.trials[0].trial.id)[-1] == ("changed", "nothing", "not applied")
    assert not [row for row in study.table() if row["measure"] == "unaffected" and row["of"]]


async def test_no_trial_begins_that_could_exceed_the_dollars(conducted: Conducted) -> None:
    # Each may cost $0.10, and does cost $0.01.
    study = await conducted(one_task(repeats=4, usd=0.125, at_once=2))
    assert (len(study.trials), study.complete) == (3, False)
    ends = [trial.end.at for trial in study.trials if trial.end]
    assert all(after.trial.at >= end for end, after in zip(ends, study.trials[1:], strict=False)), "one at a time"
    assert study.usd == pytest.approx(0.03)
    more = await conducted(one_task(repeats=4, usd=0.2, at_once=2))
    assert more.complete
    assert [t.trial.attempt for t in more.trials] == [1] * 4, "what had ended did not run again"


async def test_another_study_in_the_directory_is_refused(conducted: Conducted) -> None:
    await conducted(one_task(usd=0.01))
    with pytest.raises(InvalidRequest, match="begun with other replays, seed"):
        await conducted(one_task(usd=0.01, seed=2, replays=3))


async def test_a_study_that_names_what_there_is_not_is_refused_before_anything(
    conducted: Conducted, tmp_path: Path
) -> None:
    for changed in (
        {"models": [{"name": "x", "make": "studied:nobody"}]},
        {"tasks": [{**one_task()["tasks"][0], "layout": "no:thing"}]},
    ):
        with pytest.raises(InvalidRequest, match=r"cannot be loaded.*name a module that can be imported"):
            await conducted(one_task(**changed))
    assert not (tmp_path / "known" / "study.json").exists()


async def test_a_study_that_another_process_runs_is_refused(conducted: Conducted, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    with FileLock(tmp_path / "known" / ".lock"), pytest.raises(EngineError, match="another process runs"):
        await conducted(one_task())


async def test_what_says_nothing_about_the_task_stops_the_study_and_is_paid(conducted: Conducted) -> None:
    with pytest.raises(EngineError, match=r"0001\.joiners.* cannot be measured"):
        await conducted(one_task(models={"careful": _speechless}))
    kept = await conducted(one_task(models={"careful": _speaks_again}))
    assert (kept.lost, kept.trials[0].trial.attempt) == (1, 2)
    assert kept.usd == pytest.approx(0.01 + 0.02), "an answer that never came counts for the most that it could cost"


def _speechless(trial: Trial) -> ScriptedModel:
    return ScriptedModel()


def _speaks_again(trial: Trial) -> ScriptedModel:
    return careful(trial)


_speaks_again.__qualname__ = _speechless.__qualname__  # for the plan it is the same model


async def test_every_request_and_answer_is_kept_whole(conducted: Conducted) -> None:
    asked: list[ModelRequest] = []

    def make(trial: Trial) -> ScriptedModel:
        model = careful(trial)
        model.requests = asked
        return model

    variants = [{"name": "mended", "mutation": "tests.support.studied:MENDED"}]
    study = await conducted(one_task(models={"careful": make}, variants=variants))
    exchanges = list(study.trials[0].exchanges())
    assert [each.request.run for each in exchanges] == [1, 4], "replays asked nobody"
    assert [list(each.messages) for each in exchanges] == [_plain(list(request.messages)) for request in asked]
    assert [each.prompt.system for each in exchanges] == [request.system for request in asked]
    assert [each.prompt.tools for each in exchanges] == [_plain(list(request.tools)) for request in asked]
    assert len(exchanges[0].prompt.system) > 2_000
    assert exchanges[0].answer is not None
    assert exchanges[0].answer.content[0]["input"]["code"] == study.trials[0].runs[0].code


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=dict))


async def test_no_file_of_a_study_has_a_secret(conducted: Conducted) -> None:
    case = one_task()["tasks"][0] | {"parameters": {"password": "Ashlar"}}
    study = await conducted(one_task(tasks=[case]))
    assert verdicts(study, study.trials[0].trial.id)[0] == ("first", None, "right")
    kept = [file for file in study.directory.rglob("*") if file.is_file()]
    assert len(kept) > 2
    assert not [file for file in kept if b"Ashlar" in file.read_bytes()]
    assert study.trials[0].runs[0].output[0] == {"name": "[secret:password]"}


def test_the_blocking_engine_runs_a_study_and_tells_of_each_trial(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    with Engine(store=tmp_path) as engine:
        study = engine.study(
            one_task(repeats=2), on_progress=lambda ended, planned, kept: told.append((ended, planned, kept.trial.id))
        )
    assert study.directory == tmp_path / "default" / "studies" / "known"
    assert sorted(told) == [(1, 2, told[0][2]), (2, 2, told[1][2])]
    assert not (study.directory / "work").exists(), "no store of a trial is left"


class _Dying(ThisMachine):
    """A place elsewhere, whose machine dies in the middle of the first two attempts."""

    local = False
    deaths = 2

    async def run(self, job: TrialJob, folder: Path) -> None:
        if self.deaths:
            self.deaths -= 1
            raise TrialLost("the node died")
        await super().run(job, folder)


async def test_a_trial_whose_machine_died_runs_again_and_its_dollars_stay_reserved(tmp_path: Path) -> None:
    place = _Dying(tmp_path / "work", AsyncEngine, {}, 1)  # type: ignore[arg-type]  # its run() has overloads
    async with AsyncEngine(store=tmp_path / "store") as engine:
        study = await engine.study(one_task(repeats=2, usd=0.45), directory=tmp_path / "known", place=place)
    assert [trial.trial.attempt for trial in study.trials] == [3, 1]
    assert (study.lost, study.usd) == (2, pytest.approx(0.1 + 0.1 + 0.02))


async def test_a_trial_that_cannot_be_measured_on_a_node_counts_for_what_it_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.distributed import actors
    from engine.distributed.study_place import RayPlace

    monkeypatch.setattr(actors, "connected", lambda address: lambda: None)
    monkeypatch.setattr(actors, "slots", lambda: 1)
    monkeypatch.setattr(actors, "run_on_a_slot", asyncio.to_thread)
    async with AsyncEngine(store=tmp_path / "store") as engine:

        async def conduct(model: Any) -> Study:
            place = RayPlace("auto", AsyncEngine)  # type: ignore[arg-type]  # its run() has overloads
            given = one_task(models={"careful": model})
            return await engine.study(given, directory=tmp_path / "known", place=place)

        with pytest.raises(EngineError, match=r"0001\.joiners.* cannot be measured"):
            await conduct(_speechless)
        kept = await conduct(_speaks_again)
    assert (kept.lost, kept.usd) == (1, pytest.approx(0.01 + 0.02)), "not the $0.10 that were reserved"


def test_the_command_line_runs_a_study_and_says_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text(json.dumps(one_task()["tasks"][0]) + "\n")
    written = 'name = "small"\ntasks = "tasks.jsonl"\nrepeats = 2\nusd_per_run = 0.1\n'
    written += 'models = [{name = "careful", make = "tests.support.studied:careful"}]\n'

    def run(usd: float) -> Result:
        (tmp_path / "study.toml").write_text(f"{written}usd = {usd}\n")
        words = ["study", "run", str(tmp_path / "study.toml"), "-o", str(tmp_path / "out"), "--json"]
        return CliRunner().invoke(webtasks, ["--store", str(tmp_path / "store"), *words], catch_exceptions=False)

    short = run(0.105)
    assert (short.exit_code, json.loads(short.stdout)["trials"]) == (1, 1)
    assert "1 trial left" in short.stderr
    whole = run(0.3)
    assert (whole.exit_code, json.loads(whole.stdout)["complete"]) == (0, True)
    assert "2/2 0002.joiners.careful.default.r2: right, $0.0100" in whole.stderr
