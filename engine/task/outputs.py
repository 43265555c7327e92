"""The output of a task as its result holds it: inline, or in files; and the base of what goes over the wire."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from engine.errors import TaskFailed


class WireModel(BaseModel):
    """A part of the wire contract; the names there are aliases of the attributes."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def to_wire(self) -> dict[str, Any]:
        """Return JSON-serializable data under the names of the wire contract."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class InlineResult(WireModel):
    """A result within the response."""

    type: Literal["inline"] = "inline"
    data: Any


class StoredFile(WireModel):
    """A file that holds a result.

    Args:
        url: Its address: a ``file:`` URL in Python, a signed URL from the HTTP server.
        content_type: ``application/json`` or ``text/csv``.
        size_bytes: Its size in bytes.
        expires_at: When it is deleted.
    """

    url: str
    content_type: str
    size_bytes: int
    expires_at: datetime


class Preview(WireModel):
    """The beginning of a large result.

    Args:
        rows: The number of rows; None if it is not a list.
        sample: The first rows, or the first fields.
    """

    rows: int | None = None
    sample: Any = None


class FileResult(WireModel):
    """A result of more than 64 KiB of JSON.

    Args:
        file: The JSON.
        csv: The same as CSV, if it is a list of flat objects.
        preview: Its row count and first rows.
    """

    type: Literal["file"] = "file"
    file: StoredFile
    csv: StoredFile | None = None
    preview: Preview | None = None

    @property
    def data(self) -> Any:
        """The complete result, read from its file.

        Raises:
            TaskFailed: The file has expired; ``details["reason"]`` is ``expired``.
        """
        parts = urlsplit(self.file.url)
        if parts.scheme != "file":
            raise TaskFailed(f"the result is at {self.file.url}; download it from there", code="internal-error")
        try:
            return json.loads(Path(unquote(parts.path)).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TaskFailed(
                f"the result's file expired at {self.file.expires_at:%Y-%m-%d %H:%M} UTC; run the task again",
                code="internal-error", reason="expired",
            ) from None  # fmt: skip
