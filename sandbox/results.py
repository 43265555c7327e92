"""The values that the sandbox returns: plain data, safe to keep. All text that comes from a page is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from sandbox.kinds import AutomationKind, automation_kind
from sandbox.page_map import PageMap
from sandbox.read_evidence import Ambiguous, Scrolled, Source, StaleRead

BY_PAGE = " (sent by the page)"
"""The end of the message of a ``held`` error, where it was no request of the automation's own."""

ErrorKind = Literal["script", "timeout", "navigation", "crash", "rehearsal", "gate", "ask", "held"]
HttpLoginState = Literal["", "asked", "given", "refused"]


@dataclass(frozen=True)
class Automation:
    """Python code to run in the sandbox: a module with ``async def run(page, parameters, task)``, or ``run(web, …)``.

    Args:
        code: The source.
        resources: Data files by name; the code reads them through ``task.resource(name)``.
        name: The file name that tracebacks show.
    """

    code: str
    resources: Mapping[str, bytes] = field(default_factory=dict)
    name: str = "automation.py"

    @property
    def kind(self) -> AutomationKind:
        """``page`` where it has a browser, ``web`` where it has none."""
        return automation_kind(self.code)


@dataclass(frozen=True)
class ScriptError:
    """The exception that ended an automation.

    Args:
        type: Name of its class.
        message: Its text, shortened.
        traceback: The automation's own lines, innermost last.
        line: Line number of the innermost of them; None where there is none.
        kind: ``timeout``: a wait of Playwright timed out. ``navigation``: a page could not be loaded (``net::ERR_…``).
            ``crash``: the browser or its page crashed. ``rehearsal``: the run stopped before an irreversible action, as
            the host asked. ``gate``: the host refused that action. ``held``: a request that may change something was
            blocked, as the host asked. ``ask``: the host refused to answer a question. ``script``: anything else.
    """

    type: str
    message: str
    traceback: str = ""
    line: int | None = None
    kind: ErrorKind = "script"

    def __str__(self) -> str:
        """Return it in words; the base class of the sandbox's own errors says nothing that the message does not.

        >>> str(ScriptError("KeyError", "'price'")), str(ScriptError("SandboxError", "the site refused it: sold out"))
        ("KeyError: 'price'", 'the site refused it: sold out')
        """
        return self.message if self.type == "SandboxError" else f"{self.type}: {self.message}"

    @property
    def at_start(self) -> bool:
        """True where the start URL could not be opened, so that no line of the automation ran."""
        return self.line is None and not self.traceback and self.message.startswith("Page.goto: ")


