"""Maps of what a task's run read, kept beside its result: for `result.provenance`, and for `accept` to learn from.

They are without secrets, and expire with the task's other files.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from engine.contract import Observed, Origin, explain
from engine.errors import EngineError, InvalidRequest
from sandbox import Evidence
from sandbox.page_map import PageMap

FILE_NAME = "read.json.gz"
PICTURE_NAME = "read.jpg"


@dataclass(frozen=True)
class KeptRead:
    """The pages, JSON responses and files that a run read, and the output that it made of them.

    Args:
        key: The reuse key.
        revision: The commit that ran, or that the run proved.
        output: The output, without secrets.
        parameters: The parameters, without secret ones.
        account: Identity of the secrets that it was given; see `engine.storage.accounts`.
        maps: What it read.
        problems: Why its result was refused, or taken with a warning; empty for a good one.
        left: Those of them that no person can find right: what the page itself says against the output.
        pictured: URL of the page of which a picture was kept beside; empty for none.
    """

    key: str
    revision: str
    output: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""
    maps: Sequence[PageMap] = ()
    problems: Sequence[str] = ()
    left: Sequence[str] = ()
    pictured: str = ""

    def observed(self) -> Observed:
        """Return the run as the contract learns from it."""
        evidence = Evidence(url=self.maps[-1].url if self.maps else "", maps=tuple(self.maps))
        return Observed(self.output, evidence, None, self.parameters, account=self.account)


@dataclass(frozen=True)
class Reads:
    """The kept read of one task, loaded when it is asked for.

    Args:
        root: The workspace's directory.
        task_id: The task.
    """

    root: Path
    task_id: str

    def __call__(self, path: str) -> list[Origin]:
        """Return where a value of the output stood.

        Raises:
            InvalidRequest: The output has nothing at this path.
            EngineError: What the run read was not kept, or expired.
        """
        kept = load(self.root, self.task_id)
        if kept is None:
            raise EngineError(
                f"what task {self.task_id} read was not kept, or it expired: it is kept for seven days, of first runs,"
                ' repairs and failures, and with provenance="full"',
                task_id=self.task_id,
            )
        try:
            return explain(kept.observed(), path)
        except KeyError as error:
            raise InvalidRequest(str(error.args[0]), field="path") from None


def keep(root: Path, task_id: str, kept: KeptRead) -> None:
    """Write the file, whole or not at all; one that was there before is replaced.

    Raises:
        OSError: It cannot be written.
    """
    path = root / "results" / task_id / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(gzip.compress(_form().dump_json(kept), 5))
    partial.replace(path)


def load(root: Path, task_id: str) -> KeptRead | None:
    """Return what a task's run read; None where it was not kept, or expired."""
    try:
        return _form().validate_json(gzip.decompress((root / "results" / task_id / FILE_NAME).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise EngineError(f"what task {task_id} read cannot be read again: {error}", task_id=task_id) from error


def to_json(origins: Sequence[Origin]) -> list[dict[str, Any]]:
    """Return origins as JSON-serializable data."""
    return [asdict(origin) for origin in origins]


@cache
def _form() -> TypeAdapter[KeptRead]:
    return TypeAdapter(KeptRead)
