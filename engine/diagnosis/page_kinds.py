"""Recognition of pages in place of the content: bot walls, paywalls, logins and error pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sandbox import Evidence


_BOT_WALL = re.compile(
    r"verify (?:that )?you(?:'| a)re (?:a )?human|are you a robot|i(?:'| a)m not a robot|(?:complete|solve) the captcha"
    r"|unusual traffic|checking your browser|prove (?:that )?you are (?:a )?human|automated (?:access|requests)"
    r"|enable javascript and cookies to continue|review the security of your connection|(?:human|bot) verification"
    r"|ich bin kein roboter|je ne suis pas un robot|no soy un robot",
    re.IGNORECASE,
)
_BOT_TITLE = re.compile(
    r"^just a moment(?:\.\.\.|…)?$|attention required! \| cloudflare|access to this page has been denied"
    r"|^pardon our interruption|^robot check$|^ddos[- ](?:guard|protection)"
    r"|^(?:security|human) (?:check|verification)$",
    re.IGNORECASE,
)
_MAINTENANCE = re.compile(
    r"(?:down for|under|scheduled) maintenance|we(?:'ll| will| are) be? ?(?:right )?back (?:soon|shortly|in)"
    r"|temporarily unavailable",
    re.IGNORECASE,
)
_RATE_LIMIT = re.compile(
    r"too many requests|rate[- ]limit(?:ed| (?:exceeded|reached))|exceeded (?:the|your|our) (?:request|rate)"
    r"|sending requests too (?:fast|quickly|often)"
    r"|zu viele anfragen|trop de requêtes|demasiadas (?:solicitudes|peticiones)",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"something went wrong|internal (?:server )?error|unexpected error|service unavailable|bad gateway"
    r"|an error (?:has )?occurred",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"subscribe (?:now )?to (?:continue|read|unlock)|(?:subscribers|members) only|for (?:subscribers|members) only"
    r"|(?:start your (?:free )?trial|become a (?:member|subscriber)) to (?:continue|read)",
    re.IGNORECASE,
)
_SESSION_ENDED = re.compile(
    r"session (?:has |was )?(?:expired|ended|timed out|closed)|(?:signed|logged) (?:you )?out (?:after|because|due)",
    re.IGNORECASE,
)
_SESSION = re.compile(
    rf"{_SESSION_ENDED.pattern}|(?:sign|log) in (?:again )?to continue|please (?:sign|log) in", re.IGNORECASE
)
_EXPIRED_QUERY = re.compile(r"expired|time[-_]?(?:d[-_]?)?out|session[-_]?(?:ended|over)", re.IGNORECASE)
_CODE_REFUSED = re.compile(
    r"\b(?:code|token|otp|pin)\b.*\b(?:used|already|invalid|not|wrong|incorrect|expired|next|again|ungültig|falsch)\b"
    r"|\b(?:used|invalid|wrong|incorrect|expired|ungültiger|falscher)\b.*\b(?:code|token|otp|pin)\b",
    re.IGNORECASE,
)
_LOGIN_TITLE = re.compile(r"\b(?:log|sign)[ -]?in\b|\blogin\b|\banmelden\b|\bse connecter\b", re.IGNORECASE)
# The words of a path, not parts of others: /authors, /sessions/12/cancel and /plugin are no logins.
_LOGIN_PATH = re.compile(
    r"(?:^|[/_.-])(?:log[-_]?[io]n|sign[-_]?[io]n|auth|authenticate|authentication|oauth2?|sso|sessions?/new|session"
    r"|anmelden|connexion|inloggen|acceso)(?:$|[/_.-])",
    re.IGNORECASE,
)
_LOGIN_TASK = re.compile(
    r"\b(?:log|sign)(?:ged|ned)?[ -]?(?:in|on)\b|\blogin\b|\bpassword\b|\bcredentials\b", re.IGNORECASE
)
_SHORT_PAGE = 1500  # characters; content that mentions such words is longer


def is_bot_wall(page: Evidence) -> bool:
    """Return True for a page that asks for proof that a person is there."""
    if _BOT_TITLE.search(page.title) or (page.challenge and len(page.text) < _SHORT_PAGE):
        return True
    short = len(page.text) < _SHORT_PAGE or page.status in (403, 429, 503)
    return short and _BOT_WALL.search(_words(page)) is not None


def is_paywall(page: Evidence) -> bool:
    """Return True for a page that shows its content to subscribers only."""
    return page.status == 402 or (len(page.text) < 2 * _SHORT_PAGE and _PAYWALL.search(_words(page)) is not None)


def is_login(page: Evidence) -> bool:
    """Return True for a login page, as opposed to a page of content with a login form."""
    if not page.password_field:
        return False
    asks = _LOGIN_TITLE.search(page.title) or _LOGIN_PATH.search(urlsplit(page.url).path) or session_expired(page)
    return bool(asks) or len(page.text) < _SHORT_PAGE


def led_to_login(page: Evidence) -> bool:
    """Return True for a login page to which the site itself led from another address, or after a session expired."""
    first = page.documents[0][0] if page.documents else page.url
    elsewhere = urlsplit(first).path != urlsplit(page.url).path
    return is_login(page) and (elsewhere or session_expired(page) or page.status in (401, 403))


def refused_code(page: Evidence) -> str | None:
    """Return what a page says that did not take a one-time code, maybe nothing; None where it took it."""
    said = next((line.strip() for line in page.text.splitlines() if _CODE_REFUSED.search(line)), "")[:200]
    if page.code_sent and (page.code_field or (page.password_field and said)):
        return said
    return None


def session_expired(page: Evidence) -> bool:
    """Return True for a page that says that the session has expired."""
    return _SESSION.search(_words(page)) is not None


def says_maintenance(page: Evidence, *, in_title: bool = False) -> bool:
    """Return True for a page that says that the site is down for maintenance.

    Args:
        in_title: Only its title counts."""
    return _says(page, _MAINTENANCE, in_title)


def is_rate_limit(page: Evidence, *, in_title: bool = False) -> bool:
    """Return True for a page that says that too many requests were sent, whatever its status.

    Args:
        in_title: Only its title counts."""
    return _says(page, _RATE_LIMIT, in_title)


def login_ended(page: Evidence) -> bool:
    """Return True for the login page to which the site led after a login that had worked.

    It says so, by its words or its address, or pages that are no part of a login came in between.
    """
    url = urlsplit(page.url)
    if _SESSION_ENDED.search(_words(page)) or _EXPIRED_QUERY.search(url.query):
        return True
    shown = [urlsplit(where).path for where, status in page.documents if status < 300]
    if url.path not in shown:
        return False
    return any(path != url.path and not _LOGIN_PATH.search(path) for path in shown[shown.index(url.path) :])


def says_error(page: Evidence, *, in_title: bool = False) -> bool:
    """Return True for an error page by its words, whatever its status.

    Args:
        in_title: Only its title counts."""
    return _says(page, _ERROR, in_title)


def mentions_login(task: str) -> bool:
    """Return True for a task whose words say that a login is part of it.

    >>> mentions_login("Log in and list the orders"), mentions_login("List the blogs in print")
    (True, False)
    """
    return _LOGIN_TASK.search(task) is not None


def _says(page: Evidence, words: re.Pattern[str], in_title: bool) -> bool:
    if in_title:
        return words.search(page.title) is not None and len(page.text) < _SHORT_PAGE
    return len(page.text) < _SHORT_PAGE and words.search(_words(page)) is not None


def _words(page: Evidence) -> str:
    return f"{page.title}\n{page.text}"
