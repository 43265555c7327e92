"""A result as a fragment of HTML, for notebooks: state, cost, warnings, and the output as a table."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.task.formatting import count, dollars
from engine.task.text import shorten

_ROWS = 20
_COLUMNS = 12
_LONGEST = 200  # characters of a cell
_TEXT = 2_000
_STYLE = "border-collapse:collapse;font-size:13px"
_CELL = "padding:2px 8px;border:1px solid #8886;text-align:left;vertical-align:top"


def result_html(result: Any) -> str:
    """Return a ``TaskResult`` as HTML; all text of the task and of pages is escaped."""
    parts = [f"<div><b>{_escape(one_line(result))}</b></div>"]
    if result.error is not None:
        parts.append(f"<div>{_escape(shorten(result.error.message, _TEXT))}</div>")
    parts += [f"<div>⚠ {_escape(shorten(warning, _TEXT))}</div>" for warning in result.warnings]
    output, rows = _shown(result)
    if result.ok:
        parts.append(output_html(output, rows))
    return "\n".join(parts)


def one_line(result: Any) -> str:
    """Return a ``TaskResult``'s state, rows and cost on one line."""
    state = result.status if result.outcome is None else result.outcome
    reason = f" ({result.error.reason})" if result.error is not None else ""
    number = _shown(result)[1]
    rows = f", {count(number, 'row')}" if number is not None else ""
    calls = f", {count(result.model_calls, 'model call')}, {dollars(result.cost.ai_usd)}" if result.model_calls else ""
    key = f" of {result.reuse_key}" if result.reuse_key else ""
    return f"{result.web_task_id}{key}: {state}{reason}{rows}{calls}"


def output_html(output: Any, count: int | None = None) -> str:
    """Return an output as a table, where it is one or holds one, else as JSON.

    Args:
        output: The output, or its beginning.
        count: The number of its rows, where it is a list.

    >>> output_html("<b>")
    '<pre>&quot;&lt;b&gt;&quot;</pre>'
    """
    rows = output if _is_table(output) else next((v for v in _values(output) if _is_table(v)), None)
    if rows is None:
        text = json.dumps(output, ensure_ascii=False, indent=1, default=str)
        return f"<pre>{_escape(shorten(text, _TEXT))}</pre>"
    names = list(dict.fromkeys(name for row in rows[:_ROWS] for name in row))[:_COLUMNS]
    head = "".join(f'<th style="{_CELL}">{_escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_cell(row.get(name))}</td>' for name in names) + "</tr>"
        for row in rows[:_ROWS]
    )
    left = (count if rows is output and count is not None else len(rows)) - len(rows[:_ROWS])
    more = f"<div>… {left} more rows</div>" if left > 0 else ""
    return f'<table style="{_STYLE}"><tr>{head}</tr>{body}</table>{more}'


def _shown(result: Any) -> tuple[Any, int | None]:
    """Return the output, or its beginning where it is in a file, and the number of its rows."""
    match result.result:
        case None:
            return None, None
        case found if found.type == "file":
            return (found.preview.sample, found.preview.rows) if found.preview is not None else (None, None)
        case found:
            return found.data, len(found.data) if isinstance(found.data, list) else None


def _is_table(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _values(output: Any) -> list[Any]:
    return list(output.values()) if isinstance(output, Mapping) else []


def _cell(value: Any) -> str:
    text = (
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    )
    return _escape(shorten(text, _LONGEST))


def _escape(text: object) -> str:
    return html.escape(str(text))
