"""Evidence of a run: the content of its page and a record of its requests. Every run collects it, so it is cheap."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.http_login import split_userinfo
from sandbox.inside.next_controls import NEXT_CONTROLS
from sandbox.inside.outline import OUTLINE
from sandbox.inside.screenshot import stop_loading, take_screenshot
from sandbox.paging import stated_totals

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from sandbox.inside.recorder import RunRecorder

Ask = Callable[["Page", str], Awaitable[Any]]

_TEXT_LIMIT = 3_000
_MAX_URL = 1 << 16
_MAX_TITLE = 1_000
_PAGE_TIMEOUT = 3.0
_SIGNATURES = 100

_READ_SIGNS = """() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
  const off = (e) => e.disabled || e.closest('[aria-disabled=true], [inert], fieldset:disabled')
    || /(^|[\\s_-])disabled($|[\\s_-])/i.test(e.className + ' ' + (e.parentElement ? e.parentElement.className : ''));
  const plain = (s) => (s || '').replace(/\\s+/g, ' ').trim();
  // the link with the number after that of the page which is shown
  const pages = [];
  for (const e of document.querySelectorAll('a, button')) {
    const words = plain(e.textContent);
    if (!/^\\d{1,4}$/.test(words) || !shown(e) || off(e)) continue;
    const target = (e.getAttribute('href') || '') + (e.getAttribute('onclick') || '');
    if (!/page/i.test(target) && !e.closest('nav, [class*=pag i], [id*=pag i], [aria-label*=pag i]')) continue;
    const alone = e.parentElement && e.parentElement.childElementCount === 1;
    const before = e.previousElementSibling || (alone ? e.parentElement.previousElementSibling : null);
    if (!before || plain(before.textContent) !== String(Number(words) - 1)) continue;
    const links = before.matches('a[href], button') || before.querySelector('a[href], button');
    const current = '[aria-current], .active, .current, .selected';
    if (!links || before.matches(current) || before.querySelector(current)) pages.push(words);
  }
  const passwords = [...document.querySelectorAll('input[type=password]')].filter(shown);
  const service = new RegExp('recaptcha/(api2|enterprise)/(bframe|anchor(?!.*size=invisible))|hcaptcha\\.com'
    + '|challenges\\.cloudflare\\.com|captcha-delivery\\.com|arkoselabs\\.com|geetest\\.com');
  const challenge = [...document.querySelectorAll('iframe')].some((e) => service.test(e.src) && shown(e));
  const code = [...document.querySelectorAll('input')].some((e) => shown(e) && (
    /one-time-code/.test(e.autocomplete) || e.name === 'code'
    || /otp|mfa|2fa|one-?time|passcode|two-?factor/i.test(e.name + ' ' + e.id)
    || /(verification|auth|login|security)[-_]?code/i.test(e.name + ' ' + e.id)));
  const alerts = new Set();
  const say = (e, text) => {
    const said = plain(text);
    if (alerts.size < 3 && said && said.length <= 200 && shown(e)) alerts.add(said);
  };
  const telling = '[role=alert], [aria-live=assertive], .error, .errors, .error-message, .errorlist, .field-error,'
    + ' .invalid-feedback, .alert-danger, .alert-error';
  for (const e of document.querySelectorAll(telling)) if (!e.querySelector(telling)) say(e, e.innerText);
  const pointed = ['aria-errormessage', 'aria-describedby'];
  for (const e of document.querySelectorAll('[aria-invalid=true]'))
    for (const id of pointed.flatMap((name) => (e.getAttribute(name) || '').split(' '))) {
      const message = id && document.getElementById(id);
      if (message) say(message, message.innerText);
    }
  for (const e of document.querySelectorAll(':user-invalid'))
    if (e.validationMessage) say(e, `${e.name || e.id || e.localName}: ${e.validationMessage}`);
  return {
    code, alerts: [...alerts],
    url: location.href, title: document.title, text: (document.body ? document.body.innerText : '').slice(0, 20000),
    next: (NEXT_CONTROLS)(), pages: pages.slice(0, 5),
    password: passwords.length > 0, filled: passwords.some((e) => e.value !== ''),
    challenge,
  };
}""".replace("NEXT_CONTROLS", NEXT_CONTROLS)
# A whole page, or an element that any locator matches, is no message that there is nothing.
_MESSAGE = """e => {
  const said = (e.innerText || e.alt || e.getAttribute('aria-label') || '').trim();
  const short = e !== document.documentElement && e !== document.body && said !== '' && said.length <= 300;
  return short && e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0 ? said : null;
}"""
READ_PAGE = f"() => ({{...({_READ_SIGNS})(), ...({OUTLINE})()}})"


async def collect_evidence(
    page: Page | None, recorder: RunRecorder, ask: Ask, empty: Iterable[tuple[str, Locator]], *, screenshot: bool
) -> dict[str, Any]:
    """Return the worker's part of `Evidence`, as JSON.

    Args:
        page: The page that is shown, if any.
        recorder: The record of the run.
        ask: Evaluates a script in a page.
        empty: The elements by which the automation found that there is nothing, with their names.
        screenshot: Take a screenshot.
    """
    seen: dict[str, Any] = {"url": split_userinfo(page.url)[0] if page else ""}
    pending = recorder.pending_document
    if page is not None and not recorder.crashed:
        if pending is not None and screenshot:
            await or_none(stop_loading(page))  # a page that still waits for the next document answers nothing
        seen |= await or_none(ask(page, READ_PAGE)) or {}
    text = seen.get("text", "")
    said = [(name, await or_none(locator.first.evaluate(_MESSAGE))) for name, locator in empty]
    return {
        "url": seen["url"][:_MAX_URL],
        "title": seen.get("title", "")[:_MAX_TITLE],
        "text": text[:_TEXT_LIMIT],
        "status": recorder.documents[-1][1] if recorder.documents else None,
        "documents": list(recorder.documents),
        "retry_after": recorder.retry_after,
        "turned_away": list(recorder.turned_away.items()),
        "pending_document": pending,
        "answers": list(recorder.answers),
        "images": recorder.images,
        "password_field": seen.get("password", False),
        "code_field": seen.get("code", False),
        "code_sent": recorder.logins.code_sent,
        "password_filled": recorder.logins.password_given or seen.get("filled", False),
        "challenge": seen.get("challenge", False),
        "next_controls": seen.get("next", []),
        "next_pages": seen.get("pages", []),
        "counts": stated_totals(text),
        "landmarks": seen.get("landmarks", []),
        "groups": seen.get("groups", []),
        "state_changing": recorder.state_changing,
        "logins": recorder.login_requests,
        "agreements": recorder.agreements[:_SIGNATURES],
        "background": recorder.background,
        "own_signatures": recorder.own_signatures[:_SIGNATURES],
        "change_signatures": recorder.change_signatures[:_SIGNATURES],
        "empty": [(name, message is not None) for name, message in said],
        "alerts": seen.get("alerts", []),
        "messages": [message for _, message in said if message is not None],
        "failed_origins": list(recorder.failed_origins),
        "failed_document": recorder.failed_document,
        "http_login": recorder.challenges.state,
        **(await take_screenshot(page) if screenshot and page and not recorder.crashed else {}),
    }


async def or_none(call: Any) -> Any:
    """Return a page's answer, or None if it gives none in time: evidence is what can be had, and never fails a run."""
    from playwright.async_api import Error

    try:
        return await asyncio.wait_for(call, _PAGE_TIMEOUT)
    except (Error, TimeoutError):
        return None


async def locators(page: Page, name: str, refs: Sequence[str]) -> dict[str, str]:
    """Return each ref of the last snapshot as a durable locator in Python, or as "error: …".

    Args:
        page: The page.
        name: The page's name in that Python.
        refs: The refs.
    """
    from playwright.async_api import Error

    async def locator(ref: str) -> str:
        try:
            return f"{name}.{await asyncio.wait_for(page.get_by_ref(ref).normalize(), _PAGE_TIMEOUT)}"
        except (Error, TimeoutError) as error:
            reason = str(error).strip().splitlines() or ["no such element"]
            return f"error: {ref} is not on the page as it was last looked at ({reason[0][:200]})"

    return dict(zip(refs, await asyncio.gather(*map(locator, refs)), strict=True))
