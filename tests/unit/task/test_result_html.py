"""Results as notebooks and terminals show them."""

from datetime import UTC, datetime
from typing import Any

from engine import Cost, FileResult, InlineResult, Preview, StoredFile, TaskError, TaskResult


def result(data: Any = None, **changed: Any) -> TaskResult:
    known: dict[str, Any] = {
        "status": "completed", "outcome": "success", "reuse_key": "shops", "result": InlineResult(data=data),
        "created_at": datetime.now(UTC),
    }  # fmt: skip
    return TaskResult(web_task_id="wt_1", **known | changed)


def test_a_result_is_told_on_one_line() -> None:
    assert repr(result([{"a": 1}] * 3)) == "<TaskResult wt_1 of shops: success, 3 rows>"
    assert str(result([{"a": 1}] * 3)) == "<TaskResult wt_1 of shops: success, 3 rows>"
    paid = result({"a": 1}, model_calls=2, cost=Cost(ai_usd=0.0012))
    assert repr(paid) == "<TaskResult wt_1 of shops: success, 2 model calls, $0.0012>"
    failed = result(
        outcome="failed", result=None, error=TaskError(code="rejected", message="no", details={"reason": "x"})
    )
    assert repr(failed) == "<TaskResult wt_1 of shops: failed (x)>"
    assert repr(result(status="pending", outcome=None, result=None)) == "<TaskResult wt_1 of shops: pending>"


def test_rows_are_a_table_and_text_of_pages_is_escaped() -> None:
    shown = result(
        [{"name": "<script>alert(1)</script>", "price": None, "tags": ["a"]}], warnings=("<i>",)
    )._repr_html_()
    assert "<th" in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>" not in shown
    assert "⚠ &lt;i&gt;" in shown
    assert "[&quot;a&quot;]" in shown


def test_many_rows_are_cut_and_counted() -> None:
    shown = result([{"n": n} for n in range(100)])._repr_html_()
    assert shown.count("<tr>") == 21
    assert "… 80 more rows" in shown


def test_a_large_result_shows_its_beginning_without_reading_the_file() -> None:
    file = StoredFile(
        url="file:///nowhere.json", content_type="application/json", size_bytes=1, expires_at=datetime.now(UTC)
    )
    shown = result(result=FileResult(file=file, preview=Preview(rows=5_000, sample=[{"n": 1}])))
    assert "… 4999 more rows" in shown._repr_html_()
    assert "5000 rows" in repr(shown)


def test_an_output_that_is_no_table_is_json() -> None:
    assert "<pre>{\n &quot;a&quot;: 1\n}</pre>" in result({"a": 1})._repr_html_()
    assert "<th" in result({"rows": [{"a": 1}], "total": 1})._repr_html_()
