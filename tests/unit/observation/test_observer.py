"""The page as the model sees it: short, and without losing a control."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from engine.observation.aria import Node
from engine.observation.observer import CAP, Observer
from engine.task.redaction import Redactor
from sandbox.results import PageSnapshot
from tests.unit.observation.test_aria import trees, write

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def snapshot_of(*nodes: Node, url: str = "http://shop.test/list") -> PageSnapshot:
    return PageSnapshot(url, "Shop", "\n".join(line for node in nodes for line in write(node)))


@settings(max_examples=60)
@given(trees)
def test_page_text_appears_in_quotes_only(tree: Node) -> None:
    node = Node("main", ref="e900", children=(Node("button", "Go", ref="e901"), tree))
    snapshot = snapshot_of(node)
    observer = Observer()
    look = observer.first(snapshot)
    assert look == Observer().first(snapshot)
    assert len(look) <= CAP
    refs = {below.ref for below in node.walk()}
    assert set(re.findall(r"\[((?:f\d+)?e\d+)\]", look)) <= refs
    assert all(look.count(f"[{below.ref}]") for below in node.walk() if below.ref and below.is_control)
    assert "Buy" not in QUOTED.sub("", look).split()
    assert observer.again(snapshot) == "Nothing changed; unfold=page shows it whole."


@pytest.mark.parametrize("size", [400, 2_500])
def test_cutting_a_long_look_keeps_totals_and_next_controls(size: int) -> None:
    headings = tuple(
        Node("heading", f"Chapter {chr(97 + i % 26)}{'x' * (i % 50)} " * 3, ("level=2",), f"e{i}") for i in range(size)
    )
    varied = tuple(Node("group", children=(heading,) * (1 + i % 7)) for i, heading in enumerate(headings))
    total, following = Node("text", "Showing 1-20 of 900"), Node("link", "Next", (), "e9999", url="?page=2")
    look = Observer().first(snapshot_of(*varied, total, following))
    assert len(look) <= CAP
    assert "of 900" in look
    assert 'link "Next" [e9999] ?page=2' in look
    assert "⋯" in look


def test_a_next_control_is_shown_amid_many_links() -> None:
    names = [*"abcdefghijklm", "Next page", *"nopqrstuvwxyz"]
    links = tuple(Node("link", name, (), f"e{i}", url=f"/{i}") for i, name in enumerate(names, 10))
    look = Observer().first(snapshot_of(Node("navigation", ref="e1", children=links)))
    assert 'link "Next page" [e23] /23' in look
    assert "[e16]" not in look


def test_a_unique_child_among_many_kinds_is_shown() -> None:
    def row(number: int, *roles: str) -> Node:
        cells = tuple(Node(role, f"{role} {number}") for role in roles)
        return Node("row", ref=f"e{number}", children=(Node("cell", children=cells),))

    kinds = [("img",) * bool(i & 1) + ("code",) + ("math",) * bool(i & 2) + ("meter",) * bool(i & 4) for i in range(8)]
    rows = [row(10 + i, *kinds[i % 8]) for i in range(32)]
    rows.insert(20, row(99, "alert"))
    look = Observer().first(snapshot_of(Node("table", ref="e1", children=tuple(rows))))
    assert 'alert "alert 99"' in look
    assert "more like these in e1" in look


def test_a_clickable_part_of_a_named_control_stays() -> None:
    part = Node("generic", ref="e2", pointer=True, children=(Node("text", "open"),))
    look = Observer().first(snapshot_of(Node("heading", "Card open", ref="e1", children=(part, Node("text", "Card")))))
    assert "click [e2]" in look


def test_find_gives_the_control_around_a_text() -> None:
    inside = (Node("img", "icon", ref="e2"), Node("generic", ref="e3", children=(Node("text", "cross mark"),)))
    found = Observer().find(snapshot_of(Node("button", "Close", ref="e1", children=inside)), "cross mark")
    assert 'button "Close" [e1]' in found


def test_secrets_are_taken_out_of_page_text_only() -> None:
    redactor = Redactor(
        {"role": "button", "ref": "e12", "state": "checked", "pin": "12"}, {"role", "ref", "state", "pin"}
    )
    box = Node("checkbox", "I am button 12, checked", ("checked",), "e12", url="/e12/x?q=12")
    observer = Observer(hide=redactor.texts)
    snapshot = snapshot_of(Node("main", ref="e1", children=(box, Node("button", "Go", ref="e13"))))
    shown = 'checkbox "I am [secret:role] [secret:pin], [secret:state]" [e12] checked'
    look = observer.first(snapshot)
    assert shown in look
    assert "/%5Bsecret:ref%5D/x?q=%5Bsecret:pin%5D" in look
    assert 'button "Go" [e13]' in look
    assert shown in observer.find(snapshot, "secret")
    assert shown in observer.unfold(snapshot, "e12")


@pytest.mark.parametrize(("role", "mark"), [("listitem", "- "), ("generic", "* ")])
def test_only_items_of_a_list_are_marked_as_such(role: str, mark: str) -> None:
    def box(n: int) -> Node:
        inner = (
            Node("heading", f"Name {n}", ("level=2",)),
            Node("list", children=(Node("listitem", children=(Node("text", "x" * 90),)),) * 2),
        )
        return Node(role, ref=f"e{n}", children=inner)

    look = Observer().first(snapshot_of(Node("main", ref="e900", children=tuple(map(box, range(10, 30))))))
    assert [line.strip()[:2] for line in look.split("\n") if "Name 11" in line] == [mark]


def _answered(number: int, value: str = "", error: str = "") -> Node:
    """One part of a questionnaire; Playwright shows a value as the text of its field."""
    values = (Node("text", value),) if value else ()
    field = Node("textbox", f"Answer {number}", ref=f"e{300 + number}", children=values)
    alerts = (Node("alert", ref=f"e{600 + number}", children=(Node("text", error),)),) if error else ()
    held = (
        Node("heading", f"Part {number} of the questionnaire", ("level=2",), f"e{200 + number}"),
        Node("generic", ref=f"e{500 + number}", children=(field, *alerts)),
        Node("button", f"Explain {number}", ref=f"e{400 + number}"),
    )
    return Node("generic", ref=f"e{100 + number}", children=held)


def _questionnaire(*parts: Node, name: str = "Answers", ref: str = "e2") -> PageSnapshot:
    return snapshot_of(Node("main", ref="e1", children=(Node("region", name, ref=ref, children=parts),)))


TYPED = ['~ textbox "Answer 0" [e300] = "x" (was empty)', '~ textbox "Answer 1" [e301] = "y" (was empty)']
_DETAILS, _SAVE = Node("link", "Details", ref="e903", url="/details"), Node("button", "Save", ref="e9")
NOTICE = Node("generic", ref="e900", children=(Node("text", "Not saved yet"), _DETAILS, _SAVE))


@pytest.mark.parametrize("size", [2, 9])
def test_two_changed_fields_are_all_that_a_later_look_shows(size: int) -> None:
    observer = Observer()
    observer.first(_questionnaire(*map(_answered, range(size))))
    rest = map(_answered, range(2, size))
    look = observer.again(_questionnaire(_answered(0, "x"), _answered(1, "y"), *rest))
    assert [line.strip() for line in look.splitlines()[1:]] == TYPED


@pytest.mark.parametrize("size", [4, 9])
def test_two_changed_fields_below_a_name_that_counts_them_do_not_show_the_page_again(size: int) -> None:
    observer = Observer()
    observer.first(_questionnaire(*map(_answered, range(size)), name="Answers (0)"))
    rest = map(_answered, range(2, size))
    now = _questionnaire(_answered(0, "x"), _answered(1, "y"), *rest, name="Answers (2)", ref="e950")
    lines = [line.strip() for line in observer.again(now).splitlines()]
    assert lines[1] == '~ region "Answers (2)" [e950] (was region "Answers (0)" [e2])'
    assert lines[3:] == TYPED


@pytest.mark.parametrize("size", [2, 9])
def test_two_changed_fields_below_a_new_notice_do_not_show_the_page_again(size: int) -> None:
    observer = Observer()
    observer.first(_questionnaire(*map(_answered, range(size))))
    rest = map(_answered, range(2, size))
    look = observer.again(_questionnaire(NOTICE, _answered(0, "x"), _answered(1, "y"), *rest))
    lines = [line.strip() for line in look.splitlines()]
    assert lines[1] == '+ "Not saved yet" link "Details" [e903] /details button "Save" [e9]'
    assert lines[2:] == TYPED


def test_an_error_beside_each_changed_field_is_shown_without_its_surroundings() -> None:
    observer = Observer()
    observer.first(_questionnaire(*map(_answered, range(9))))
    wrong = (_answered(0, "x", "Too short"), _answered(1, "y", "Too long"))
    look = observer.again(_questionnaire(*wrong, *map(_answered, range(2, 9))))
    changes = [line.strip() for line in look.splitlines() if line.startswith(" ")]
    assert changes == [TYPED[0], '+ alert: "Too short"', TYPED[1], '+ alert: "Too long"']


def test_what_stood_in_a_changed_field_is_shown() -> None:
    observer = Observer()
    observer.first(_questionnaire(_answered(0, "x"), _answered(1)))
    look = observer.again(_questionnaire(_answered(0), _answered(1)))
    assert '~ textbox "Answer 0" [e300] (was "x")' in look


def test_a_section_in_the_place_of_another_is_shown_without_its_neighbors() -> None:
    observer = Observer()
    observer.first(_questionnaire(*map(_answered, range(9))))
    look = observer.again(_questionnaire(_answered(20), *map(_answered, range(1, 9))))
    assert '~ h2 "Part 20 of the questionnaire" (was h2 "Part 0 of the questionnaire")' in look
    assert '"Answer 20" [e320]' in look
    assert '"Answer 1"' not in look
