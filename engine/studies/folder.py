"""A study's directory: its plan, one record for each trial that ended, and what a kill left behind."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.bundles.atomic import sync_directory, write_whole
from engine.errors import EngineError, InvalidRequest
from engine.studies.lines import EndLine
from engine.studies.plan import TrialJob
from engine.studies.record import PICTURES, RECORD, KeptTrial, now, read_lines, spent
from engine.studies.spec import StudySpec
from engine.version import installed_version

_PLAN, _LOCK = "study.json", ".lock"
_MEASURED_BY = ("playwright", "pydantic", "anthropic", "openai")


class StudyFolder:
    """The files of a study.

    ``study.json`` is the plan, ``trials/ID.jsonl`` the record of a trial, which is there when the trial has ended and
    whole then, ``pictures/`` has what records refer to, ``running/`` the trials that run, ``lost/`` those that were cut
    off, and ``work/`` the stores, which are removed in the end.

    Args:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"
        self._trials, self._running, self._lost = root / "trials", root / "running", root / "lost"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study, so that no other process runs it.

        Raises:
            EngineError: Another one does, or the directory cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / _LOCK).acquire(timeout=0):
                yield
        except Timeout:
            raise EngineError(f"another process runs the study in {self.root}; wait for it, or end it") from None
        except OSError as error:
            raise EngineError(f"the study in {self.root} cannot be kept: {error.strerror or error}") from error

    def begin(self, spec: StudySpec) -> None:
        """Write the plan, or check that the one that is there is this, and put aside what a kill left behind.

        Raises:
            InvalidRequest: Another study is in the directory.
        """
        self.tidy()
        for directory in (self._trials, self._running, self._lost, self.root / PICTURES, self.work):
            directory.mkdir(exist_ok=True)
        public = spec.public()
        if (self.root / _PLAN).exists():
            self._check(public)
        else:
            write_whole(self.root / _PLAN, _json({"study": public, **_facts(spec)}), self.root)
            sync_directory(self.root)
        for left in sorted(self._running.iterdir()):
            self._put_aside(left, left.name.rpartition(".")[0])

    def tidy(self) -> None:
        """Remove the stores, of which the records have what matters."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _put_aside(self, folder: Path, trial_id: str) -> None:
        """Take over a trial that ended and was not kept any more; count any other as lost."""
        if self.record_file(trial_id).exists():
            shutil.rmtree(folder)
        elif (folder / RECORD).exists() and _is_whole(folder / RECORD):
            self.keep(trial_id, folder)
        else:
            self.lose(folder)

    def _check(self, public: Mapping[str, Any]) -> None:
        kept = self.plan["study"]
        # These may be raised in the middle: they do not change what a trial measures.
        free = ("usd", "at_once")
        differ = [name for name in sorted({*kept, *public}) if kept.get(name) != public.get(name) and name not in free]
        if differ:
            raise InvalidRequest(
                f"the study in {self.root} was begun with other {', '.join(differ)}; name another directory, or run it"
                " as it was begun",
                field=differ[0],
            )

    @property
    def plan(self) -> dict[str, Any]:
        """The study as it was begun, and where and by what it is measured.

        Raises:
            EngineError: There is no study in the directory.
        """
        try:
            plan: dict[str, Any] = json.loads((self.root / _PLAN).read_bytes())
        except FileNotFoundError:
            raise EngineError(f"there is no study in {self.root}; run one first: webtasks study run FILE") from None
        except (OSError, ValueError) as error:
            raise EngineError(f"the plan of the study in {self.root} cannot be read: {error}") from error
        return plan

    def record_file(self, trial_id: str) -> Path:
        """Return the file of a trial that ended."""
        return self._trials / f"{trial_id}.jsonl"

    def ended(self) -> list[KeptTrial]:
        """Return the trials that ended, in the study's order."""
        return [KeptTrial.read(file) for file in sorted(self._trials.glob("*.jsonl"))]

    def attempts(self, trial_id: str) -> int:
        """Return the number of attempts at a trial that were cut off."""
        return sum(1 for each in self._lost.iterdir() if each.name.rpartition(".")[0] == trial_id)

    @property
    def lost(self) -> int:
        """The number of attempts that were cut off, of all trials."""
        return sum(1 for _ in self._lost.iterdir()) if self._lost.is_dir() else 0

    def lost_usd(self) -> float:
        """Return the dollars of attempts that were cut off.

        An answer that never came counts for the most that it could cost; where the record was elsewhere, all that was
        reserved counts.
        """
        return sum(map(_lost_usd, self._lost.iterdir())) if self._lost.is_dir() else 0.0

    def lose(self, folder: Path) -> float:
        """Put aside an attempt that was cut off, and return the dollars that count as spent for it."""
        lost = folder.rename(self._lost / folder.name)
        sync_directory(self._lost)
        return _lost_usd(lost)

    def running(self, job: TrialJob) -> Path:
        """Return the directory in which an attempt at a trial runs."""
        return self._running / job.name

    def reserve(self, job: TrialJob, *, local: bool) -> Path:
        """Note what a trial may cost, synced to disk, and return the directory that it runs in."""
        folder = self.running(job)
        folder.mkdir()
        write_whole(folder / "reserved.json", _json({"usd": job.usd, "local": local}), folder)
        sync_directory(folder)
        sync_directory(self._running)
        return folder

    def keep(self, trial_id: str, folder: Path) -> KeptTrial:
        """Take over the record and the pictures of a trial that has ended; from now on it is done.

        Raises:
            EngineError: The record is not whole.
        """
        trial = KeptTrial.read(folder / RECORD)
        if trial.end is None or trial.trial.id != trial_id:
            raise EngineError(f"the record of trial {trial_id} is not whole; run the study again")
        pictures = folder / PICTURES
        for file in pictures.iterdir() if pictures.is_dir() else ():
            file.replace(self.root / PICTURES / file.name)
        sync_directory(self.root / PICTURES)
        (folder / RECORD).replace(self.record_file(trial_id))
        sync_directory(self._trials)
        shutil.rmtree(folder)
        return trial


def _is_whole(record: Path) -> bool:
    return any(isinstance(line, EndLine) for line in read_lines(record))


def _lost_usd(folder: Path) -> float:
    try:
        reserved = json.loads((folder / "reserved.json").read_bytes())
    except FileNotFoundError:
        return 0.0  # killed before it began
    record = folder / RECORD
    if record.exists():
        return min(float(reserved["usd"]), spent(read_lines(record)))
    return 0.0 if reserved["local"] else float(reserved["usd"])


def _facts(spec: StudySpec) -> dict[str, Any]:
    versions = {}
    for name in _MEASURED_BY:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # it is not used, then
            continue
    return {
        "data_sha256": spec.data_hash,
        "begun": now().isoformat(timespec="seconds"),
        "versions": {"webtasks-engine": installed_version(), "python": platform.python_version(), **versions},
        "machine": {
            "system": " ".join((os.uname().sysname, os.uname().release, os.uname().machine)),
            "processor": _processor(),
            "processors": len(os.sched_getaffinity(0)),
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return os.uname().machine
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), os.uname().machine)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()
