"""The files of one bundle and their content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from engine.bundles.paths import check_resource_names
from engine.bundles.revision import Revision
from engine.errors import BundleCorrupt, InvalidRequest
from engine.task.browser_options import BrowserOptions
from sandbox.kinds import AutomationKind, automation_kind

FORMAT_VERSION = 1
META, AUTOMATION, CONTRACT, NOTES, RESOURCES = (
    "bundle.json",
    "automation.py",
    "contract.json",
    "NOTES.md",
    "resources/",
)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _any_string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")  # noqa: TRY004  pydantic collects ValueErrors only
    return value


# pydantic's own str refuses lone surrogates, which a reuse key may hold.
_Text = Annotated[str, PlainValidator(_any_string)]


class Parameter(BaseModel):
    """A parameter's description, which never holds a value.

    Args:
        type: Its JSON type.
        secret: True where its values are kept out of prompts, records and commits.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    secret: bool = False


class BundleMeta(BaseModel):
    """The content of ``bundle.json``.

    Args:
        format_version: Version of a bundle's layout; a higher one than ``FORMAT_VERSION`` cannot be read.
        reuse_key: The key it is saved under.
        tasks: The task texts it covers, oldest first.
        templates: Task texts with ``{name}`` in place of a parameter's value; a text that fits one gives that value.
        parameters: Every parameter that the automation takes, by name.
        output_schema: JSON Schema of the output; None where none is known.
        other_schemas: Schemas of earlier requests that the outputs fit, too.
        schema_inferred: True where the schema came from the model, not from the caller.
        start_url: The page's URL when the automation starts, unless the request names another.
        start_url_by_model: True where it came from the model, or from an import: then it may not be a private address.
        allowed_hosts: Hosts that the automation may reach.
        effects: ``read`` only where no run of it sent a state-changing request outside a login.
        browser: The browser's options for its runs, unless the request sets others.
        harmless_requests: Kinds of state-changing requests that the site sends by itself, or whose changes end with the
            session; the gate saw that.
        one_example: True where no other parameters were known when it was saved, so that the next must confirm it.
        created_at: Time of the first revision.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # newer minor formats may add fields

    format_version: int = FORMAT_VERSION
    reuse_key: _Text
    tasks: tuple[_Text, ...]
    templates: tuple[_Text, ...] = ()
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    output_schema: dict[str, Any] | None = None
    other_schemas: tuple[dict[str, Any], ...] = ()
    schema_inferred: bool = False
    start_url: str | None = None
    start_url_by_model: bool = False
    allowed_hosts: tuple[str, ...] = ()
    effects: Literal["read", "write"] = "write"
    browser: BrowserOptions = BrowserOptions()
    harmless_requests: tuple[str, ...] = ()
    one_example: bool = False
    created_at: AwareDatetime

    def to_json(self) -> str:
        """Return the text of ``bundle.json``: the same for the same content, and readable as a diff."""
        data = self.model_dump()
        data["parameters"] = dict(sorted(data["parameters"].items()))
        if self.browser == BrowserOptions():
            del data["browser"]
        if not self.templates:
            del data["templates"]
        data["allowed_hosts"] = sorted(set(self.allowed_hosts))
        data["created_at"] = self.created_at.isoformat()
        if not self.one_example:
            del data["one_example"]  # so that it reads as it did in earlier versions
        return _to_json(data)

    @classmethod
    def from_json(cls, text: str) -> BundleMeta:
        """Parse ``bundle.json``.

        Raises:
            ValueError: The text is not JSON, of a newer format, or a field is missing or of the wrong type.
        """
        data = json.loads(text)
        version = data.get("format_version") if isinstance(data, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ValueError(
                f"it has format {version} and this engine reads up to {FORMAT_VERSION}; "
                "a newer webtasks-engine wrote it: upgrade to use it"
            )
        return cls.model_validate(data)


@dataclass(frozen=True)
class Bundle:
    """One automation with everything that belongs to it.

    Args:
        meta: Its description.
        automation: Source of ``automation.py``.
        contract: The description of good results, written by the engine alone.
        notes: Notes about the site, for the next repair.
        resources: Data files that the automation reads, by relative name.
        revision: The commit it was read from; None where it was not committed.
        working_files: All files of the working tree it was read from; empty where it came from elsewhere.

    Raises:
        InvalidRequest: A resource's name is not a relative path that every file system can hold.
    """

    meta: BundleMeta
    automation: str
    contract: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    resources: Mapping[str, bytes] = field(default_factory=dict)
    revision: Revision | None = None
    working_files: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_resource_names(self.resources)

    def _repr_html_(self) -> str:
        """Return the automation as a notebook shows it."""
        from engine.bundles.shown import bundle_html  # not at the top: replays show nothing

        meta, revision = self.meta, self.revision.short if self.revision is not None else ""
        types = {name: each.type for name, each in meta.parameters.items()}
        return bundle_html(meta.reuse_key, revision, meta.tasks, types, self.automation)

    @property
    def kind(self) -> AutomationKind:
        """``page`` where the automation has a browser, ``web`` where it has none."""
        return automation_kind(self.automation)

    @property
    def committed(self) -> Revision:
        """The revision of a bundle that the store loaded."""
        assert self.revision is not None, "a bundle that the store loaded has its revision"
        return self.revision

    def to_files(self) -> dict[str, bytes]:
        """Return the content of every file by path, the same bytes for the same bundle.

        Raises:
            InvalidRequest: A text cannot be written as UTF-8.
        """
        texts = {
            AUTOMATION: self.automation,
            META: self.meta.to_json(),
            CONTRACT: _to_json(dict(self.contract), sort=True),
            NOTES: self.notes,
        }
        files = {path: _encode(path, text) for path, text in texts.items()}
        files.update({RESOURCES + name: bytes(data) for name, data in self.resources.items()})
        return dict(sorted(files.items()))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], revision: Revision | None = None, *, where: str = "") -> Bundle:
        """Read a bundle from files by path; files that belong to no bundle are ignored.

        Args:
            where: Their place, for errors; default the revision, or the working tree.

        Raises:
            BundleCorrupt: A file is missing or malformed.
        """
        where = where or (f"revision {revision.short}" if revision is not None else "the working tree")
        for path in (META, AUTOMATION, CONTRACT):
            if path not in files:
                raise BundleCorrupt(f"{path} is missing in {where}; restore it or roll back", file=path)
        path = META
        try:
            meta = BundleMeta.from_json(files[META].decode())
            path = CONTRACT
            contract = json.loads(files[CONTRACT].decode())
            if not isinstance(contract, dict):
                raise ValueError("it is not a JSON object")  # noqa: TRY004  handled with the other ValueErrors
            path = AUTOMATION
            automation = files[AUTOMATION].decode()
            path = NOTES
            notes = files.get(NOTES, b"").decode()
            path = RESOURCES
            resources = {
                name.removeprefix(RESOURCES): data for name, data in files.items() if name.startswith(RESOURCES)
            }
            return cls(meta, automation, contract, notes, resources, revision)
        except (ValueError, RecursionError) as error:  # InvalidRequest is a ValueError too
            raise BundleCorrupt(f"{path} in {where} cannot be used: {_reason(error)}", file=path) from error


def is_bundle_file(path: str) -> bool:
    """Return True for a path that the engine writes; any other file in a bundle's directory is the user's own."""
    return path in (META, AUTOMATION, CONTRACT, NOTES) or path.startswith(RESOURCES)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return str(error)


def _to_json(data: Mapping[str, Any], *, sort: bool = False) -> str:
    """Return indented JSON that ends with a newline; lone surrogates stay escaped, so that it is valid UTF-8."""
    try:
        text = json.dumps(data, indent=2, sort_keys=sort, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"a bundle holds JSON data only: {error}", field="bundle") from error
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _encode(path: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{path} holds a character that is not Unicode text: {error}", field=path) from error
