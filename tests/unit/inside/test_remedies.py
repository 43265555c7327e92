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
        (Error("APIRequestContext.get: Invalid URL"), "urljoin(task.start_url"),
        (Error("DOM.describeNode: Cannot find context with specified id"), "collect the addresses first"),
        (Error("Execution context was destroyed"), "wait for the new one"),
        (Error("It looks like you are using Playwright Sync API inside the asyncio loop."), "the page is open already"),
        (RuntimeError("asyncio.run() cannot be called from a running event loop"), "await the coroutine itself"),
        (Error('waiting for locator("aria-ref=e9999")'), "look again"),
        (Error('waiting for locator("e12")'), 'page.get_by_ref("e12"), in python alone'),
        (Error('waiting for locator("[e12]")'), 'page.get_by_ref("e12"), in python alone'),
        (TypeError("'Locator' object is not callable"), "leave out ()"),
        (TypeError("'method' object cannot be interpreted as an integer"), "await locator.count()"),
        (TypeError("what run returned is not JSON: ElementHandle"), "all_inner_texts"),
        (TypeError("what run returned is not JSON: Object of type coroutine"), "`await` is missing"),
        (Error("document.querySelectorAll(...).map is not a function"), "[...document.querySelectorAll"),
        (Error("SyntaxError: Illegal return statement"), "() => document.title"),
        (TypeError("Page.evaluate() takes from 2 to 3 positional arguments but 4 were given"), "pass a list"),
        (SyntaxError("invalid syntax", ("step 1", 1, 3, "I will look")), "'I will look': code is Python alone"),
        (NameError("name 're' is not defined", name="re"), "import re"),
        (NameError("name 'expect' is not defined", name="expect"), "from playwright.async_api import expect"),
        (NameError("name 'browser' is not defined", name="browser"), "page.context.new_page()"),
        (NameError("name 'x' is not defined", name="x"), ""),
        (AttributeError("no attribute", name="category", obj={}), '["category"]'),
        (AttributeError("no attribute", name="parameters", obj=object()), "second argument of run"),
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
