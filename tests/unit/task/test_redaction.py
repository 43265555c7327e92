import base64
import html
import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.task.redaction import Redactor, secret_names

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda s: s.strip() == s and not s.isalpha() and not s.isdigit()  # words and short numbers: as whole tokens
)


@settings(max_examples=50)
@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_replaced_in_every_encoding(secret: str, before: str, after: str) -> None:
    redactor = Redactor({"password": secret}, {"password"})
    for spelled in (secret, quote(secret, safe=""), json.dumps(secret)):
        assert secret not in redactor.text(before + spelled + after)
        assert quote(secret, safe="") not in redactor.text(spelled)


def test_secrets_are_replaced_in_nested_values_and_keys() -> None:
    redactor = Redactor({"pin": 4711, "user": "ada"}, {"pin"})
    assert redactor.data({"a": ["x-4711", 4711, True], "4711": "ada"}) == {
        "a": ["x-[secret:pin]", "[secret:pin]", True],
        "[secret:pin]": "ada",
    }
    assert redactor.parameters({"pin": 4711, "user": "ada"}) == {"pin": "[secret:pin]", "user": "ada"}


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "userPassword",
        "api_key",
        "API-KEY",
        "apiKey",
        "access_token",
        "login.secret",
        "PIN",
        "password2",
        "newPassword1",
        "userpassword",
        "passwords",
        "privateKey",
        "authorization",
    ],
)
def test_parameters_named_like_secrets_are_secret(name: str) -> None:
    assert secret_names({name: "x"}) == {name}


def test_a_parameter_with_a_secret_inside_is_secret_as_a_whole() -> None:
    parameters = {"login": {"user": "ada", "password": "x"}, "accounts": [{"apiKey": "y"}], "filter": {"city": "z"}}
    assert secret_names(parameters) == {"login", "accounts"}


@pytest.mark.parametrize("name", ["user", "compass", "pins_on_map", "tokenizer", "monkey", "secretary", "keyboard"])
def test_names_that_only_contain_such_letters_are_not_secret(name: str) -> None:
    assert secret_names({name: "x"}) == frozenset()


@pytest.mark.parametrize(
    "spelled",
    [
        "p%40ss!word(1)~'x%20y\"é",  # encodeURIComponent, but for what is not ASCII
        "p%40ss%21word%281%29%7E%27x+y%22%C3%A9",  # a form
        "p@ss!word(1)~%27x%20y%22%c3%a9",  # an address bar
        "p@ss!word(1)~&#39;x y&quot;&#233;",
        "p@ss!word(1)~&#x27;x y&#34;&#xE9;",
        r"p@ss!word(1)~\'x y\"\u00e9",
        r"p@ss!word(1)~'x y\\\"\u00E9",
    ],
)
def test_a_secret_in_mixed_escapes_is_replaced(spelled: str) -> None:
    assert Redactor({"password": "p@ss!word(1)~'x y\"é"}, {"password"}).text(f"a{spelled}b") == "a[secret:password]b"


def _grouped(text: str, between: str) -> str:
    return between.join(text[at : at + 4] for at in range(0, len(text), 4))


TRANSFORMATIONS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda s: quote(s, safe=""),
    "form": quote_plus,
    "every byte": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "html": html.escape,
    "html numbers": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "json": lambda s: json.dumps(s)[1:-1],
    "repr": lambda s: repr(s)[1:-1],
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for addresses": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "basic header": lambda s: "Basic " + base64.b64encode(f"ada:{s}".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex(":").upper(),
    "upper case": str.upper,
    "spaces": lambda s: _grouped(s, " "),
    "dashes": lambda s: _grouped(s, "-"),
    "file name": lambda s: re.sub(r"[^A-Za-z0-9]", "_", s),
}
PASSWORDS = st.text(
    st.sampled_from("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789@!/&'\"%+ :é"), min_size=12, max_size=24
).filter(lambda s: s.strip() == s and sum(c.isascii() and c.isalnum() for c in s) >= max(10, 0.75 * len(s)))


