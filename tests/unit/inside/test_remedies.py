"""Errors of a script, with what to do about them."""

import pytest
from playwright.async_api import Error, Locator

from sandbox.inside.remedies import remedy


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TypeError("'coroutine' object is not iterable"), "`await` is missing"),
        (AttributeError("'coroutine' object has no attribute 'strip'"), "`await` is missing"),
        (TypeError("object str can't be used in 'await' expression"), "leave out `await`"),
        (Error('Page.goto: Cannot navigate to invalid URL "/a"'), "urljoin(task.start_url"),
        (Error("DOM.describeNode: Cannot find context with specified id"), "collect the addresses first"),
        (Error("Execution context was destroyed"), "wait for the new one"),
        (ValueError("anything else"), ""),
    ],
)
def test_an_error_says_what_to_do(error: BaseException, says: str) -> None:
    assert says in remedy(error)
    assert bool(says) == bool(remedy(error))


def test_a_method_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(AttributeError) as raised:
        object.__new__(Locator).all_text()  # type: ignore[attr-defined]  # as small models write it
    assert "all_text_contents" in remedy(raised.value)
