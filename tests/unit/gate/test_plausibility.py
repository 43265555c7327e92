"""A candidate's output against what the model saw, the page, and the last good output."""

from typing import Any

import pytest

from engine.contract import Observed, PreviousOutput, compact
from engine.gate.plausibility import (
    contradictions,
    doubts,
    early_reads,
    empty_fields,
    failed_requests,
    none_let_through,
    odd_rows,
    placeholders,
    repeated,
    replaced_files,
    same_values,
    unlike,
    unread_fields,
    unseen,
)
from engine.gate.vocabulary import RequestWords
from sandbox import Evidence
from sandbox.page_map import PageMap
from sandbox.read_evidence import StaleRead

ROWS: list[dict[str, Any]] = [
    {"name": f"Shop {c}", "price": 10.0 + n, "since": f"202{n}-01-01"} for n, c in enumerate("ABCDEF")
]


def run_of(output: Any, **page: Any) -> Observed:
    return Observed(output, Evidence(**page))


def past(rows: list[dict[str, Any]], **how: Any) -> PreviousOutput:
    return PreviousOutput({}, 1, (len(rows), len(rows)), compact(rows), "", **how)


def test_no_rows_need_the_sites_word() -> None:
    assert [d for d in doubts(run_of([])) if "task.empty" in d]
    assert list(doubts(run_of([], empty=(("p", True),)))) == []


def test_no_rows_are_right_but_told_where_code_let_none_of_them_through() -> None:
    filtered = run_of([], examined=(12, None))
    assert list(doubts(filtered)) == []
    assert "none of the 12 rows" in str(none_let_through(filtered))
    assert none_let_through(run_of([], empty=(("p", True),))) is None
    assert none_let_through(run_of(ROWS, examined=(12, None))) is None


def test_an_error_message_is_no_result() -> None:
    assert [d for d in doubts(run_of({"error": "Timeout 3000ms exceeded."})) if "raise instead" in d]
    assert [d for d in doubts(run_of("Something went wrong")) if "raise instead" in d]
    assert list(doubts(run_of(ROWS))) == []


def test_values_that_nobody_saw() -> None:
    code = "async def run(page, parameters, task): ..."
    assert "none of its values" in str(unseen(run_of(ROWS), ["- text: Something else"], code))
    assert unseen(run_of(ROWS), ["- row", "- cell:  shop  C "], code) is None
    assert unseen(run_of(ROWS, text="All shops\nShop C"), [], code) is None, "the run's own last page"
    assert unseen(run_of(ROWS, output_read=True), [], code) is None, "read on any page of the run"
    assert unseen(run_of(ROWS[:1]), [], code) is None, "too few to tell"
    assert unseen(run_of([{"summary": f"It is about {n}"} for n in range(5)]), [], code + "task.ask") is None


def test_fields_that_are_the_same_in_all_rows_are_told() -> None:
    doubled = [{"name": f"{n}.50", "price": n + 0.5, "town": "York"} for n in range(10, 15)]
    assert "'name' and 'price' have the same value in each of the 5 rows" in str(list(same_values(run_of(doubled))))
    assert list(same_values(run_of(doubled[:2]))) == []
    assert list(same_values(run_of([{"town": "York", "county": "York", "n": n} for n in range(5)]))) == []
    assert list(same_values(run_of(ROWS))) == []


def test_head_and_foot_among_the_rows_are_told() -> None:
    rows = [{"name": f"Shop {c}", "price": f"£{n}.50"} for n, c in enumerate("ABCDEF", 3)]
    head, foot = {"name": "Name", "price": "Price"}, {"name": "Sum", "price": "£36.00"}
    assert "is it the head" in "".join(odd_rows(run_of([head, *rows])))
    assert "is it the foot" in "".join(odd_rows(run_of([*rows, foot])))
    assert list(odd_rows(run_of(rows))) == []
    assert list(odd_rows(run_of([{"n": 0} for _ in range(8)]))) == []