def _left(secret: str, text: str) -> bool:
    """Tell whether the second half of a secret's letters and digits stand in a text."""
    shown = re.sub(r"[\W_]", "", text).casefold()
    core = re.sub(r"[\W_]", "", secret).casefold()
    return core[len(core) // 2 :] in shown


@pytest.mark.parametrize("first", TRANSFORMATIONS)
@settings(deadline=None, max_examples=8, derandomize=True)
@given(secret=PASSWORDS)
@example(secret="4111111111111111")
@example(secret="correct horse battery 9")
def test_a_secret_is_found_after_two_transformations(first: str, secret: str) -> None:
    redactor = Redactor({"password": secret}, {"password"})
    for second, change in TRANSFORMATIONS.items():
        spelled = change(TRANSFORMATIONS[first](secret))
        shown = redactor.text(f"before | {spelled} | after")
        assert "[secret:password]" in shown, (first, second, spelled)
        assert shown.startswith("before | ")
        assert shown.endswith(" | after")
        assert not _left(spelled, shown.removeprefix("before").removesuffix("after")), (first, second, spelled, shown)


def test_a_short_secret_is_replaced_as_a_whole_token_only() -> None:
    redactor = Redactor({"cvv": "123", "user": "tom", "otp": "481516"}, {"cvv", "user", "otp"})
    for kept in ("f1e123", "order 41234", "automation", "/items/1234?page=12", "94815161", "%12%31234"):
        assert redactor.text(kept) == kept
    for kept in ("1,123.00", "123.45 EUR", "€1,123", "$ 5, 123.45", "12.123,45", "1.123 EUR", "at 123,45 €"):
        assert redactor.text(kept) == kept, "a part of an amount is no token"
    for told in ("123", "$123", "123 EUR", "ada,123,27", "12,123,27", "12/123", "/item/123", "1,123", "123,27", "123."):
        assert "[secret:cvv]" in redactor.text(told)
    assert redactor.text("cvv=123&u=TOM, code: 481516.") == "cvv=[secret:cvv]&u=[secret:user], code: [secret:otp]."
    assert redactor.text("%3D123%20 \\n123") == "%3D[secret:cvv]%20 \\n[secret:cvv]"


def test_what_is_redacted_stays_as_it_is() -> None:
    redactor = Redactor({"password": "password", "secret": "secret"}, {"password", "secret"})
    once = redactor.text('type "password" and "secret"')
    assert once == 'type "[secret:password]" and "[secret:secret]"'
    assert redactor.text(once) == once


def test_words_of_the_engines_own_messages_are_not_masked() -> None:
    redactor = Redactor({"password": "automation", "token": "tok-automation-7"}, {"password", "token"})
    said = "write the automation first: 'automation' and tok-automation-7"
    assert redactor.text(said, known={"automation"}) == said.replace("tok-automation-7", "[secret:token]")


def test_texts_are_redacted_one_by_one() -> None:
    redactor = Redactor({"password": "hunter2-and-more"}, {"password"})
    assert redactor.texts(["a hunter2-", "and-more", "", "HUNTER2_AND_MORE.pdf"]) == [
        "a hunter2-", "and-more", "", "[secret:password].pdf",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "secret",
    [
        ("MIIEvQ+/IBADANB'gkq\n" * 3300)[: 64 << 10],
        "a" * (64 << 10),
        {str(n): f"{n:07d}-key" for n in range(1000)},
    ],
    ids=["a key", "one letter", "a thousand"],
)
@pytest.mark.parametrize("text", ["a" * 200_000, "MIIEvQ+/IBADANB'gkq " * 10_000, "a%41 0000001-ke " * 12_000])
def test_long_and_many_secrets_are_searched_in_linear_time(secret: object, text: str) -> None:
    redactor = Redactor({"token": secret}, {"token"})
    started = time.process_time()
    redactor.text(text)
    assert time.process_time() - started < 3.0  # a fraction of a second, but for a busy machine


@pytest.mark.parametrize("number", ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", 340000000000009])
def test_what_looks_like_a_card_number_is_secret(number: object) -> None:
    assert secret_names({"pay_with": number, "n": 4111111111111112, "isbn": "9780306406157"}) == {"pay_with"}
    assert secret_names({"order": {"payment": [number]}}) == {"order"}


@pytest.mark.parametrize("name", ["cvc", "cvv2", "card_number", "cardNumber", "securityCode", "totp_secret"])
def test_parameters_named_like_parts_of_a_card_are_secret(name: str) -> None:
    assert secret_names({name: "x"}) == {name}
