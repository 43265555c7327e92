import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.task.regex_safety import most_steps, repetitions


@pytest.mark.parametrize(
    ("pattern", "count", "nesting"),
    [
        ("", 0, 0),
        ("^[a-z ]+$", 1, 1),
        (r"^\d{4}-\d\d( [a-z ]+)?$", 1, 1),
        ("a{2}b?c{0,99}", 0, 0),
        ("a{100}", 1, 1),
        ("a{,}b{3,}", 2, 1),
        ("a{x}{}{,", 0, 0),
        ("a*?b+?c++d*+", 4, 1),
        ("(a+)+", 2, 2),
        ("((x+)y?)*z", 2, 2),
        ("(?:(?>a+){3})*", 2, 2),
        ("(?=(a+)b)+c", 2, 2),
        ("(?P<n>a+)(?P=n)*", 2, 1),
        ("(x)?(?(1)a+|b)", 1, 1),
    ],
)
def test_repetitions_are_counted_and_their_nesting_measured(pattern: str, count: int, nesting: int) -> None:
    assert repetitions(pattern) == (count, nesting)


@pytest.mark.parametrize(
    "pattern", [r"[(+*]", r"\(a\+\)\*", r"[]+]", r"[^]+]", r"[\]+]", r"\\", r"(?#(a+\)+)", "\\N{PLUS SIGN}"]
)
def test_what_only_looks_like_a_repetition_is_not_counted(pattern: str) -> None:
    assert repetitions(pattern) == (0, 0)


@pytest.mark.parametrize(
    "pattern", ["(foo|bar)+", "(a|ab)*", "(a|a)*", r"(\x61|a)*", "([a]|a)*", r"(\-|-)*", "(a|)*", "(.|x)*", "([^a]|b)*"]
)
def test_alternatives_that_are_repeated_count_as_nested(pattern: str) -> None:
    assert repetitions(pattern) == (2, 2)


@pytest.mark.parametrize("pattern", ["(a|b)+", r"(\d|_)*", r"(\.|-)+", "([a-z_]|-)*", "(ab|ac)*"])
def test_alternatives_of_one_character_are_a_set(pattern: str) -> None:
    assert repetitions(pattern) == (1, 1)


def test_alternatives_that_are_not_repeated_do_not_count() -> None:
    assert repetitions("^(?:foo|bar+)$|baz") == (1, 1)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("(?x) a # (b+)+ \n +", 1),
        ("(?x) a # (b+)+ \\\n c+\n", 0),
        ("(?x: a # b+)\n )+", 1),
        ("(?x)(?-x:#)+ # c+", 1),
        ("# a+", 1),
        ("(?i)# a+", 1),
    ],
)
def test_comments_of_verbose_expressions_do_not_count(pattern: str, count: int) -> None:
    assert repetitions(pattern) == (count, min(count, 1))


@pytest.mark.parametrize("pattern", ["(", "a**", "[z-a]", "(?P<n>a)(?P<n>b)", f"a{{{2**40}}}", "(?<=a+)b"])
def test_an_invalid_expression_is_refused(pattern: str) -> None:
    with pytest.raises(re.error):
        repetitions(pattern)


def test_groups_nested_too_deeply_are_refused() -> None:
    with pytest.raises(re.error):
        repetitions("(" * 5_000 + ")" * 5_000)


PARTS = st.recursive(
    st.sampled_from(["a", r"\d", "[(+]", r"\)", "."]).map(lambda text: (text, 0, 0)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "{2,}", "+?", "*+"])).map(
            lambda p: (f"(?:{p[0][0]}){p[1]}", p[0][1] + 1, p[0][2] + 1)
        ),
        st.tuples(inner, st.sampled_from(["?", "{1,9}"])).map(lambda p: (f"({p[0][0]}){p[1]}", *p[0][1:])),
        st.tuples(inner, inner).map(lambda p: (p[0][0] + p[1][0], p[0][1] + p[1][1], max(p[0][2], p[1][2]))),
    ),
    max_leaves=12,
)


@given(PARTS)
def test_an_expression_is_read_as_it_was_built(part: tuple[str, int, int]) -> None:
    pattern, count, nesting = part
    assert repetitions(pattern) == (count, nesting)


@pytest.mark.parametrize(
    ("pattern", "length", "most"),
    [
        (r"^\d{4}-\d\d-\d\d$", 10, 1),
        (r"^(\d{1,3}\.){3}\d{1,3}$", 15, 768),
        ("^https?://", 200, 2),
        (r"^[^@]+@[^@]+\.[^@]+$", 40, 100_000),
        ("a|b|c", 9, 30),
        ("(?:ab){7}", 1, 14),
    ],
)
def test_ordinary_patterns_are_tried_in_few_ways(pattern: str, length: int, most: int) -> None:
    assert 1 <= most_steps(pattern, length) <= most


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a{0,99}){0,99}$",
        "(a|b)*c",
        "^(a?){40}a{40}$",
        "(.*)(.*)(.*)(.*)(.*)(.*)$",
        "((((){999}){999}){999}){999}",
    ],
)
def test_patterns_that_backtrack_are_tried_in_very_many_ways(pattern: str) -> None:
    assert most_steps(pattern, 100) > 10**9


@given(PARTS)
def test_every_expression_has_a_bound(part: tuple[str, int, int]) -> None:
    assert most_steps(part[0], 30) >= 1