@pytest.mark.parametrize(
    ("url", "status", "told"),
    [
        ("https://shop.example/more", 500, True),
        ("https://shop.example/more", 0, True),
        ("https://shop.example/more", 404, False),
        ("https://shop.example/analytics", 500, False),
        ("https://ads.example/more", 500, False),
    ],
)
def test_request_of_the_page_that_the_site_did_not_answer_is_told(url: str, status: int, *, told: bool) -> None:
    page = PageMap("page", "https://shop.example/list", failed=((url, status),))
    assert (failed_requests(run_of(ROWS, maps=(page,))) is not None) is told


def test_texts_that_an_act_did_not_change_are_told() -> None:
    stale = StaleRead("tr", 'click internal:role=tab[name="Closed"i]', 9)
    assert "it read 9 texts again ('tr')" in "".join(early_reads(run_of(ROWS, stale=(stale,))))
    assert list(early_reads(run_of(ROWS))) == []


def test_with_other_parameters_the_fields_are_of_the_same_kind() -> None:
    other = [row | {"since": row["name"]} for row in ROWS]
    assert unlike(run_of(ROWS), run_of(other)) == [
        "$[*].since: with the task's own parameters values like a date, with these values like a text"
    ]
    assert unlike(run_of(ROWS), run_of([row | {"price": 99.5} for row in ROWS])) == []


def test_a_repair_that_contradicts_the_last_good_output() -> None:
    wrong = [row | {"price": row["price"] * 2} for row in ROWS]
    said = contradictions(past(ROWS), run_of(wrong), [])
    assert len(said) == 1
    assert "'price' differs from the last good output in 6 of the 6 rows" in said[0]
    new = {"name": "New", "price": 1.0, "since": "2020-01-01"}
    assert contradictions(past(ROWS), run_of([*ROWS[1:], new]), []) == []
    cosmetic = [row | {"name": row["name"].upper()} for row in ROWS]
    assert contradictions(past(cosmetic), run_of(ROWS), []) == []


def test_the_page_bears_changed_data_out() -> None:
    doubled = [row | {"price": row["price"] * 2} for row in ROWS]
    shown = " ".join(str(row["price"]) for row in doubled)
    assert contradictions(past([r | {"price": r["price"] + 0.5} for r in ROWS]), run_of(doubled), [shown]) == []
    assert contradictions(past(ROWS, changed={"price": 0.9}), run_of(doubled), []) == [], "it always changes"
    others = [{"name": f"Inn {c}", "price": 1.0, "since": "2020-01-01"} for c in "ABCDEF"]
    assert contradictions(past(ROWS), run_of(others), []) != []
    assert contradictions(past(ROWS), run_of(others), [" ".join(row["name"] for row in others)]) == []


def test_a_single_thing_is_compared_with_itself() -> None:
    old, new = {"title": "Hammer", "price": 5.0}, {"title": "Hammer", "price": 7.0}
    assert contradictions(past([old]), run_of(new), []) == [
        "'price' differs from the last good output: it was 5.0 and is 7.0; where the data did change, show that (find"
        " it with look, or print it with python) and write again; else read them from where they are"
    ]
    assert contradictions(past([old]), run_of(new), ["now only 7.0"]) == []


def saved(name: str = "countries.csv", **changed: Any) -> dict[str, Any]:
    file = {"name": name, "content_type": "text/csv", "size": 5328, "sha256": "0" * 64, "path": f"/runs/1/{name}"}
    return file | changed


def test_a_saved_file_is_compared_by_its_content_not_by_the_run_that_saved_it() -> None:
    before, again = past([saved()]), run_of(saved(path="/runs/2/countries.csv"))
    assert contradictions(before, again, []) == []
    assert replaced_files(before, again) == []
    changed = run_of(saved(size=5112, sha256="1" * 64))
    assert contradictions(before, changed, []) == [], "the site's file changed: no fault of the code"
    assert "5,328 bytes and is of 5,112 bytes" in str(replaced_files(before, changed))
    assert "content_type" in str(contradictions(before, run_of(saved(content_type="text/html")), []))


