"""The results of a study: rates, comparisons, frames, reports and exports.

The libraries that tests compare with are imported by these tests: all of them take two seconds of processor time, and
each process that collects the tests would need them.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from engine.cli.main import webtasks
from engine.errors import EngineError
from engine.studies import COLUMNS, Study, schema
from engine.studies.comparison import compare_arms
from engine.studies.intervals import wilson
from engine.studies.measures import break_even

WILSON = {(3, 3): (0.438, 1.0), (0, 3): (0.0, 0.562), (6, 12): (0.254, 0.746), (3, 6): (0.188, 0.812)}


def measured(study: Study, model: str, variant: str | None) -> dict[str, tuple[int, int]]:
    rows = [row for row in study.table() if (row["model"], row["variant"]) == (model, variant)]
    return {row["measure"]: (row["count"], row["of"]) for row in rows}


def test_the_rates_are_those_that_are_known(known: Study) -> None:
    assert measured(known, "careful", None) == {
        "success": (3, 3), "fidelity": (3, 3), "unaffected": (3, 12), "noticed": (6, 12), "repaired": (3, 6),
        "silently wrong": (3, 24),
    }  # fmt: skip
    assert measured(known, "careless", None)["repaired"] == (0, 6)
    assert measured(known, "careful", "mended") == {
        "unaffected": (0, 3), "noticed": (3, 3), "repaired": (3, 3), "silently wrong": (0, 6),
    }  # fmt: skip


def test_rates_have_wilsons_interval(known: Study) -> None:
    found = {(row["count"], row["of"]): (row["low"], row["high"]) for row in known.table()}
    for which, interval in WILSON.items():
        assert found[which] == pytest.approx(interval, abs=0.001)


def test_models_are_compared_on_the_same_tasks_and_changes(known: Study) -> None:
    found = {each.measure: each for each in known.compare_models()}
    assert (found["first run right"].first, found["first run right"].second) == ("careful", "careless")
    withstood = found["right after a change, repairs included"].difference
    assert (withstood.pairs, withstood.only_first, withstood.only_second) == (12, 3, 0)
    assert withstood.value == pytest.approx(-0.25)
    assert withstood.p == pytest.approx(0.25), "three of three, by McNemar's exact test of two sides"
    assert found["whole trial, dollars"].difference.value == 0.0


def test_only_pairs_that_both_have_are_compared() -> None:
    def row(model: str, task: str, verdict: str) -> dict[str, Any]:
        facts = {"options": "default", "repeat": 1, "phase": "first", "variant": None, "usd": 1.0, "seconds": 2.0}
        return {"model": model, "task": task, "verdict": verdict, **facts}

    rows = [row("a", "t1", "right"), row("a", "t2", "right"), row("b", "t1", "failed"), row("b", "t3", "right")]
    success = compare_arms(rows)[0].difference
    assert (success.pairs, success.first, success.second) == (1, 1.0, 0.0)


def test_break_even_counts_repairs() -> None:
    rows = [
        {"trial": "1", "phase": "first", "verdict": "right", "usd": 0.1},
        {"trial": "1", "phase": "repair", "verdict": "failed", "usd": 0.25},
        {"trial": "2", "phase": "first", "verdict": "failed", "usd": 0.1},
    ]
    assert break_even(rows) == [3.5]


def test_two_studies_are_compared(known: Study, tmp_path: Path) -> None:
    assert {each.difference.value for each in known.compare(known)} == {0.0}
    page = known.write_comparison(known, tmp_path / "c.html").read_text()
    assert "right after a change, repairs included" in page


def test_the_frame_has_a_row_for_each_run(known: Study) -> None:
    import pandas

    frame = known.frame()
    assert isinstance(frame, pandas.DataFrame)
    assert (list(frame.columns), len(frame)) == (list(COLUMNS), 48)
    assert frame[frame.phase == "repair"].groupby("model").verdict.apply(lambda v: (v == "right").sum()).to_dict() == {
        "careful": 3,
        "careless": 0,
    }


def test_without_a_library_of_frames_the_error_names_them(known: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="pip install pandas"):
        known.frame()


def test_the_report_is_one_file_that_tells_how_it_was_measured(known: Study, tmp_path: Path) -> None:
    page = known.report(tmp_path / "report.html").read_text()
    for text in ("How this was measured", known.plan["data_sha256"], "Wilson", "Newcombe", "100 %", "100 %, 3/3"):
        assert text in page
    assert page.count("<svg") == 7
    assert "#010101" not in page, "colors are the page's"
    assert not [word for word in ("<style type", "<metadata", "src=", "<!DOCTYPE svg") if word in page]
    ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_the_records_fit_their_schema(known: Study, tmp_path: Path) -> None:
    (file,) = known.export("jsonl", tmp_path / "all.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    validator = jsonschema.Draft202012Validator(schema())
    for line in lines[:60]:
        validator.validate({name: value for name, value in line.items() if name != "trial"})
    assert {line["type"] for line in lines} == {"trial", "prompt", "request", "answer", "run", "end"}
    assert sum(line["type"] == "end" for line in lines) == 6


def test_parquet_files_hold_all_runs_and_exchanges(known: Study, tmp_path: Path) -> None:
    import pyarrow.parquet

    runs, exchanges = (pyarrow.parquet.read_table(file) for file in known.export("parquet", tmp_path))
    assert runs.num_rows == 48
    asked = [each for trial in known.trials for each in trial.exchanges()]
    assert exchanges.num_rows == len(asked) == 18
    assert json.loads(exchanges["messages"][0].as_py()) == list(asked[0].messages)
    assert runs.schema.metadata[b"data_sha256"] == known.plan["data_sha256"].encode()


def test_logs_are_read_by_inspect(known: Study, tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log

    logs = [read_eval_log(str(file)) for file in known.export("inspect", tmp_path)]
    assert [log.eval.model for log in logs] == ["careful", "careless"]
    assert logs[0].results is not None
    assert logs[0].results.scores[0].metrics["accuracy"].value == 1.0
    assert logs[0].samples is not None
    sample = logs[0].samples[0]
    assert sample.scores is not None
    assert {name: score.value for name, score in sample.scores.items()}["changed meaning"] == "I"
    assert [message.role for message in sample.messages] == ["system", "user", "assistant"]
    assert sample.messages[2].tool_calls[0].function == "write"  # type: ignore[union-attr]  # an assistant's


def test_the_command_line_reports_compares_and_prints_rows(
    known: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        result = CliRunner().invoke(webtasks, ["study", *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    directory = str(known.directory)
    assert run("frame", directory).splitlines()[0] == ",".join(COLUMNS)
    assert len(json.loads(run("frame", directory, "--json"))) == 48
    assert Path(run("report", directory).strip()).name == "webtasks-study-known.html"
    assert "first run right" in run("compare", directory, directory)
    assert json.loads(run("compare", directory, directory, "--json"))[0]["difference"]["pairs"] == 6
    assert run("export", directory, "--format", "schema", "-o", "schema.json").endswith("schema.json\n")


def test_a_directory_without_a_study_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(webtasks, ["study", "report", str(tmp_path)])
    assert result.exit_code == 2
    assert "there is no study in" in result.stderr


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (3, 10), (50, 99), (120, 120)])
def test_wilsons_interval_is_that_of_scipy(count: int, of: int) -> None:
    import scipy.stats

    other = scipy.stats.binomtest(count, of).proportion_ci(0.95, method="wilson")
    assert wilson(count, of) == pytest.approx((other.low, other.high))
