from hypothesis import given
from hypothesis import strategies as st

from engine.task.text import collapse, comparable, shorten


@given(st.text())
def test_collapsing_keeps_the_words_and_no_other_white_space(text: str) -> None:
    flat = collapse(text)
    assert flat.split() == text.split()
    assert flat == flat.strip()
    assert all(c == " " or not c.isspace() for c in flat)
    assert "  " not in flat


def test_texts_that_differ_by_case_and_white_space_compare_as_equal() -> None:
    assert comparable(" List\u00a0the\n shops ") == comparable("list the SHOPS")
    assert comparable("list the shops") != comparable("list the shop")


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_is_within_its_limit_and_marked(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
