"""Pages for people: what the server is, and its OpenAPI document in readable form. They load nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from starlette.responses import HTMLResponse

from engine.server.descriptions import split

STYLE = Path(__file__).with_name("assets") / "style.css"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
}
_GROUPS = (("Tasks of a workspace", "/web-tasks"), ("Runs", "/api/"), ("The server", "/"))
Schema = Mapping[str, Any]


def front(document: Schema, *, keys_required: bool, tasks_path: str) -> HTMLResponse:
    """Return the page at ``/``."""
    url = document["servers"][0]["url"]
    header = ' -H "x-api-key: KEY"' if keys_required else ""
    example = (
        f"curl {url}{tasks_path}/start{header} \\\n  -H content-type:application/json \\\n"
        '  -d \'{"task": "List the books on the shelf", "startUrl": "https://books.example/", "reuseKey": "shelf"}\''
    )
    needs = "Calls need an API key in the header <code>x-api-key</code>." if keys_required else "No API key is needed."
    return _page(
        "webtasks",
        f"""<h1>webtasks <span class="muted">{escape(document["info"]["version"])}</span></h1>
<p>This server runs web tasks: a model explores a site once and writes Python; every later run replays it.</p>
<p>{needs}</p>
<pre>{escape(example)}</pre>
<table>
<tr><td><a href="/docs">/docs</a></td><td>Every call and every answer</td></tr>
<tr><td><a href="/openapi.json">/openapi.json</a></td><td>The same as an OpenAPI document</td></tr>
<tr><td><a href="/healthz">/healthz</a></td><td>Is the server up?</td></tr>
<tr><td><a href="/metrics">/metrics</a></td><td>Figures for Prometheus</td></tr>
</table>""",
    )


def reference(document: Schema) -> HTMLResponse:
    """Return the OpenAPI document as a page."""
    paths, schemas = document["paths"], document["components"]["schemas"]
    parts = [
        f"<h1>{escape(document['info']['title'])} <span class='muted'>{escape(document['info']['version'])}</span>"
    ]
    parts.append(f"</h1><p>{escape(document['info']['description'])} <a href='/openapi.json'>/openapi.json</a></p>")
    seen: set[str] = set()
    for title, part in _GROUPS:
        parts.append(f"<h2>{title}</h2>")
        for path in [path for path in paths if part in path and path not in seen]:
            seen.add(path)
            parts += [_operation(path, method, each) for method, each in paths[path].items()]
    parts.append("<h2>Objects</h2>")
    parts += [_object(name, schema) for name, schema in schemas.items()]
    return _page("webtasks: every call", "\n".join(parts))


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/assets/style.css"></head>\n'
        f"<body>\n{body}\n</body></html>\n",
        headers=_HEADERS,
    )


def _operation(path: str, method: str, operation: Schema) -> str:
    rows = [
        (each["name"], _type(each["schema"]), "required" if each.get("required") else each["in"],
         each.get("description", ""))
        for each in operation["parameters"]
    ]  # fmt: skip
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = [
        (status, " ".join(_answer_types(answer)), answer["description"])
        for status, answer in operation["responses"].items()
    ]
    key = "<p class='muted'>Needs an API key.</p>" if operation.get("security") else ""
    return (
        f"<details id='{escape(operation['operationId'])}'><summary><span class='method'>{method.upper()}</span>"
        f"<code>{escape(path)}</code> <span class='muted'>{escape(operation['summary'])}</span></summary>{key}"
        + (f"<h3>Parameters</h3>{_table(rows)}" if rows else "")
        + (f"<h3>Body</h3><p>{_type(body)}</p>" if body else "")
        + f"<h3>Answers</h3>{_table(answers)}</details>"
    )


def _answer_types(answer: Schema) -> Iterator[str]:
    for media, content in answer.get("content", {}).items():
        yield _type(content["schema"]) if content["schema"] else f"<code>{escape(media)}</code>"


def _object(name: str, schema: Schema) -> str:
    about, meanings = split(schema.get("description", ""))
    meanings = {to_camel(field): meaning for field, meaning in meanings.items()}
    required = schema.get("required", ())
    rows = [
        (
            field,
            _type(each),
            "required" if field in required else "",
            each.get("description") or meanings.get(field, ""),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    content = _table(rows) if rows else f"<p>{_type(schema)}</p>"
    return f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{escape(about)}</p>{content}"


def _type(schema: Any) -> str:
    """Return a schema's type as HTML; a reference becomes a link."""
    if not isinstance(schema, Mapping) or not schema:
        return "anything"
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[several]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return escape(" or ".join(kind) if isinstance(kind, list) else str(kind)) + (
        f" <span class='muted'>({escape(str(schema['format']))})</span>" if "format" in schema else ""
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows as a table: the first cell is a name, the second HTML, the others are text."""
    made = (
        f"<tr><td><code>{escape(first)}</code></td><td>{second}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, second, *rest in rows
    )
    return f"<table>{''.join(made)}</table>"
