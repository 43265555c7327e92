"""Hostile pages: large, deep, wide and broken ones end in a page or in a `WebError`, and in time."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable

import pytest

from sandbox.web.errors import WebError
from sandbox.web.pages import WebPage
from tests.support.paths import ROOT
from tests.unit.web.sites import page_of

SECONDS = 5.0  # of processor time for all ways of reading a page, on a slow machine: each quadratic one takes minutes
ODD = (ROOT / "tests/browser/web/odd_cases.html").read_bytes()
READS: list[Callable[[WebPage], object]] = [
    lambda page: page.text,
    lambda page: page.title,
    lambda page: page.fields,
    lambda page: page.embedded(),
    lambda page: page.get_by_text("zz"),
    lambda page: page.get_by_text("x", exact=True),
    lambda page: page.get_by_label("zz"),
    lambda page: page.get_by_alt_text("zz"),
    lambda page: page.table("A"),
    lambda page: page.form("Go"),
    lambda page: [form.values for form in page.forms[:5]],
    lambda page: page.css("a").texts,
    lambda page: page.css("*").one,
    lambda page: [each.hidden for each in page.css("*")],
    lambda page: [each.href for each in page.link()],
    lambda page: [each.closest("main") for each in page.css("a")[:50]],
    *[
        lambda page, role=role: page.get_by_role(role, name="zz")  # type: ignore[misc]  # mypy does not infer defaults
        for role in ("button", "cell", "heading", "link", "listitem", "none", "option", "row", "textbox")
    ],
]
LARGE = {
    "rows": "<table><tr><th>A<th>B" + "<tr><td><a href=/x>name</a><td>5" * 1_500,
    "deep div": "<div>" * 100_000 + "x",
    "deep formatting": "<b><i>" * 50_000 + "x",
    "deep svg": "<svg>" * 50_000 + "x",
    "deep list": "<ul><li>" * 3_000 + "x",
    "deep table": "<table><tr><td>" * 350 + "x",
    "open comments": "<!--" * 100_000,
    "open scripts": "<script>" * 100_000,
    "labels of one": "<input id=x>" + "<label for=x>abc</label>" * 1_500,
    "labels of each": "".join(f"<label for=i{n}>L</label><input id=i{n} name=n>" for n in range(1_500)),
    "a chain of names": "".join(f'<a id=l{n} href=x aria-labelledby="l{n + 1} l{n + 2}">x</a>' for n in range(1_500)),
    "a name of all": f'<a href=x aria-labelledby="{" ".join(f"l{n}" for n in range(5_000))}">x</a>'
    + "".join(f"<b id=l{n}>x</b>" for n in range(5_000)),
    "buttons in buttons": "<div role=button>" * 400 + "x " * 6_000,
    "fields in one label": "<label>" * 400 + "<input>" * 2_000,
    "spans of cells": "<table>" + ("<tr>" + "<td colspan=1000 rowspan=60000>x" * 10) * 250,
    "blanks": "<p>" + " " * 3_000_000 + "x",
    "a long word": "<p>" + "x" * 3_000_000,
    "line ends": "<p>" + "a<br>" * 5_000,
    "wide list": "<ul>" + "<li>x" * 5_000,
    "options": "<form><select name=s>" + "<option>x" * 2_500 + "</select><button>Go</button></form>",
    "forms in a table": "<table>" + "<form><tr><td><input name=a></form>" * 1_000,
    "assignments": "<script>" + "a = " * 100_000 + '{"a":' * 50_000 + "</script>",
    "brackets": "<script>a=" + "[" * 1_000_000 + "</script>",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_page_is_read_in_time(name: str) -> None:
    page = page_of(LARGE[name])
    begun = time.process_time()
    read_all(page)
    assert time.process_time() - begun < SECONDS


def test_deep_nesting_keeps_its_text_and_is_as_deep_as_in_browsers() -> None:
    page = page_of("<div>" * 20_000 + "<p>x</p>" + "</div>" * 20_000 + "<h1>After</h1>")
    assert page.lines == ["x", "After"]
    assert len(page.css("div")) == 500
    assert page.heading("After").one.parent == page.css("body").one


def test_too_many_characters_and_siblings_are_refused_with_what_to_do() -> None:
    with pytest.raises(WebError, match=r"read `\.source`") as caught:
        _ = page_of("x" * (32 << 20) + "y").text
    assert caught.value.reason == "html"
    wide = page_of("<ul>" + "<li>x" * 6_000)
    with pytest.raises(WebError, match="take an index"):
        wide.css("li:nth-child(2n)")
    assert len(wide.css("li")[::2]) == 3_000


def read_all(page: WebPage) -> None:
    for read in READS:
        with contextlib.suppress(WebError):
            read(page)


def mutated(source: bytes, chance: random.Random) -> bytes:
    """A page with a few parts cut, doubled, moved, and put in."""
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.randrange(len(source) + 1) for _ in range(2))
        end = min(end, at + chance.choice((1, 5, 40, 400)))
        match chance.randrange(5):
            case 0:
                source = source[:at] + source[end:]
            case 1:
                source = source[:end] + source[at:end] * chance.choice((1, 3, 30)) + source[end:]
            case 2:
                source = source[:at] + bytes(chance.randrange(256) for _ in range(chance.randint(1, 8))) + source[end:]
            case 3:
                source = source[:at] + chance.choice(BROKEN) + source[at:]
            case _:
                source = source[at:end] + source[:at] + source[end:]
    return source


BROKEN = [
    b"<", b"</", b"<!--", b"-->", b"<![CDATA[", b"<table>", b"</table>", b"<form>", b"</form>", b"<select>", b"<svg>",
    b"<math>", b"<template>", b"</body>", b"<frameset>", b"<plaintext>", b"<base href='//x:y/'>", b"&#x110000;", b"\0",
    b'<a href="http://[">', b"<input type=image form=f list=d>", b'<b aria-labelledby="selfy" id=selfy role=button>',
    b"<meta charset=utf-16>", b"\xff\xfe", b'<td colspan="99999999999" rowspan=-1>', b"<script>a={",
]  # fmt: skip


def read_mutations(count: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        part = chance.randrange(len(ODD) - 1_500)
        read_all(page_of(mutated(ODD[part : part + 1_500], chance)))


def test_mutated_pages_are_read_or_refused() -> None:
    read_mutations(100, seed=1)


@pytest.mark.soak
def test_twenty_thousand_mutated_pages_are_read_or_refused() -> None:
    read_mutations(20_000, seed=2)
