"""The record of a job's requests by ``web``, and the guard over them. Both are exact: the host sends the requests.

The rules are those of a browser's run; see `sandbox.inside.logins` and `sandbox.inside.write_guard`. There they look
at what runs in their own process. Here nothing in the jail can forge what they see: a request is judged, recorded and
then sent by the same lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from sandbox.http_methods import SAFE
from sandbox.inside.logins import LoginDetector
from sandbox.inside.sent_request import SentRequest
from sandbox.inside.signatures import signature
from sandbox.inside.write_guard import may_change
from sandbox.results import Evidence, HttpLoginState
from sandbox.retry_after import asks_to_wait
from sandbox.workers.refusals import Refusal
from sandbox.workers.web_rules import WebRules

_MOST_RECORDS = 1_000
_MOST_SIGNATURES = 100
_MOST_TURNED_AWAY = 100
_PAGES = ("text/html", "application/xhtml+xml")


class WebTraffic:
    """The requests of one job.

    Args:
        rules: What they are judged by.

    Attributes:
        held: The first request that was held, as its method and its URL without the query.
        closed: Why no request that may change something is sent any more; empty while they are.
    """

    def __init__(self, rules: WebRules) -> None:
        self.held: str | None = None
        self.closed = ""
        self._rules = rules
        self._logins = LoginDetector()
        self._logins.note_parameters(rules.parameters)
        self._sent: deque[tuple[str, str, str, bool]] = deque(maxlen=_MOST_RECORDS)
        self._documents: deque[tuple[str, int]] = deque(maxlen=20)
        self._answers: deque[tuple[str, int]] = deque(maxlen=20)
        self._turned_away: dict[str, int] = {}
        self._retry_after: str | None = None
        self._main_refused: str | None = None
        self._http_login: HttpLoginState = ""

    def admit(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Judge and record a request that is about to be sent.

        Raises:
            Refusal: It is held, or not sent any more; it was not recorded.
        """
        if method in SAFE:
            self._logins.note_act()
            return
        content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
        request = SentRequest(method, url, body, content_type, own=True)
        self._logins.note_act()
        login = self._logins.is_login(request)
        place, kind = "".join(request.place), signature(request)
        if self.closed:
            raise Refusal("PermissionError", f"{method} {place} is not sent: {self.closed}")
        if self._rules.hold_changes and not login and may_change(request) and kind not in self._rules.harmless:
            self.held = self.held or f"{method} {place}"
        if self.held is not None:
            raise Refusal("WriteBlocked", self.held)
        self._sent.append((method, place, kind, login))

    def note_answer(self, url: str, status: int, headers: Sequence[tuple[str, str]], *, with_login: bool) -> None:
        """Record the head of an answer.

        Args:
            with_login: The request carried credentials of HTTP authentication.
        """
        given = {name.lower(): value for name, value in headers}
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        is_page = kind in _PAGES or (not kind and "location" in given)
        (self._documents if is_page else self._answers).append((url, status))
        self._note_wait(url, status, given.get("retry-after"))
        self._main_refused = None
        if status == 401 and "www-authenticate" in given:
            self._http_login = "refused" if with_login else "asked"
        elif with_login and status < 400:
            self._http_login = "given"

    def _note_wait(self, url: str, status: int, after: str | None) -> None:
        """Record if an address is to be asked for later; one that was served since is forgotten."""
        if asks_to_wait(status, after):
            if len(self._turned_away) < _MOST_TURNED_AWAY:
                self._turned_away[url] = status
        elif status < 400:
            self._turned_away.pop(url, None)
        self._retry_after = after or (self._retry_after if self._turned_away else None)

    def note_failure(self, reason: str) -> None:
        """Record a request that got no answer."""
        self._main_refused = reason

    def added_to(self, evidence: Evidence, *, alone: bool) -> Evidence:
        """Return the evidence of a run with its requests by ``web``.

        Args:
            evidence: What the worker tells.
            alone: The run had no browser: the requests are all that there were, whatever the worker tells.
        """
        changing = [(method, place) for method, place, _, _ in self._sent]
        logins = [(method, place) for method, place, _, login in self._sent if login]
        known = self._rules.harmless
        background = [(method, place) for method, place, kind, login in self._sent if not login and kind in known]
        kinds = dict.fromkeys(kind for _, _, kind, login in self._sent if not login and kind not in known)
        turned_away = tuple((url.partition("?")[0], status) for url, status in self._turned_away.items())
        if not alone:
            return replace(
                evidence,
                state_changing=(*evidence.state_changing, *changing),
                logins=(*evidence.logins, *logins),
                background=(*evidence.background, *background),
                change_signatures=(*evidence.change_signatures, *list(kinds)[:_MOST_SIGNATURES]),
                answers=(*evidence.answers, *self._documents, *self._answers),
                turned_away=(*evidence.turned_away, *turned_away),
                retry_after=self._retry_after if turned_away else evidence.retry_after,
            )
        last = self._documents or self._answers
        return replace(
            evidence,
            url=evidence.url or (last[-1][0] if last else ""),
            status=last[-1][1] if last else None,
            documents=tuple(self._documents),
            answers=tuple(self._answers),
            turned_away=turned_away,
            retry_after=self._retry_after,
            main_refused=self._main_refused,
            state_changing=tuple(changing),
            logins=tuple(logins),
            background=tuple(background),
            own_signatures=(),  # no script of the site ran: what a worker tells here would pass the guard of later runs
            change_signatures=tuple(kinds)[:_MOST_SIGNATURES],
            code_sent=self._logins.code_sent,
            password_filled=bool(logins),
            http_login=self._http_login,
        )
