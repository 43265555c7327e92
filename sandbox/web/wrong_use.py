"""Names of Playwright and of HTTP libraries that `web` does not have, with the ones that it has."""

from __future__ import annotations

import difflib
from typing import NoReturn

from sandbox.web.errors import WrongUse

_RIGHT = {
    "inner_text": "`.text`",
    "text_contents": "`.text_content`",
    "inner_html": "`.html`",
    "get_attribute": '`["href"]`, or `.get("href")`, which gives None where there is none',
    "getAttribute": '`["href"]`, or `.get("href")`',
    "attrs": "`.attributes`",
    "all": "a list already: leave it out",
    "all_inner_texts": "`.texts` of a list",
    "all_text_contents": "`.texts` of a list",
    "count": "`len(…)`",
    "first": "a single element; lists have `.first`",
    "nth": "an index of a list: `…[2]`",
    "filter": '`.having("text")` of a list',
    "locator": "`.css(…)`, `.get_by_role(…)` or `.get_by_text(…)`",
    "query_selector": "`.css(…).first`",
    "query_selector_all": "`.css(…)`",
    "select": "`.css(…)`",
    "select_one": "`.css(…).first`",
    "find": "`.css(…).first`",
    "find_all": "`.css(…)`",
    "xpath": "`.css(…)`, `.closest(…)` and `.parent`",
    "input_value": "`.value`",
    "is_visible": "`not element.hidden`",
    "is_hidden": "`element.hidden`",
    "is_checked": '`"checked" in element`',
    "is_disabled": '`"disabled" in element`',
    "is_enabled": '`"disabled" not in element`',
    "click": "`await web.follow(link)` for links and `await form.submit(…)` for buttons",
    "dblclick": "no scripts: a page that needs them needs a browser, `run(page, parameters, task)`",
    "hover": "no scripts: a page that needs them needs a browser, `run(page, parameters, task)`",
    "press": "`await form.submit(…)`",
    "type": '`await form.submit({"Label": value})`',
    "fill": '`await form.submit({"Label": value})`',
    "check": '`await form.submit({"Label": True})`',
    "uncheck": '`await form.submit({"Label": False})`',
    "select_option": '`await form.submit({"Label": "Option"})`',
    "set_input_files": '`await form.submit({"Label": path})`',
    "evaluate": "no scripts: read `.embedded()`, `.css(…)` and attributes",
    "evaluate_all": "no scripts: loop over the list",
    "eval_on_selector": "no scripts: `.css(…)`",
    "eval_on_selector_all": "no scripts: `.css(…)`",
    "wait_for": "nothing to wait for: a page is complete when it was read",
    "wait_for_selector": "nothing to wait for: a page is complete when it was read",
    "wait_for_load_state": "nothing to wait for: a page is complete when it was read",
    "wait_for_timeout": "nothing to wait for: a page is complete when it was read",
    "wait_for_url": "nothing to wait for: `page.url` is where the answer came from",
    "wait_for_response": "`await web.get(…)` of the address that the page's script asks for",
    "expect_response": "`await web.get(…)` of the address that the page's script asks for",
    "expect_download": "`await task.download(link)`, or `(await web.get(…)).body`",
    "goto": "`page = await web.get(url)`",
    "reload": "`page = await web.get(page.url)`",
    "go_back": "the page that you have: pages stay as they were",
    "content": "`.html`, or `.body` for the bytes",
    "inner_texts": "`.texts`",
    "status_code": "`.status`",
    "ok": "`.status < 400`",
    "raise_for_status": "statuses of 400 and above raise already, but those in `allow=`",
    "frame_locator": "`await web.get(page.css('iframe').one.src)`",
    "request": "`await web.get(…)` and `await web.post(…)`",
    "screenshot": "no pictures: a page that needs them needs a browser, `run(page, parameters, task)`",
    "keyboard": "`await form.submit(…)`",
    "mouse": "no scripts: a page that needs them needs a browser, `run(page, parameters, task)`",
    "context": "`web.cookies`",
    "cookies": "`web.cookies`",
    "put": '`await web.request("PUT", url, json=…)`',
    "patch": '`await web.request("PATCH", url, json=…)`',
    "delete": '`await web.request("DELETE", url)`',
    "head": '`await web.request("HEAD", url)`',
    "fetch": "`await web.request(method, url)`",
    "new_page": "`await web.get(url)`",
    "css_first": "`.css(…).first`",
}


def refuse(name: str, right: str, url: str = "") -> NoReturn:
    """Raise for the use of what `web` does not have.

    Args:
        name: What was used.
        right: What to use instead.
        url: The page's address.

    Raises:
        WrongUse: Always.
    """
    raise WrongUse(f"`web` has no {name!r}: it has {right}", reason="use", url=url)


def refuse_name(owner: object, name: str, url: str = "") -> NoReturn:
    """Raise for a name that an object does not have, and tell what to write instead, or the nearest name it has.

    Args:
        owner: The object.
        name: What was used.
        url: The page's address.

    Raises:
        WrongUse: Always.
    """
    right = _RIGHT.get(name)
    if right is None:
        known = [each for each in dir(type(owner)) if not each.startswith("_")]
        near = difflib.get_close_matches(name, known, 3)
        right = ", ".join(f"`.{each}`" for each in near)
    what = "`web`" if type(owner).__name__ == "Web" else f"a {type(owner).__name__}"
    raise WrongUse(f"{what} has no {name!r}" + (f": it has {right}" if right else ""), reason="use", url=url)
