"""The content of a cassette, and the one file that holds it.

The file is a ZIP archive: ``cassette.json`` has all but the bodies, and ``bodies/`` each body once, by its hash.
Unpacked with any tool it can be read, and nothing in it is ever run. It is written aside and put in its place at the
end, so that a program that is killed while it records leaves the former file whole. Reading one checks its shape and
its size: it may come from anybody.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from engine.cassettes.options import CassetteOptions
from engine.errors import InvalidRequest
from sandbox.egress.tape import LARGEST_BODY

FORMAT = 1
_INDEX = "cassette.json"
_BODIES = "bodies/"
_LARGEST_INDEX = 64 << 20
_MOST_FILES = 100_000
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the time of each entry: equal content makes an equal file
_TIGHT = 9
# ValueError: the file was closed, as its engine ended
_UNPACKING = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)

# As they stand in a message: what is played must not make two of one.
_HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x{80}-\x{ff}]*$")]


@dataclass(frozen=True)
class Exchange:
    """A request, and what came of it. Bodies are given by their hash, an empty one as an empty text.

    Args:
        method: The request's method.
        url: Its URL.
        content_type: What its body is.
        body: Its body.
        variant: Its other headers in so far as they may tell two equal requests apart: name and value, or a hash.
        status: The answer's status; 0 where there was none.
        headers: Its headers.
        answer: Its body.
        end: See `sandbox.egress.tape.Received`.
        refusal: Why there was no answer.
    """

    method: str
    url: str
    content_type: str = ""
    body: str = ""
    variant: dict[str, str] = field(default_factory=dict)
    status: Annotated[int, Field(ge=0, le=999)] = 0
    headers: list[tuple[_HeaderName, _HeaderValue]] = field(default_factory=list)
    answer: str = ""
    end: Literal["complete", "client", "server"] = "complete"
    refusal: str = ""

    @property
    def name(self) -> str:
        """Method and URL."""
        return f"{self.method} {self.url}"


@dataclass(frozen=True)
class ModelAnswer:
    """An answer of a model.

    Args:
        task: Which task asked; see `engine.cassettes.base.task_mark`.
        model: The model's ID.
        answer: The fields of an `engine.models.recorded.RecordedAnswer`.
    """

    task: str
    model: str
    answer: dict[str, Any]


@dataclass
class Content:
    """The content of a cassette but its bodies.

    Args:
        options: What it does not look at.
        exchanges: In the order in which they ended.
        lookups: For each host what its names were resolved to, each time: addresses, or the reason why not.
        answers: The model's.
        moments: The clock and the seed of each job.
    """

    format: int = FORMAT
    options: CassetteOptions = field(default_factory=CassetteOptions)
    exchanges: list[Exchange] = field(default_factory=list)
    lookups: dict[str, list[list[str] | str]] = field(default_factory=dict)
    answers: list[ModelAnswer] = field(default_factory=list)
    moments: list[tuple[int, int]] = field(default_factory=list)


_CONTENT = TypeAdapter(Content)


def write(path: Path, content: Content, bodies: Mapping[str, bytes]) -> None:
    """Write a cassette in one step: whoever reads it meanwhile finds the former one.

    Raises:
        InvalidRequest: It cannot be written.
    """
    index = json.dumps(asdict(content), ensure_ascii=False, sort_keys=True, indent=0).encode("utf-8", "surrogatepass")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_TIGHT) as archive:
                    archive.writestr(_entry(_INDEX), index)
                    for digest in sorted(bodies):
                        archive.writestr(_entry(_BODIES + digest), bodies[digest])
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:  # an interrupt, too, leaves nothing half-written aside
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidRequest(f"the cassette {path} cannot be written: {error.strerror}", field="record") from error


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _ALWAYS)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class CassetteFile:
    """A cassette that is open for reading. Close it.

    Args:
        path: The file.

    Raises:
        InvalidRequest: There is none, or it is not one that this version reads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise InvalidRequest(
                f"the cassette {path} cannot be read: {error.strerror}; record it first", field="replay"
            ) from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self.broken(f"it is no archive ({error})") from None
        try:
            self.content = self._read_index()
        except BaseException:  # an interrupt, too, leaves the file closed
            self._archive.close()
            raise

    def broken(self, problem: str) -> InvalidRequest:
        """Return the error for a file that is not as it was written."""
        return InvalidRequest(
            f"{self.path} is no cassette that can be used: {problem}; record it again", field="replay"
        )

    def _read_index(self) -> Content:
        if len(self._archive.infolist()) > _MOST_FILES:
            raise self.broken(f"it has more than {_MOST_FILES:,} parts")
        try:
            data = json.loads(self._read(_INDEX, _LARGEST_INDEX))
            if isinstance(data, dict) and data.get("format") != FORMAT:
                raise self.broken(f"its format is {data.get('format')!r}, and this version reads {FORMAT}")
            return _CONTENT.validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise self.broken(f"{where}: {first['msg']}") from None
        except (ValueError, RecursionError) as error:
            if isinstance(error, InvalidRequest):
                raise
            raise self.broken("its index is no JSON") from None

    def body(self, digest: str) -> bytes:
        """Return a body.

        Raises:
            InvalidRequest: It is not there, or not what it was.
        """
        if not digest:
            return b""
        data = self._read(_BODIES + digest, LARGEST_BODY)
        if digest_of(data) != digest:
            raise self.broken(f"the body {digest[:12]} has changed")
        return data

    def _read(self, name: str, most: int) -> bytes:
        try:
            with self._archive.open(name) as file:
                data = file.read(most + 1)
        except KeyError:
            raise self.broken(f"it has no {name}") from None
        except _UNPACKING as error:
            raise self.broken(f"{name} cannot be unpacked ({error})") from None
        if len(data) > most:
            raise self.broken(f"{name} has more than {most >> 20} MiB")
        return data

    def close(self) -> None:
        """Close the file."""
        self._archive.close()


def digest_of(body: bytes) -> str:
    """Return the hash of a body; an empty text for an empty one."""
    return hashlib.sha256(body).hexdigest() if body else ""