@dataclass(frozen=True)
class Picture:
    """A small picture of what the active page's window shows.

    Args:
        image: JPEG image, with the elements covered that hold secrets.
        legible: All text that may be legible on it, values of input fields included; None where that is unknown, and
            where no secrets were named.
        url: URL of the page, where the picture shows the whole page.
        boxes: Left, top, width and height of the texts that were asked for, in their order; None for one that is not
            on the page.
    """

    image: bytes = field(repr=False)
    legible: str | None = field(default=None, repr=False)
    url: str = ""
    boxes: tuple[tuple[int, int, int, int] | None, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """The state of the page at the end of a run, and the run's requests. Untrusted, as it comes out of the jail.

    Args:
        url: URL of the page.
        title: Its title.
        text: The first 3,000 characters of its visible text.
        status: HTTP status of the last main document.
        documents: ``(url, status)`` of the last twenty main documents.
        retry_after: Retry-After header of the last main document, of the automation's last own request, or of the last
            in ``turned_away``.
        turned_away: ``(url, status)`` of the requests by which the scripts of the page that is shown, or the automation
            without a page, were told to come later (429, 503 with Retry-After), and not served since; without query.
        pending_document: URL of a main document that was requested and is not answered yet.
        answers: ``(url, status)`` of the last twenty requests that the automation sent without the page.
        password_field: A password field is visible now.
        password_filled: The automation filled in a password field during the run, or one is filled now.
        code_field: A field for one-time codes is visible now.
        code_sent: A one-time code was sent.
        challenge: A frame of a known CAPTCHA service is visible.
        next_controls: Labels of visible, enabled controls by which the site says that a list goes on.
        next_pages: Numbers of further pages by which the page leads on from the one that is shown.
        counts: ``(text, number)`` of each place where the page states a total: "47 results", "Showing 1-10 of 47".
        landmarks: Its visible main parts: "main", "navigation: Pages", "table: Name, Town".
        groups: ``(elements, number)`` of the largest groups of like elements that are visible: ("tr in tbody", 25).
        state_changing: ``(method, url)`` of requests other than GET, HEAD and OPTIONS; without query.
        logins: Those of ``state_changing`` that log in: they carry the password that was just given, or continue such
            a request. See `sandbox.inside.logins` for the rule.
        background: Those of ``state_changing`` that the site's own code sent with no act of the automation before it,
            or that are of a kind known to be harmless.
        agreements: Labels of the controls by which the automation accepted terms, a license or another agreement.
        own_signatures: The kinds of requests that the site's own code sent so; see `sandbox.inside.signatures`. None
            without a browser, where no such code runs.
        change_signatures: The kinds of ``state_changing`` requests that are neither logins nor background.
        hosts: ``host:port`` of each host that was reached.
        refused: ``(host:port, reason)`` of each that was not: "dns" ("dns: …" where another try may help), "refused",
            "timeout", "tls" or "policy: …".
        failed_origins: Origins of which a page's scripts or data did not come, for whatever reason.
        empty: ``(locator, shows a short message)`` of each ``task.empty``.
        messages: Those messages.
        examined: The number of rows that were handed to ``task.read``, and the total that the code gave; None without.
        http_login: HTTP authentication: ``asked`` for, and none to give; ``given`` and taken; given and ``refused``;
            else empty.
        main_refused: The reason from ``refused``, if the last main document was refused.
        longest_wait: Seconds that the automation waited for the page at one time and not in vain, at most.
        fetched: A script of a page asked for data.
        images: The number of pictures and fonts that pages asked for.
        inputs: A kind and a hash for each thing that the automation gave to the browser: ``url``, ``locator``,
            ``typed``, ``chosen``, ``script``, and ``sent`` for a typed text that a request then carried. Two runs of
            the same code differ in them only by their parameters, or by what the site gave them.
        output_read: A text of the output was in what the automation read, or on the page at the end.
        notices: What the page did on the side, as in `Execution.notices`.
        alerts: What the page says in visible messages: of an error, or on a field that it refuses.
        maps: What the automation read, each page, JSON response and saved file as it was then; the last one last.
        unmapped: The number of times that the automation read something that is in none of the maps.
        ambiguous: Locators that a parameter names and that matched several elements, of which one was taken.
        stale: Texts that were the same before and after an act that should have changed them.
        scrolled: The list before and after it was scrolled to its end, where that was asked for.
        sources: The responses that hold the values which the run returned, where that was asked for; of a session, the
            lines of the page's text.
        picture: The whole page at the end, where boxes were asked for; its top, if it is long.
        screenshot: PNG image, of a run that failed or where one was asked for.
        legible: All text that the screenshot may show, values of input fields included; None where that is unknown.
    """

    url: str = ""
    title: str = ""
    text: str = ""
    status: int | None = None
    documents: tuple[tuple[str, int], ...] = ()
    retry_after: str | None = None
    turned_away: tuple[tuple[str, int], ...] = ()
    pending_document: str | None = None
    answers: tuple[tuple[str, int], ...] = ()
    password_field: bool = False
    password_filled: bool = False
    code_field: bool = False
    code_sent: bool = False
    challenge: bool = False
    next_controls: tuple[str, ...] = ()
    next_pages: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    state_changing: tuple[tuple[str, str], ...] = ()
    logins: tuple[tuple[str, str], ...] = ()
    background: tuple[tuple[str, str], ...] = ()
    agreements: tuple[str, ...] = ()
    own_signatures: tuple[str, ...] = ()
    change_signatures: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    failed_origins: tuple[str, ...] = ()
    empty: tuple[tuple[str, bool], ...] = ()
    main_refused: str | None = None
    http_login: HttpLoginState = ""
    messages: tuple[str, ...] = ()
    examined: tuple[int, int | None] | None = None
    landmarks: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()
    longest_wait: float = 0.0
    fetched: bool = False
    images: int = 0
    inputs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    output_read: bool = False
    notices: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    maps: tuple[PageMap, ...] = field(default=(), repr=False)
    unmapped: int = 0
    ambiguous: tuple[Ambiguous, ...] = ()
    stale: tuple[StaleRead, ...] = ()
    scrolled: Scrolled | None = field(default=None, repr=False)
    sources: tuple[Source, ...] = ()
    picture: Picture | None = None
    screenshot: bytes | None = field(default=None, repr=False)
    legible: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Execution:
    """The result of one `Session.execute`: its output, shortened, its error, and where the page is now.

    Args:
        parts: The length of each printed value in the output.
        notices: What the page did on the side since the last call: a dialog that was dismissed, a download, a pop-up, a
            request of its scripts that failed.
    """

    ok: bool
    output: str
    error: ScriptError | None
    url: str
    title: str
    seconds: float
    parts: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def values(self) -> list[str]:
        """The printed values, which together are the output."""
        ends = list(accumulate(self.parts))
        return [self.output[end - size : end] for end, size in zip(ends, self.parts, strict=True)] or [self.output]


@dataclass(frozen=True)
class PageSnapshot:
    """The content of the active page.

    Args:
        url: Its URL.
        title: Its title.
        aria: Playwright's accessibility snapshot, with refs.
        hints: ``(key, text)`` of what that snapshot omits, such as the full title of a shortened text; see
            `sandbox.inside.hints` for the keys.
    """

    url: str
    title: str
    aria: str
    hints: tuple[tuple[str, str], ...] = ()
