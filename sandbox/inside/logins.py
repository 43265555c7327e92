"""The rule for which requests of a run log in. It is applied once, where a request is seen; the write guard lets such a
request through, and `Evidence.logins` carries the verdict to the host.

A request is a login by what it carries: the password that was just given, in whatever encoding a form or JSON sends it.
Where the page sends the password hashed or otherwise changed, the first request after the submit of the form that holds
the password counts instead, once. After a login its direct continuation counts, too: a one-time code, or the assertion
that an identity provider has the browser post to the site. What a request is called (its path, an operation's name)
never makes it a login; it can only raise the doubt that it is none.

Threat model: the rule protects a site against mistakes, such as a trial run that sends an order. Hostile code can forge
what this module sees, since it runs in the same process, and so can a hostile page. The jail and its egress proxy
confine such code; nothing that protects the host may depend on this verdict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.http_methods import SAFE
from sandbox.inside.sent_request import LONGEST_BODY, Fields, SentRequest, leaves, words

_Sent = tuple[tuple[str, str], Fields]

_SHORT = 4  # characters; a shorter password may equal any value, so the name of its field must agree
_MOST_TYPED = 4  # texts of one request: organization, user, password, code. A form with more registers or orders

# The last word of a field's name, as in user[password], txtPassword or j_passwd.
_PASSWORD_KEY = re.compile(
    r"(?:password|passwd|passphrase|passwort|pwd|kennwort|mot-?de-?passe|contrasena|contraseña|wachtwoord"
    r"|(?:^|[^a-z])(?:pass|clave|senha))$"
)
_CHOSEN_KEY = re.compile(
    r"(?:^|[^a-z])(?:new|old|current|confirm(?:ation)?|repeat|again|retype|verify)(?![a-oq-z])|(?:pass(?:word)?|pwd)-?\d$"
)
_CODE_KEY = re.compile(
    r"(?:^|[^a-z])(?:otp|totp|mfa|2fa|tfa|one-?time|passcode|two-?factor|(?:verification|auth|login)-?code)(?![a-z])"
)
_TOKEN_KEY = re.compile(
    r"csrf|xsrf|tok(?:en)?(?![a-z])|nonce|authenticity|request-?verification|view-?state|event-?validation|form-?build-?id"
)
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{2,10}[0-9A-Za-z]")
_ASSERTIONS = {"SAMLResponse", "wresult", "id_token"}  # of SAML, WS-Federation and OpenID Connect
OPERATION_KEYS = {"action", "op", "cmd", "command", "do", "operation", "operation-name", "method", "-method"}
_CHANGES = re.compile(
    r"(?<![a-z])(?:delet|remov|destroy|eras|cancel|deactivat|purchas|unsubscrib|subscrib|publish|transfer|withdraw"
    r"|refund|checkout|approv|reject|registration|logout|signout)"
    r"|(?<![a-z])(?:pay|payments?|buy|order|book|reserve|send|upload|register|sign-?up|enroll|join|create|add|edit"
    r"|update|save|change|reset|invite|confirm|vote|comment|reply|close|disable|log-out|sign-out)(?![a-z])"
)
# Collections to which a POST adds. Like the sections of a site, they say nothing in the middle of a path:
# /checkout/account/login.
_COLLECTIONS = re.compile(
    r"(?<![a-z])(?:orders?|bookings?|reservations?|users|accounts|customers|members|profile|comments|reviews|messages"
    r"|posts)(?:/+\d+)?/*$"
)
_SECTIONS = re.compile(r"(?<![a-z])(?:checkout|order|book|register|join)(?=/+[^/])")
_GRAPHQL_OPERATION = re.compile(r"mutation\s*(\w*)[^{]*\{\s*(\w*)")


@dataclass
class _Continuation:
    """The steps that may follow a login and still be part of it.

    Args:
        origin: The login's.
        same_submit: The automation has done nothing since, so what follows is sent by the page itself.
        open: The steps that may still come, each once.
    """

    origin: str
    same_submit: bool
    open: set[str]


class LoginDetector:
    """The judge of which requests of one run log in. The ``note_…`` methods take what the automation does.

    Attributes:
        may_hold_password: A field of a page may hold a password, so submits are worth a look for `note_submit`.
        password_given: A password was typed into a field, or was found in one when its form was submitted.
        code_sent: A request carried a one-time code that was made for the run, or typed into a field for one.
    """

    def __init__(self) -> None:
        self.may_hold_password = False
        self.password_given = False
        self.code_sent = False
        self._secrets: set[str] = set()  # of the run's parameters
        self._fresh: dict[str, set[str]] = {}  # passwords that were given and not sent yet: names of their fields
        self._chosen: set[str] = set()  # passwords that were typed where a new one is chosen
        self._used: dict[str, _Sent] = {}  # passwords that have logged in: by what form
        self._codes: set[str] = set()
        self._issued: dict[str, bool] = {}  # codes that were made for the run, with True where they were sent
        self._texts: set[str] = set()
        self._submitted: set[str] = set()  # the passwords of the form that was submitted by the last act
        self._continuation: _Continuation | None = None

    @property
    def expects_code(self) -> bool:
        """A one-time code may be asked for next."""
        return self._continuation is not None and "code" in self._continuation.open

    @property
    def secrets(self) -> set[str]:
        """The passwords and one-time codes that the run was given, made or typed."""
        return {*self._secrets, *self._fresh, *self._chosen, *self._used, *self._codes, *self._issued}

    def note_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Take the run's parameters: those that are called a password may be sent without being typed."""
        self._secrets = {text for key, text in leaves(parameters) if _is_password_key(key) and text}

    def note_act(self) -> None:
        """Note that the automation clicks, types, presses a key, runs a script or sends a request of its own."""
        self._submitted = set()
        if self._continuation is not None:
            self._continuation.same_submit = False

    def note_text(self, text: str) -> None:
        """Note a text that is typed into a field of any kind."""
        if text:
            self._texts.add(text)

    def note_password(self, password: str, name: str = "", autocomplete: str = "") -> None:
        """Note a password that is typed, or that stands in a field whose form is submitted.

        Args:
            name: The field's name.
            autocomplete: The field's attribute; ``new-password`` says that a password is chosen, not given.
        """
        if not password:
            return
        self.may_hold_password = self.password_given = True
        if "new-password" in autocomplete:
            self._chosen.add(password)
            return
        self._fresh.setdefault(password, set()).add(name)
        self._used.pop(password, None)

    def note_code(self, code: str) -> None:
        """Note what is typed into a field for one-time codes."""
        self._codes.add(code)

    def issue_code(self, code: str) -> None:
        """Note a one-time code that was made from its secret: the request that sends it, once, is part of the login."""
        self._issued.setdefault(code, False)

    def note_submit(self, passwords: Iterable[tuple[str, str, str]]) -> None:
        """Note an act on a control of a form.

        Args:
            passwords: Value, name and ``autocomplete`` of each filled password field of that form.
        """
        for password, name, autocomplete in passwords:
            if password in self._fresh or password not in self._used:
                self.note_password(password, name, autocomplete)
                self._submitted.add(password)

    def is_login(self, request: SentRequest, *, redirected_login: bool = False) -> bool:
        """Judge a request. Call it once for each request, in the order in which they are sent.

        Args:
            redirected_login: It is what a redirect made of a login.
        """
        self.code_sent |= any(text in self._codes or text in self._issued for _, text in request.fields)
        if request.method.upper() != "POST":
            self._pass_by(request)
            return False
        submitted, self._submitted = self._submitted, set()
        carried = self._carried(request)
        new = [password for password in carried if self._is_new(password, request, submitted)]
        if new or (submitted and not carried):
            login = self._is_plain(request, carried)
            if login:
                self._log_in(request, new or list(submitted))
        elif redirected_login:  # with the password that has just been used
            login = self._is_plain(request, carried)
        else:
            login = self._continues(request, carried) and self._is_plain(request, carried)
        if not login and (request.opens_page or request.own):
            self._continuation = None
        return login

    def _pass_by(self, request: SentRequest) -> None:
        """Note a request that is not sent by POST. A form sent by GET changes nothing, but it may be the login."""
        if request.method.upper() not in SAFE:
            self._continuation = None
        elif request.opens_page:
            known = {*self._fresh, *self._secrets}
            carried = [password for password in self._carried(request) if password in known] or list(self._submitted)
            self._submitted = set()
            if carried:
                self._log_in(request, carried)

    def _log_in(self, request: SentRequest, passwords: Iterable[str]) -> None:
        for password in passwords:
            self._fresh.pop(password, None)
            self._used[password] = _sent_form(request)
        self._texts.clear()
        self._codes.clear()
        self.may_hold_password = bool(self._fresh)
        self._continuation = _Continuation(request.place[0], same_submit=not request.own, open={"code", "assertion"})

    def _carried(self, request: SentRequest) -> list[str]:
        """Return the passwords in a request, each as often as it occurs."""
        named = [
            text
            for key, text in request.fields
            if text and (_is_password_key(key) or (key and key in self._fresh.get(text, ())))
        ]
        if named:  # a user name may be the same word
            return named
        known = {each for each in (*self._fresh, *self._chosen, *self._secrets, *self._used) if len(each) >= _SHORT}
        carried = [text for key, text in request.fields if key and text in known]
        # of an encoding that is not known, nothing tells where a value ends
        return carried + [each for key, text in request.fields if not key for each in known if each in text]

    def _is_new(self, password: str, request: SentRequest, submitted: Collection[str]) -> bool:
        """Return True if a password may log in: once, or by the same form again, until it is typed anew."""
        if password in self._fresh:
            return True
        if password in self._used:
            return self._used[password] == _sent_form(request)
        if password in self._secrets or submitted:  # what is submitted may be sent hashed, under the same name
            return True
        # Nobody typed it, its field is only named like one: a first login by the code's own request or script.
        return not self._used and (request.own or self.may_hold_password)

    def _continues(self, request: SentRequest, carried: list[str]) -> bool:
        after = self._continuation
        if after is None:
            return False
        if after.same_submit and any(password in self._used for password in carried):
            return True
        if request.opens_page and any(key in _ASSERTIONS and text for key, text in request.fields):
            step = "assertion"
        elif request.place[0] == after.origin and any(self._is_code(key, text) for key, text in request.fields):
            step = "code"
        else:
            return False
        issued = [text for _, text in request.fields if text in self._issued] if step == "code" else []
        allowed = step in after.open or not all(self._issued[code] for code in issued)
        self._issued.update(dict.fromkeys(issued, True))
        after.open.discard(step)
        return allowed

    def _is_code(self, key: str, text: str) -> bool:
        return bool(text) and (
            text in self._codes or text in self._issued or bool(_CODE_KEY.search(words(key)) and _CODE.fullmatch(text))
        )

    def _is_plain(self, request: SentRequest, carried: list[str]) -> bool:
        """Return True if nothing speaks against a login.

        It carries at most one password, which is given and not chosen, and few other typed texts; no name in it stands
        for a change.
        """
        if len(request.body) > LONGEST_BODY:
            return False
        if len(carried) > 1 or any(p in self._chosen or len(self._fresh.get(p, ())) > 1 for p in carried):
            return False
        for key, text in request.fields:
            name = words(key)
            if text and _CHOSEN_KEY.search(name) and (text in carried or "pass" in name or "pwd" in name):
                return False
        if len({text for _, text in request.fields} & self._texts) > _MOST_TYPED:
            return False
        return not names_change(request)


