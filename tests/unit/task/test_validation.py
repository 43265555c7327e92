import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import AnyUrl, BaseModel, HttpUrl

from engine import InvalidRequest, Limits
from engine.task import origins, validation


def build(**changed: Any) -> Any:
    arguments: dict[str, Any] = {
        "task": "list the entries", "start_url": None, "parameters": None, "output_schema": None, "reuse_key": None,
        "model": None, "ai": "auto", "timeout": None, "budget_usd": None, "secrets": (), "allow_hosts": (),
        "limits": Limits(),
    }  # fmt: skip
    return validation.build(arguments.pop("task") if "task" not in changed else changed.pop("task"), **{
        k: v for k, v in {**arguments, **changed}.items() if k != "task"
    })  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", " "),
        ("start_url", "ftp://example.com"),
        ("start_url", "example.com"),
        ("start_url", "file:///etc/passwd"),
        ("start_url", "http://"),
        ("start_url", "http://a b/"),
        ("parameters", {"a": {1, 2}}),
        ("parameters", {"a": float("nan")}),
        ("parameters", {1: "a"}),
        ("parameters", {"a": [{"b": {1: 2}}]}),
        ("parameters", {"a": {1: 2, "1": 3}}),
        ("parameters", {"a": Decimal("1.1")}),
        ("parameters", {"a": b"x"}),
        ("parameters", {"a": 10**5000}),
        ("parameters", {"a": "\ud800"}),
        ("parameters", {"a": AnyUrl}),
        ("parameters", ["a"]),
        ("reuse_key", ""),
        ("reuse_key", "k" * 1001),
        ("ai", "sometimes"),
        ("timeout", -1),
        ("timeout", 0),
        ("timeout", float("inf")),
        ("timeout", "60"),
        ("budget_usd", -0.01),
        ("budget_usd", float("nan")),
        ("secrets", ["nobody"]),
        ("secrets", "password"),
        ("secrets", 3),
        ("start_url", Path("/tmp")),
        ("allow_hosts", ["ftp://intranet"]),
        ("allow_hosts", ["http://intranet/path"]),
    ],
)
def test_a_malformed_argument_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(**{field: value})
    assert caught.value.details["field"] == field


class Size(StrEnum):
    LARGE = "L"


class Order(BaseModel):
    size: Size


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (Size.LARGE, "L"),
        (Path("a/b"), "a/b"),
        (HttpUrl("https://example.com/x"), "https://example.com/x"),
        (MappingProxyType({"a": (1, True, None)}), {"a": [1, True, None]}),
    ],
)
def test_parameters_with_a_plain_form_get_it(value: object, kept: object) -> None:
    stored = build(parameters={"a": value}).parameters
    assert stored == {"a": kept}
    assert json.loads(json.dumps(stored)) == stored


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"b": {1, 2}}], "parameters['a'][0]['b'] is a set, which JSON has no form for; give a list"),
        (
            Order(size=Size.LARGE),
            "parameters['a'] is a Order, which JSON has no form for; give its model_dump(mode='json')",
        ),
        ({"b": {7: "x"}}, "parameters['a']['b'] has the key 7, which is no string"),
    ],
)
def test_refused_parameter_is_named_by_its_place(value: object, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(parameters={"a": value})
    assert said in caught.value.message


def test_task_longer_than_a_model_reads_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="task has 100,001 characters, at most 100,000 are read"):
        build(task="x" * 100_001)


def test_start_url_may_be_a_url_of_pydantic() -> None:
    assert build(start_url=HttpUrl("http://127.0.0.1:9/x")).start_url == "http://127.0.0.1:9/x"


def test_a_missing_reuse_key_is_generated() -> None:
    keys = {build().reuse_key for _ in range(20)}
    assert len(keys) == 20
    assert all(k.startswith("wtr_") and len(k) == 25 for k in keys)


def test_parameters_are_copied_with_their_nulls() -> None:
    given = {"a": {"b": None, "c": [1, None]}}
    request = build(parameters=given)
    given["a"]["b"] = 1  # type: ignore[assignment]  # what the caller does later is no concern of the request
    assert request.parameters == {"a": {"b": None, "c": [1, None]}}


def test_only_the_exact_origin_of_the_start_url_may_be_private() -> None:
    assert origins.start_origin("http://127.0.0.1:8000/x?y#z") == ("http://127.0.0.1:8000",)
    assert origins.start_origin("https://user:pw@intranet/x") == ("https://intranet:443",)
    assert origins.start_origin("http://[::1]:81/") == ("http://[::1]:81",)
    assert origins.start_origin(None) == ()


def test_timeout_and_budget_of_a_request_override_the_engine() -> None:
    limits = build(timeout=5, budget_usd=0, limits=Limits(turns=3)).limits
    assert (limits.timeout, limits.budget_usd, limits.turns) == (5, 0, 3)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"task": "a\ud800"}, "task"),
        ({"start_url": "http://a/\ud800"}, "start_url"),
        ({"reuse_key": "\ud800"}, "reuse_key"),
        ({"parameters": {"a": ["\ud800"]}}, "parameters"),
        ({"parameters": {"a": json.loads("[" * 95 + "]" * 95)}}, "parameters"),
        ({"allow_hosts": "intranet"}, "allow_hosts"),
        ({"allow_hosts": [5]}, "allow_hosts"),
        ({"parameters": {"a": 1}, "secrets": "a"}, "secrets"),
    ],
)
def test_values_that_cannot_be_stored_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(**changed)
    assert caught.value.details["field"] == field


def test_user_and_password_of_the_start_url_are_taken_out_of_it() -> None:
    request = build(start_url="https://ada:s3same@intranet.test/list", parameters={"q": "a"})
    assert request.start_url == "https://intranet.test/list"
    assert request.http_login == ("ada", "s3same")
    assert request.secrets == {"start_url"}
    assert "s3same" not in request.model_dump_json() + repr(request)


def test_parameter_with_a_password_in_its_url_is_secret() -> None:
    parameters = {"feed": "https://ada:s3same@news.test/", "home": "https://news.test/@ada", "more": ["ftp://u:p@h/"]}
    assert build(parameters=parameters).secrets == {"feed", "more"}


def test_malformed_start_url_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidRequest) as refused:
        build(start_url="ftp://ada:s3same@intranet.test/")
    assert "s3same" not in str(refused.value)


@pytest.mark.parametrize(
    "secret", ["x" * ((64 << 10) + 1), {"a": ["é" * 20_000], "b": "é" * 20_000}, [str(n) for n in range(1001)]]
)
def test_a_secret_that_is_too_long_to_search_for_is_refused(secret: object) -> None:
    with pytest.raises(InvalidRequest, match=r"the secret parameters \['tokens'\] hold") as caught:
        build(parameters={"tokens": secret, "text": "x" * 300_000})
    assert caught.value.details["field"] == "parameters"
    assert build(parameters={"tokens": "x" * (64 << 10), "text": "x" * 300_000}).secrets == {"tokens"}