def test_of_many_saved_files_those_of_one_name_are_compared() -> None:
    files = [saved(f"part-{n}.csv", sha256=str(n) * 64) for n in range(5)]
    moved = [file | {"path": file["path"].replace("/1/", "/2/")} for file in reversed(files)]
    assert replaced_files(past(files), run_of(moved)) == []
    assert contradictions(past(files), run_of(moved), []) == []
    assert len(replaced_files(past(files), run_of([*moved[1:], moved[0] | {"size": 1, "sha256": "x"}]))) == 1


def test_rows_given_twice_are_told() -> None:
    assert "2 of the 8 rows" in str(list(repeated(run_of([*ROWS, *ROWS[:2]]))))
    tickets = [{"no": n, "state": state} for state in ("open", "closed") for n in range(6)]
    assert "6 rows of state = " in str(list(repeated(run_of(tickets))))
    right = [{"no": n, "state": "open" if n < 6 else "closed"} for n in range(12)]
    assert list(repeated(run_of(right))) == []
    assert list(repeated(run_of(ROWS))) == []


def test_pictures_that_are_not_loaded_yet_are_told() -> None:
    shop = [{"name": f"Chair {n}", "picture": f"/p/{n}.jpg" if n < 3 else "/blank.gif"} for n in range(14)]
    assert "11 of the 14 rows have the same picture, '/blank.gif'" in str(list(placeholders(run_of(shop))))
    assert list(placeholders(run_of([row | {"picture": f"/p/{n}.jpg"} for n, row in enumerate(shop)]))) == []
    assert list(placeholders(run_of([row | {"picture": "/p/one.jpg"} for row in shop]))) == []


def test_fields_that_are_never_read_are_told() -> None:
    blank = [row | {"price": None} for row in ROWS]
    assert "'price' has no value" in str(list(empty_fields(run_of(blank))))
    assert "'price' has no value in either" in str(unread_fields(run_of(blank), run_of(blank[:2]), RequestWords()))
    same = [row | {"price": "5.99"} for row in ROWS]
    assert "'price' is '5.99' in all 12 rows" in str(unread_fields(run_of(same), run_of(same), RequestWords()))
    assert unread_fields(run_of(same), run_of(ROWS), RequestWords()) == []
    euros = [row | {"currency": "EUR", "new": True} for row in ROWS]
    assert unread_fields(run_of(euros), run_of(euros), RequestWords()) == []
    own = Observed(same, Evidence(), parameters={"price": "5.99"})
    assert unread_fields(own, own, RequestWords()) == []


def test_field_that_is_rightly_the_same_in_all_rows_is_no_question() -> None:
    towns = ("Ashby", "Corran", "Harrow", "Penfield", "Tresco", "Upton")
    rows = [{"town": town, "level": "Regional"} for town in towns]
    each = "\n".join(f"{town}\tRegional" for town in towns)
    once = "Regional offices\n" + "\n".join(towns)

    def told(text: str, *seen: str) -> list[str]:
        return unread_fields(Observed(rows, Evidence(text=text)), Observed(rows, Evidence()), RequestWords(), seen)

    assert told(each) == []
    assert told("", f"the model printed {rows}") == []
    assert "is it read from each row?" in str(told(once)), "of the heading, perhaps"
    assert "is it read from each row?" in str(told(""))
    marks = [{"town": town, "kind": "A"} for town in towns]
    cells = Evidence(text="\n".join(f"{town}\tA" for town in towns))
    assert unread_fields(Observed(marks, cells), Observed(marks, cells), RequestWords()) == []


def test_a_saved_file_in_a_field_is_compared_like_one_alone() -> None:
    before = past([{"year": 2024, "scan": saved()}])
    assert contradictions(before, run_of({"year": 2024, "scan": saved(path="/runs/2/countries.csv")}), []) == []
    changed = run_of({"year": 2024, "scan": saved(size=5112, sha256="1" * 64)})
    assert contradictions(before, changed, []) == []
    assert "5,112 bytes" in str(replaced_files(before, changed))
    page = run_of({"year": 2024, "scan": saved(content_type="text/html")})
    assert "'scan.content_type' differs" in str(contradictions(before, page, []))
