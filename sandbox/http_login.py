"""User name and password for HTTP authentication: from the userinfo of a URL, or from a run's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

# The last word of a parameter's name: password, api-password, userPwd; user, user-name, loginName, e-mail.
_PASSWORD = re.compile(
    r"(?:password|passwd|passphrase|passwort|pwd|kennwort|mot-?de-?passe|contrasena|contraseña|wachtwoord"
    r"|(?:^|-)(?:pass|clave|senha))$"
)
_USER = re.compile(
    r"(?:^|-)(?:user|user-?(?:name|id)|login(?:-?name)?|account(?:-?name)?|e-?mail(?:-?address)?|benutzer(?:name)?"
    r"|nutzer(?:name)?|utilisateur|usuario|usuário|gebruiker(?:snaam)?|nome-utente|utente)$"
)
_DEEPEST = 5


@dataclass(frozen=True)
class HttpLogin:
    """A user name and a password that answer a challenge of HTTP authentication.

    Args:
        names: The parameters that they come from; empty where a URL holds them.
    """

    user: str
    password: str = field(repr=False)
    names: frozenset[str] = frozenset()


def split_userinfo(url: str) -> tuple[str, HttpLogin | None]:
    """Take user name and password out of a URL; None where it holds none.

    >>> split_userinfo("http://ada:p%40ss@intranet.test:8080/list?of=a@b")
    ('http://intranet.test:8080/list?of=a@b', HttpLogin(user='ada', names=frozenset()))
    >>> split_userinfo("http://intranet.test/@ada")
    ('http://intranet.test/@ada', None)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, None
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    login = HttpLogin(unquote(user), unquote(password)) if userinfo.strip(":") else None
    return parts._replace(netloc=host).geturl(), login


def with_userinfo(url: str, login: HttpLogin | None) -> str:
    """Put user name and password into a URL that holds none.

    >>> with_userinfo("http://intranet.test/", HttpLogin("ada", "p@ss"))
    'http://ada:p%40ss@intranet.test/'
    """
    if login is None:
        return url
    parts = urlsplit(url)
    return parts._replace(
        netloc=f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{parts.netloc}"
    ).geturl()


def login_in(parameters: Mapping[str, Any]) -> HttpLogin | None:
    """Return the user name and the password among a run's parameters, by their names; None unless there is one of each.

    >>> sorted(login_in({"userName": "ada", "password": "x", "dept": "Stores"}).names)
    ['password', 'userName']
    >>> login_in({"account": {"e-mail": "a@b.test", "pwd": "x"}}).user
    'a@b.test'
    >>> login_in({"password": "x"}), login_in({"user": "a", "password": "x", "admin_password": "y"})
    (None, None)
    """
    found = list(_logins(parameters, _DEEPEST))
    return found[0] if len(found) == 1 else None


def _logins(parameters: Mapping[str, Any], levels: int) -> list[HttpLogin]:
    texts = {name: str(v) for name, v in parameters.items() if isinstance(v, (str, int)) and not isinstance(v, bool)}
    passwords = [name for name in texts if _PASSWORD.search(_words(name)) and texts[name]]
    users = [name for name in texts if _USER.search(_words(name)) and texts[name]]
    found = []
    if len(passwords) > 1:
        found = [HttpLogin("", "")] * 2  # nobody knows which
    elif passwords and users:
        user = min(users, key=lambda name: "mail" in _words(name))
        found = [HttpLogin(texts[user], texts[passwords[0]], frozenset({user, passwords[0]}))]
    if levels:
        for name, inner in parameters.items():
            if isinstance(inner, Mapping):
                within = _logins({str(key): value for key, value in inner.items()}, levels - 1)
                found += [HttpLogin(login.user, login.password, frozenset({name})) for login in within]
    return found


def _words(name: str) -> str:
    return re.sub(r"[\s_.]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)).lower().strip("-")
