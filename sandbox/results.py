"""What the sandbox hands back: plain data, safe to keep. What comes from a page is untrusted text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass


ErrorKind = Literal["script", "timeout", "navigation", "crash", "rehearsal", "gate", "ask", "held"]


@dataclass(frozen=True)
class Automation:
    """Python code to run in the sandbox: ``async def run(page, parameters, task)``.

    Args:
        code: The source.
        resources: Data files that the code reads through ``task.resource(name)``.
        name: The file name that tracebacks show.
    """

    code: str
    resources: Mapping[str, bytes] = field(default_factory=dict)
    name: str = "automation.py"


@dataclass(frozen=True)
class ScriptError:
    """Why an automation failed.

    Args:
        type: Name of the exception's class.
        message: Its text, shortened.
        traceback: The automation's own lines, innermost last.
        line: Line number of the innermost of them.
        kind: ``timeout``: Playwright waited in vain. ``navigation``: a page could not be loaded (``net::ERR_…``).
            ``crash``: the browser or its page crashed. ``rehearsal``: stopped before an irreversible action, as the
            host asked. ``gate``: the host refused that action. ``ask``: the host refused to answer. Else ``script``.
    """

    type: str
    message: str
    traceback: str = ""
    line: int | None = None
    kind: ErrorKind = "script"


@dataclass(frozen=True)
class Evidence:
    """What the page itself says at the end of a run, and what the run did on the network. Untrusted.

    Args:
        url: Address of the page.
        title: Its title.
        text: The first 3,000 characters of its visible text.
        status: HTTP status of the last main document.
        documents: ``(url, status)`` of the last twenty main documents.
        retry_after: Retry-After header of the last main document, or of the last request of the code's own.
        pending_document: A main document that was asked for and has not been answered.
        answers: ``(url, status)`` of the last twenty requests that the code made without the page.
        password_field: A password input is visible now.
        password_filled: The automation typed into one during the run.
        challenge: A visible frame of a known CAPTCHA service.
        next_controls: Names of visible, enabled controls by which the site says "there is more".
        counts: ``(text, number)`` where the page states a total: "47 results", "Showing 1-10 of 47".
        landmarks: Its visible main parts: "main", "navigation: Pages", "table: Name, Town".
        groups: ``(elements, number)`` of the longest runs of like elements that are visible: ("tr in tbody", 25).
        state_changing: ``(method, url)`` of requests other than GET, HEAD and OPTIONS; without query.
        logins: Those of ``state_changing`` that log in: they carry the password that was just given, or continue such
            a request. See `sandbox.inside.logins` for the rule.
        hosts: ``host:port`` that were reached.
        refused: ``(host:port, reason)`` that were not: "dns" ("dns: …" where another try may help), "refused",
            "timeout", "tls" or "policy: …".
        empty: ``(locator, whether it shows a short message)`` of each ``task.empty``.
        messages: What those show.
        main_refused: That reason, if the last main document was among them.
        screenshot: PNG, when the run failed or when it was asked for.
        legible: What the screenshot may show, values of input fields included; None where it is not known.
    """

    url: str = ""
    title: str = ""
    text: str = ""
    status: int | None = None
    documents: tuple[tuple[str, int], ...] = ()
    retry_after: str | None = None
    pending_document: str | None = None
    answers: tuple[tuple[str, int], ...] = ()
    password_field: bool = False
    password_filled: bool = False
    challenge: bool = False
    next_controls: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    state_changing: tuple[tuple[str, str], ...] = ()
    logins: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    empty: tuple[tuple[str, bool], ...] = ()
    main_refused: str | None = None
    messages: tuple[str, ...] = ()
    landmarks: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()
    screenshot: bytes | None = field(default=None, repr=False)
    legible: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Execution:
    """What one `Session.execute` did: its output (bounded), its error, and where the page is now."""

    ok: bool
    output: str
    error: ScriptError | None
    url: str
    title: str
    seconds: float


@dataclass(frozen=True)
class PageSnapshot:
    """What the active page shows.

    Args:
        url: Address.
        title: Title.
        aria: Playwright's accessibility snapshot, with refs.
        hints: ``(ref, text)``: what that snapshot omits, such as the full title of a truncated text.
    """

    url: str
    title: str
    aria: str
    hints: tuple[tuple[str, str], ...] = ()
