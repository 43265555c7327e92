"""Visitors of the dashboard: who is logged in, by which API key, and which forms are theirs."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from engine.server.keys import ApiKeyStore

COOKIE = "webtasks_ui"
_SECONDS = 12 * 3600.0
_MOST = 1_000


@dataclass(frozen=True)
class Visitor:
    """A browser that uses the dashboard.

    Args:
        workspace: The workspace that it may see.
        form_token: Stands in each form of the dashboard; a page of another origin does not know it.
        key_id: Id of the API key that it logged in with; None where the server requires none.
    """

    workspace: str
    form_token: str
    key_id: str | None = None


@dataclass
class Visitors:
    """The visitors, in memory: who was logged in logs in again after a restart.

    Args:
        keys: The API keys.
        default_workspace: The workspace where no key is required.
    """

    keys: ApiKeyStore
    default_workspace: str
    _anyone: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _sessions: dict[str, tuple[str, float, str]] = field(default_factory=dict)  # API key, end, form token

    def find(self, request: Request, *, keys_required: bool) -> Visitor | None:
        """Return the visitor who sends a request; None where one has to log in first."""
        if not keys_required:
            return Visitor(self.default_workspace, self._anyone)
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is None or session[1] < time.monotonic():
            return None
        key = self.keys.find(session[0])  # it may have been revoked since
        return None if key is None else Visitor(key.workspace, session[2], key.id)

    def log_in(self, text: str, response: Response, *, secure: bool) -> bool:
        """Let a browser in by an API key; return False where the key is unknown or revoked."""
        if self.keys.find(text) is None:
            return False
        now = time.monotonic()
        self._sessions = {name: found for name, found in self._sessions.items() if found[1] > now}
        while len(self._sessions) >= _MOST:
            del self._sessions[next(iter(self._sessions))]
        name = secrets.token_urlsafe(32)
        self._sessions[name] = (text, now + _SECONDS, secrets.token_urlsafe(24))
        response.set_cookie(
            COOKIE, name, max_age=int(_SECONDS), path="/ui", httponly=True, samesite="strict", secure=secure
        )
        return True

    def log_out(self, request: Request, response: Response) -> None:
        """Forget a browser."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, path="/ui")


def is_own(visitor: Visitor, given: str) -> bool:
    """Return True where a form's token is the visitor's own."""
    return hmac.compare_digest(visitor.form_token.encode(), given.encode("utf-8", "replace"))
