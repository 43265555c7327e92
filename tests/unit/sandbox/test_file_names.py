"""Names of files, as servers send them and as no file system or reader takes them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.file_names import LONGEST_BYTES, cut, from_headers, presentable, suffix_of, suggested, type_of

URL = "https://example.com/files/M%C3%A4rz?y=2024"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=\"a_.pdf\"; filename*=UTF-8''a%20%E2%82%AC.pdf", "a €.pdf"),
        ("attachment; filename*=UTF-8''a%20%E2%82%AC.pdf; filename=\"a_.pdf\"", "a €.pdf"),
        ("attachment; filename*=iso-8859-1'de'M%E4rz.pdf", "März.pdf"),
        ("attachment; filename*=klingon''M%C3%A4rz.pdf", "März.pdf"),
        ("attachment; filename*0*=UTF-8''M%C3%A4; filename*1=rz.pdf", "März.pdf"),
        ('attachment; filename="=?UTF-8?B?TcOkcnoucGRm?="', "März.pdf"),
        ("attachment; filename==?ISO-8859-1?Q?M=E4rz.pdf?=", "März.pdf"),
        ("attachment; filename=M%C3%A4rz.pdf", "März.pdf"),
        ('attachment; filename="M\xc3\xa4rz.pdf"', "März.pdf"),
        ('attachment; filename="M\xe4rz.pdf"', "März.pdf"),
        ('attachment; filename="100% of it.pdf"', "100% of it.pdf"),
        ('attachment; filename="a; b=c.pdf"', "a; b=c.pdf"),
        ('attachment; filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
        ('attachment; filename="../../etc/a.pdf"', "a.pdf"),
        ('filename="no kind.pdf"', "no kind.pdf"),
        ('attachment; filename="report"', "report.pdf"),
        ("inline", "März.pdf"),
        (None, "März.pdf"),
    ],
)
def test_name_is_the_one_that_browsers_find_in_the_header(disposition: str | None, name: str) -> None:
    assert from_headers(disposition, URL, "application/pdf") == name


@pytest.mark.parametrize(
    ("url", "content_type", "name"),
    [
        ("https://example.com/get.php?id=3", "text/csv", "get.csv"),
        ("https://example.com/get.php?id=3", "", "get.php"),
        ("https://example.com/M%E4rz", "application/pdf", "März.pdf"),
        ("https://example.com/", "application/pdf", "download.pdf"),
        ("https://example.com/v1.2", "text/csv", "v1.2.csv"),
        ("blob:https://example.com/1f4cbf49-23a3-44cc-9ec8-73dc4eab46c1", "application/pdf", "download.pdf"),
        ("data:text/csv,a", "text/csv", "download.csv"),
    ],
)
def test_address_names_a_file_that_the_header_does_not(url: str, content_type: str, name: str) -> None:
    assert from_headers(None, url, content_type) == name


def test_random_name_that_a_browser_makes_up_is_not_kept() -> None:
    random = "1f4cbf49-23a3-44cc-9ec8-73dc4eab46c1"
    assert suggested(f"{random}.pdf", f"blob:https://example.com/{random}", "application/pdf") == "download.pdf"
    assert suggested("Übersicht.pdf", f"blob:https://example.com/{random}", "application/pdf") == "Übersicht.pdf"


@given(st.text(), st.sampled_from(["", "application/pdf", "text/csv", "nonsense"]))
@example(".", "")
@example(". .", "text/csv")
def test_every_name_is_one_visible_line_of_few_bytes_and_stays_as_it_is(name: str, content_type: str) -> None:
    made = presentable(name, content_type)
    assert 0 < len(made.encode()) <= LONGEST_BYTES
    assert made.splitlines() == [made]
    assert not any("\u202a" <= each <= "\u202e" or each < " " or "\U000e0000" <= each < "\U000e0080" for each in made)
    assert presentable(made, content_type) == made


@given(st.text(), st.text(alphabet="abc", max_size=12), st.integers(20, 300))
def test_cut_name_keeps_its_suffix(stem: str, suffix: str, most: int) -> None:
    name = cut(f"x{stem}.{suffix}", most)
    assert len(name.encode(errors="replace")) <= most
    assert name.endswith(f".{suffix}")


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (".jpg", "image/jpeg"),
        (".pdf", "application/pdf"),
        (".txt", "text/plain"),
    ],
)
def test_types_and_suffixes_go_both_ways(suffix: str, content_type: str) -> None:
    assert suffix_of(f"{content_type}; charset=utf-8") == suffix
    assert type_of(f"a{suffix.upper()}") == content_type
