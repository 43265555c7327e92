"""Bulk changes: the same change of many values is not a change of data."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.contract import check, learn
from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of, shops

Rows = list[dict[str, Any]]
_MARKED = ("Café Sørvåg", "Zoë\N{RIGHT SINGLE QUOTATION MARK}s", "Löwe & Söhne", "Łódź")


def wrong(text: str, encoding: str = "latin-1") -> str:
    return text.encode().decode(encoding, "replace")


def with_marks(change: Callable[[str], str] = str) -> Rows:
    return [row | {"name": change(_MARKED[i]) if i < len(_MARKED) else row["name"]} for i, row in enumerate(shops(20))]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_wrong_encoding_is_a_breach_from_the_first_run_on(encoding: str) -> None:
    contract = learn([run_of(with_marks())])
    found = check(contract, run_of(with_marks(lambda name: wrong(name, encoding))))
    assert ("garbled", "structural") in [(b.kind, b.severity) for b in found]
    assert check(contract, run_of(with_marks())) == []


def test_a_single_garbled_value_is_structural_only_if_it_was_right_before(database: Database) -> None:
    past = CleanRuns(database, run_of(with_marks(), {"q": "a"}))
    spoilt = [row | {"name": wrong(row["name"])} if i == 0 else row for i, row in enumerate(with_marks())]
    foreign = [
        row | {"note": "Smørrebrød".encode().decode("latin-1")} if i == 9 else row for i, row in enumerate(shops(20))
    ]
    assert "garbled" in [b.kind for b in past.breaches(run_of(spoilt, {"q": "a"})) if b.structural]
    contract = learn([run_of(shops(20))])
    assert [b.severity for b in check(contract, run_of(foreign)) if b.kind == "garbled"] == ["advisory"]


def test_html_escapes_are_a_breach_where_the_characters_were_there_before(database: Database) -> None:
    signs = [row | {"name": f"{row['name']} & Sons"} if i < 3 else row for i, row in enumerate(shops(20))]
    escaped = [row | {"name": row["name"].replace("&", "&amp;")} for row in signs]
    past = CleanRuns(database, run_of(signs, {"q": "a"}))
    assert "garbled" in [b.kind for b in past.breaches(run_of(escaped, {"q": "a"})) if b.structural]
    assert "garbled" not in [b.kind for b in past.breaches(run_of(signs, {"q": "a"}))]
    always = CleanRuns(database, run_of(escaped, {"q": "b"}))
    assert "garbled" not in [b.kind for b in always.breaches(run_of(escaped, {"q": "b"}))]


def test_rows_are_matched_by_name_rather_than_by_date(database: Database) -> None:
    def dated(year: int) -> Rows:
        return [row | {"added": f"{year}-03-{n + 1:02}"} for n, row in enumerate(shops(20))]

    past = CleanRuns(database, *[run_of(dated(2024), {"q": "a"}) for _ in range(4)])
    assert "changed" in [b.kind for b in past.breaches(run_of(dated(2025), {"q": "a"}))]
    assert past.breaches(run_of(dated(2024), {"q": "a"})) == []


def test_text_that_was_garbled_in_good_runs_is_accepted() -> None:
    garbled = run_of(with_marks(wrong))
    assert check(learn([garbled]), garbled) == []


TEXTS = [
    "« À LA CAFÉ »", "RÉSUMÉ…, so", "“VOILÀ”", "AMANHÃ…, so", "IRMÃ”", "là…”", "é…”", "Ä", "“Ä”", "20 °C",
    "Å\N{EN DASH}Ä", "ÆØÅ", "naïve “so”", "Привет", "日本", "Ελλάδα", "½ €", "ÉTÉ\N{NO-BREAK SPACE}» «",
    "Đà Nẵng", "\N{PILE OF POO}",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_accented_text_is_not_taken_for_garbled(text: str) -> None:
    contract = learn([run_of(shops(20))])
    assert check(contract, run_of(shops(20, note=lambda r: f"{r['note']}: {text}"))) == []


def test_a_varied_field_that_becomes_constant_is_a_breach(database: Database) -> None:
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}))
    assert past.kinds(run_of(shops(20, town="Harrow"), {"q": "a"})) == ["constant"]
    pages = [row | {"town": "Harrow" if i < 12 else "Ashby"} for i, row in enumerate(shops(20))]
    assert past.kinds(run_of(pages, {"q": "a"})) == ["constant"], "each page has its own"
    assert past.kinds(run_of(sorted(shops(20, 20), key=lambda r: r["town"]), {"q": "a"})) == [], "in another order"
    gone = [row for row in shops(100) if row["town"] == "Harrow"]
    more = CleanRuns(database, run_of(shops(100)))
    assert "constant" not in more.kinds(run_of(gone)), "rows that are still there have what they had"
    assert past.kinds(run_of(shops(4, town="Harrow"), {"q": "a"})) != ["constant"], "of few rows it is chance"
    assert past.kinds(run_of(shops(20, town="Harrow"), {"q": "b"})) == [], "of other parameters one run says nothing"


def test_a_constant_parameter_value_is_accepted(database: Database) -> None:
    flags: Rows = [row | {"open": i % 2 > 0} for i, row in enumerate(shops(20))]
    past = CleanRuns(database, *(run_of(flags, {"town": None}) for _ in range(6)))
    assert past.kinds(run_of([row | {"town": "Harrow"} for row in flags], {"town": "harrow"})) == []
    assert past.kinds(run_of([row | {"town": "Harrow"} for row in flags], {"town": "Ashby"})) == ["constant"]


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_a_change_of_case_in_all_rows_is_a_breach(change: Callable[[str], str], database: Database) -> None:
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}))
    assert past.kinds(run_of(shops(20, name=lambda r: change(r["name"])), {"q": "a"})) == ["recased"]
    some: Rows = [row | {"name": row["name"].upper()} if i % 2 else row for i, row in enumerate(shops(20))]
    assert past.kinds(run_of(some, {"q": "a"})) == []


BADGES: dict[str, Callable[[str], str]] = {
    "before": lambda name: f"New {name}", "in brackets": lambda name: f"[Updated] {name}",
    "behind": lambda name: f"{name} (sponsored)", "two words": lambda name: f"Best of {name}",
}  # fmt: skip


@pytest.mark.parametrize("badge", BADGES)
def test_the_same_words_added_to_many_values_are_a_breach(badge: str, database: Database) -> None:
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}))

    def badged(every: int) -> Rows:
        return [
            row | {"name": BADGES[badge](row["name"])} if i % every == 0 else row for i, row in enumerate(shops(20))
        ]

    assert past.kinds(run_of(badged(3), {"q": "a"})) == ["affixed"]
    assert past.kinds(run_of(badged(10), {"q": "a"})) == [], "two of twenty may be news"
    past.add(run_of(badged(10), {"q": "a"}))
    assert past.kinds(run_of(badged(3), {"q": "a"})) == [], "now the words are known"
