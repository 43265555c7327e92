import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.task.redaction import Redactor, secret_names

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda s: s.strip() == s and not s.isalpha()
)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_replaced_in_every_encoding(secret: str, before: str, after: str) -> None:
    redactor = Redactor({"password": secret}, {"password"})
    for spelled in (secret, quote(secret, safe=""), json.dumps(secret)):
        assert secret not in redactor.text(before + spelled + after)
        assert quote(secret, safe="") not in redactor.text(spelled)


def test_secrets_are_replaced_in_nested_values_and_keys() -> None:
    redactor = Redactor({"pin": 4711, "user": "ada"}, {"pin"})
    assert redactor.data({"a": ["x4711", 4711, True], "4711": "ada"}) == {
        "a": ["x[secret:pin]", "[secret:pin]", True],
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
