from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bundles import Bundle, BundleMeta, Parameter
from engine.bundles.revision import format_message, parse_commit
from engine.errors import BundleCorrupt, InvalidRequest
from tests.support.numbered import Numbered

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    key=st.text(st.characters(exclude_categories=()), min_size=1),
    task=st.text(),
    contract=st.dictionaries(st.text(), JSON, max_size=3),
    data=st.binary(),
)
def test_bundle_survives_a_round_trip_through_files(key: str, task: str, contract: dict[str, Any], data: bytes) -> None:
    bundle = Bundle(
        meta=BundleMeta(
            reuse_key=key,
            tasks=(task,),
            parameters={"z": Parameter(type="string", secret=True), "a": Parameter(type="integer")},
            output_schema={"type": "object", "properties": {"z": {}, "a": {}}},
            created_at=datetime.now(UTC),
        ),
        automation=task,
        contract=contract,
        notes=task,
        resources={"x.bin": data},
    )
    files = bundle.to_files()
    again = Bundle.from_files(files)
    # Two lone surrogates that together make a pair are one character after JSON; nothing else changes.
    expected = key.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert again == replace(bundle, meta=bundle.meta.model_copy(update={"reuse_key": expected}))
    assert again.to_files() == files


def test_bundle_json_is_canonical_and_reads_as_a_diff() -> None:
    one, other = (
        BundleMeta(
            reuse_key="k",
            tasks=("List",),
            parameters={name: Parameter(type="string") for name in names},
            allowed_hosts=hosts,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        ).to_json()
        for names, hosts in [("ab", ("b.example", "a.example")), ("ba", ("a.example", "b.example", "a.example"))]
    )
    assert one == other
    assert one.endswith("}\n")
    assert '\n  "reuse_key": "k",\n' in one


def test_newer_minor_formats_are_read_and_newer_formats_named(numbered: Numbered) -> None:
    files = numbered(1).to_files()
    data = json.loads(files["bundle.json"])
    minor = files | {"bundle.json": json.dumps(data | {"new_field": 1}).encode()}
    assert Bundle.from_files(minor) == numbered(1)
    with pytest.raises(BundleCorrupt, match=r"format 2.*upgrade"):
        Bundle.from_files(files | {"bundle.json": json.dumps(data | {"format_version": 2}).encode()})


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("bundle.json", b"{"),
        ("bundle.json", b"[]"),
        ("bundle.json", b"[" * 100_000),
        ("bundle.json", b'{"format_version": 1}'),
        ("contract.json", b"[]"),
        ("automation.py", b"\xff"),
        ("resources/con", b""),
    ],
)
def test_malformed_file_is_corrupt(numbered: Numbered, path: str, content: bytes) -> None:
    with pytest.raises(BundleCorrupt) as caught:
        Bundle.from_files(numbered(1).to_files() | {path: content})
    assert path.startswith(caught.value.details["file"])


@pytest.mark.parametrize("path", ["bundle.json", "automation.py", "contract.json"])
def test_missing_file_is_corrupt(numbered: Numbered, path: str) -> None:
    files = numbered(1).to_files()
    del files[path]
    with pytest.raises(BundleCorrupt, match=path):
        Bundle.from_files(files)


def test_unwritable_bundle_is_refused(numbered: Numbered) -> None:
    with pytest.raises(InvalidRequest):
        replace(numbered(1), automation="'\ud800'").to_files()
    with pytest.raises(InvalidRequest):
        replace(numbered(1), contract={"x": float("nan")}).to_files()
    with pytest.raises(InvalidRequest):
        replace(numbered(1), resources={"../x": b""})


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_no_task_text_forges_trailers(body: str, value: str) -> None:
    message = format_message("Write it", f"{body}\n\nTask-Id: forged", {"Reason": value} if value else {})
    raw = f"tree t\nauthor a <b> 0 +0000\ncommitter a <b> 0 +0000\n\n{message}".encode()
    revision = parse_commit("c", raw)
    assert revision.subject == "Write it"
    assert revision.trailers.keys() == ({"Reason"} if value else set())
    assert revision.body.endswith("Task-Id: forged")


@pytest.mark.parametrize("trailers", [{"Bad name": "x"}, {"": "x"}, {"A\nB": "x"}])
def test_malformed_messages_are_refused(trailers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        format_message("Write it", trailers=trailers)
    with pytest.raises(InvalidRequest):
        format_message(" \n ")
