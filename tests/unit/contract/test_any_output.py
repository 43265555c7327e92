"""Any output beside any page: provenance never fails a run by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract import (
    History,
    Observed,
    check,
    check_signature,
    explain,
    first_run_findings,
    learn,
    learn_signature,
    widen,
    widen_signature,
)
from sandbox import Evidence
from tests.support.maps import Sheet

TEXTS = st.sampled_from(
    ["", "£4.50", "1.234,56", "3 März 2025", "04/03/2025", "99/99/2025", "a\u0005b", "\u0001£9\u0002 £8", "{v}", "12k",
     "٣", "²", "-5", "\u2212 7", "(", "a*b", "no results", "lamps", "x" * 300, "\ud83e\udd89", "[*]", "/p/1?x=%zz", "0"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(allow_nan=True), TEXTS, st.text(max_size=8)
)
OUTPUTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


def page(texts: list[str]) -> Sheet:
    sheet = Sheet("https://a.example/x?y=z").heading(texts[0] if texts else "h").text("; ".join(texts)[:300])
    sheet.table(("A", "£"), [(text, text) for text in texts]).cards([[text, "4"] for text in texts], texts)
    return sheet.choice("select", "Kind", texts[0] if texts else "")


@settings(max_examples=30, deadline=None)
@given(OUTPUTS, OUTPUTS, st.lists(TEXTS, max_size=5), st.dictionaries(TEXTS, SCALARS, max_size=3))
def test_any_output_is_learnt_and_checked(
    output: Any, other: Any, texts: list[str], parameters: dict[str, Any]
) -> None:
    maps = (page(texts).map(),)
    first = Observed(output, Evidence(maps=maps), None, parameters)
    second = Observed(other, Evidence(maps=maps), None, parameters)
    known = widen_signature(learn_signature([first, second], "List (all"), first)
    check_signature(known, second)
    first_run_findings([first, second])
    explain(first, "$")


@pytest.mark.parametrize(
    "value", [10**400, -(10**350), 1.7e308, 5e-324, "9" * 400, "1e999", "9" * 310 + "%", "$" + "9" * 310]
)
def test_number_beyond_what_a_float_holds_is_kept_as_json(value: Any) -> None:
    runs = [
        Observed(
            [{"name": f"n{i}", "value": value, "some": [i, value][i % 2]} for i in range(8)], Evidence(text=str(value))
        )
    ]
    contract = learn(runs)
    assert check(contract, runs[0], History()) == []
    json.dumps(widen(contract, runs[0]), allow_nan=False)
