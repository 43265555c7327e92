"""The parts of a study: its file, its sites, its records."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import InvalidRequest
from engine.errors import EngineError
from engine.models.base import ModelReply, ModelRequest, Usage
from engine.studies import Case, KeptTrial, StudySpec, Variant
from engine.studies.judging import Judge
from engine.studies.record import TrialRecord, read_lines, spent
from engine.studies.site import mutation, open_site
from engine.task.redaction import Redactor
from fixtures_sites.truths import truth
from tests.unit.studies.conftest import one_task

STUDY = """\
name = "small"
tasks = "tasks.jsonl"
models = ["haiku", {name = "mine", make = "mine:model"}]
mutations = ["rename-classes"]
usd = 2.5
[[variants]]
name = "redesign"
version = "v2"
[[options]]
name = "lenient"
run = {trust = "lenient"}
"""
TASK = {"id": "one", "task": "List all", "site": "directory", "parameters": {"category": "Stonemasonry"}}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "tasks.jsonl").write_text(json.dumps(TASK) + "\n\n" + json.dumps(TASK | {"id": "two"}) + "\n")
    return tmp_path


def test_a_study_is_read_from_toml_and_json_lines(home: Path) -> None:
    spec = StudySpec.load(home / "study.toml")
    assert [case.id for case in spec.tasks] == ["one", "two"]
    assert [(model.name, model.make) for model in spec.models] == [("haiku", None), ("mine", "mine:model")]
    assert [(v.name, v.mutation, v.version) for v in spec.variants] == [
        ("redesign", None, "v2"), ("rename-classes", "rename-classes", None),
    ]  # fmt: skip
    assert spec.usd_per_trial == pytest.approx(1.5), "a first run and two repairs"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"usd": None}, "usd: "),
        ({"models": []}, "models: "),
        ({"name": "a b"}, "name: "),
        ({"repeats": 0}, "repeats: "),
        ({"budget": 1}, "budget: Extra"),
        ({"options": [{"run": {"ai": "never"}}]}, r"options\[0\]: run has no option 'ai'; it has allow_hosts"),
        ({"tasks": [{"id": "x", "task": "y", "start_url": "http://a.test/"}]}, r"tasks\[0\]: give truth or checker"),
        ({"tasks": [{"id": "x", "task": "y", "truth": 1}]}, r"tasks\[0\]: give either start_url or site"),
        ({"variants": ["same", "same"]}, "'same' is there twice"),
    ],
)
def test_a_malformed_study_is_refused_with_the_place(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        StudySpec.load(one_task(**changed))


def test_a_line_of_the_data_set_that_is_not_json_is_named(home: Path) -> None:
    (home / "tasks.jsonl").write_text("{}\n{")
    with pytest.raises(InvalidRequest, match=r"tasks\.jsonl, line 2, is not JSON"):
        StudySpec.load(home / "study.toml")


def test_a_checker_beside_the_study_is_asked(tmp_path: Path) -> None:
    code = "def right(output, judged):\n    return output == judged.case.parameters['n'] or f'not {judged.phase}'\n"
    (tmp_path / "my_checker_of_this_test.py").write_text(code)
    case = Case(
        id="c", task="t", start_url="http://a.test/", parameters={"n": 3}, checker="my_checker_of_this_test:right"
    )
    judge = Judge(case, tmp_path)
    assert judge.fault(3, "first", None, None) == ""
    assert judge.fault(4, "replay", None, None) == "not replay"


@pytest.mark.parametrize("reference", ["no_such_module_here:x", "math:nothing", "math"])
def test_a_checker_that_there_is_not_is_told_before_anything_runs(reference: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="checker"):
        Judge(Case(id="c", task="t", start_url="http://a.test/", checker=reference), tmp_path)


def test_a_site_takes_on_versions_days_and_mutations(tmp_path: Path) -> None:
    variants = [Variant(name="later", version="v2", seed=7), Variant(name="rename-classes", mutation="rename-classes")]
    with open_site(Case(**TASK), variants, tmp_path) as site:
        site.change(None)
        assert (site.server.version, site.truth()) == ("v1", truth("directory", TASK["parameters"]))
        site.change(variants[0])
        assert (site.server.version, site.truth()) == ("v2", truth("directory", TASK["parameters"], seed=7))
        assert site.was_changed
        site.change(variants[1])
        assert (site.server.version, site.server.seed, site.was_changed) == ("v1", 0, False)
        assert site.start_url.startswith(site.proxy.url)


def test_a_mutation_changes_the_truth_where_it_changes_data(tmp_path: Path) -> None:
    variant = Variant(name="reversed", mutation="tests.support.studied:REVERSED")
    with open_site(Case(**TASK), [variant], tmp_path) as site:
        site.change(variant)
        assert site.truth() == truth("directory", TASK["parameters"])[::-1]


def test_a_mutation_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="rename-classes"):
        mutation(Variant(name="x", mutation="rename-clases"), tmp_path)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[TrialRecord]:
    with TrialRecord(tmp_path, Redactor({}, ())) as opened:
        yield opened


def asks(*texts: Any) -> ModelRequest:
    return ModelRequest("agent", "system", tuple({"role": "user", "content": text} for text in texts))


def test_pictures_in_messages_are_kept_as_files_once(record: TrialRecord, tmp_path: Path) -> None:
    data = base64.b64encode(b"\x89PNG picture").decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    record.request(asks([block], [block]), 0.0)
    (line,) = [line for line in read_lines(tmp_path / "record.jsonl") if line.type == "request"]
    source = line.messages[0]["content"][0]["source"]
    assert source["type"] == "file"
    assert (tmp_path / source["file"]).read_bytes() == b"\x89PNG picture"
    assert len(list((tmp_path / "pictures").iterdir())) == 1


def test_a_message_stands_once_in_a_record_and_whole_in_each_request(record: TrialRecord, tmp_path: Path) -> None:
    long = "x" * 5_000
    record.request(asks(long), 0.1)
    record.request(asks(long, "more"), 0.1)
    record.request(asks("other", "more", "third"), 0.1)
    text = (tmp_path / "record.jsonl").read_text()
    assert text.count(long) == 1
    lines = tuple(read_lines(tmp_path / "record.jsonl"))
    kept = KeptTrial(None, (), None, lines)  # type: ignore[arg-type]  # its first line is not looked at
    told = [[message["content"] for message in each.messages] for each in kept.exchanges()]
    assert told == [[long], [long, "more"], ["other", "more", "third"]]


def test_what_was_cut_off_counts_for_the_most_that_it_could_cost(record: TrialRecord, tmp_path: Path) -> None:
    answered = record.request(asks("a"), 0.5)
    record.answer(answered, ModelReply((), "end_turn", Usage(), 0.125, "m", 0.1))
    record.request(asks("b"), 0.25)
    file = tmp_path / "record.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"type": "answer", "numb')
    assert spent(read_lines(file)) == 0.375


def test_a_record_without_its_trial_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("")
    with pytest.raises(EngineError, match="does not begin with its trial"):
        KeptTrial.read(tmp_path / "r.jsonl")