def names_change(request: SentRequest) -> bool:
    """Return True if a request is called by something that it changes: ``/authors/7/delete``, ``action=pay``."""
    parts = urlsplit(request.url)
    if path_names_change(parts.path) or _COLLECTIONS.search(words(unquote(parts.path))):
        return True
    query = parse_qsl(parts.query)
    # where to go after a login is named in its query: next=/orders
    named = [text for _, text in query if not text.startswith(("/", "http"))]
    named += [text for key, text in request.fields if words(key) in OPERATION_KEYS]
    named += [" ".join(found) for key, text in request.fields if key == "query" for found in operations(text)]
    return any(_CHANGES.search(words(text)) for text in named)


def path_names_change(path: str) -> bool:
    """Return True if a word of a path stands for a change: ``/filters/7/delete``."""
    return _CHANGES.search(_SECTIONS.sub("", words(unquote(path)))) is not None


def operations(query: str) -> list[tuple[str, str]]:
    return _GRAPHQL_OPERATION.findall(query)


def _sent_form(request: SentRequest) -> _Sent:
    """Return what tells a form that was sent: its address and its fields, but for tokens that are new on each page."""
    return request.place, tuple((key, "" if _TOKEN_KEY.search(words(key)) else text) for key, text in request.fields)


def _is_password_key(key: str) -> bool:
    return _PASSWORD_KEY.search(words(key)) is not None
