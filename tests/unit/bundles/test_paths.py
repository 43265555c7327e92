from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bundles.paths import check_resource_names, directory_name, key_of
from engine.errors import InvalidRequest

ANY = st.characters(exclude_categories=())  # lone surrogates too
FOLDED = ["a", "A", "é", "e\u0301", "ß", "ss", "İ", "K", "\u212a", "\ud83d\ude00", "😀", "\ud83d"]
UNSAFE = ["con", "NUL.txt", "COM¹", ".", "..", "../x", "/etc", "a/b", "a\\b", "-rf", " ", "a ", "a.", ".git", "\0"]
NASTY = st.sampled_from([*FOLDED, *UNSAFE, "~", "%", "%61", "%41", "a" * 101])
KEYS = st.one_of(
    st.text(ANY, min_size=1, max_size=1000),
    st.lists(NASTY, min_size=1, max_size=4).map("".join),
    st.text("aA.~%-é", min_size=1, max_size=120),
)


def as_seen_by_a_careless_file_system(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().rstrip(". ")


@given(KEYS, KEYS)
def test_different_keys_have_different_directories(one: str, other: str) -> None:
    seen = {as_seen_by_a_careless_file_system(directory_name(key)) for key in (one, other)}
    assert len(seen) == len({one, other})


@given(KEYS)
def test_every_name_is_one_portable_component(key: str) -> None:
    name = directory_name(key)
    assert name.isascii()
    assert name.isprintable()
    assert 1 <= len(name) <= 100
    assert not set(name) & set('<>:"/\\|?* ')
    assert name[0] not in ".-"
    assert name[-1] != "."
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    stem = name.partition(".")[0].upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL"}
    assert stem[:3] not in {"COM", "LPT"} or len(stem) != 4


@given(KEYS)
def test_unshortened_name_gives_its_key_back(key: str) -> None:
    name = directory_name(key)
    assert key_of(name) == (None if "~" in name else key)


@pytest.mark.parametrize("key", ["invoices", "invoices-2024_v1.2", "wtr_0123abc"])
def test_plain_key_is_its_own_directory_name(key: str) -> None:
    assert directory_name(key) == key


@pytest.mark.parametrize(
    ("key", "name"),
    [("con", "%63on"), ("nul.txt", "%6eul.txt"), ("lpt1", "%6cpt1"), ("console", "console"), ("..", "%2e%2e")],
)
def test_reserved_names_are_encoded(key: str, name: str) -> None:
    assert directory_name(key) == name


@pytest.mark.parametrize("key", ["", "a" * 1001])
def test_empty_and_overlong_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        directory_name(key)
    assert caught.value.details["field"] == "reuse_key"


@pytest.mark.parametrize(
    "names",
    [
        *([name] for name in ("", "/etc/passwd", "..", "a/../../b", "a//b", "./a", "a\\b", "C:x", "con", "aux.csv")),
        *([name] for name in ("a.", "a ", "a/.git/hooks/x", ".GIT", "git~1/x", "a\nb", "\ud800", "x" * 201)),
        ["a.csv", "A.csv"],
        ["\u00e9", "e\u0301"],
        ["a", "a/b"],
        ["A/b", "a/c"],
    ],
)
def test_unportable_resource_names_are_refused(names: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        check_resource_names(names)


def test_ordinary_resource_names_are_accepted() -> None:
    check_resource_names(["cities.csv", "data/a b.json", "data/käse.csv", ".hidden", "data.d/x"])
