"""A report as a page: templates, style and highlighted code in one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.task.formatting import age, clean, count, dollars, seconds

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_DIRECTORY = Path(__file__).with_name("templates")
_MISSING = 'reports need packages that are not installed; run: pip install "webtasks-engine[report]"'


def page(template: str, facts: Mapping[str, Any], *, directory: Path | None = None) -> str:
    """Return a report as HTML.

    Args:
        template: Name of its template.
        facts: What the template shows. All text in it is escaped.
        directory: Further templates, which may extend those of reports.

    Raises:
        EngineError: The packages of the extra ``report`` are not installed.
    """
    return _environment(directory).get_template(template).render(facts)


def script_hash() -> str:
    """Return the reports' script as a Content-Security-Policy names it: no other script may run in a page."""
    digest = hashlib.sha256((_DIRECTORY / "report.js").read_bytes()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def data_url(picture: bytes) -> str:
    """Return a PNG or JPEG picture as an address that holds it."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


@cache
def _environment(directory: Path | None) -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise EngineError(_MISSING) from error
    made = Environment(
        loader=FileSystemLoader([_DIRECTORY, *([directory] if directory else ())]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "age": age, "clean": clean, "dollars": dollars, "json": _json, "seconds": seconds, "python": _python,
        "diff": _diff, "picture": data_url, "shell": shlex.quote, "compact": _compact,
    }  # fmt: skip
    made.globals |= {"count": count, "style": _style(), "script": _text("report.js"), "script_hash": script_hash()}
    return made


def _text(name: str) -> Markup:
    from markupsafe import Markup

    return Markup((_DIRECTORY / name).read_text(encoding="utf-8"))  # noqa: S704  our own file


def _style() -> Markup:
    from markupsafe import Markup
    from pygments.formatters import HtmlFormatter

    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".code")  # type: ignore[no-untyped-call]  # types-pygments has none
        for style in ("default", "github-dark")
    )
    colors = f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    return Markup(colors) + _text("report.css")  # noqa: S704  made by Pygments


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _python(code: str) -> Markup:
    from pygments.lexers.python import PythonLexer

    return _highlighted(code, PythonLexer(stripnl=False))


def _diff(text: str) -> Markup:
    from pygments.lexers.diff import DiffLexer

    return _highlighted(text, DiffLexer(stripnl=False))


def _highlighted(text: str, lexer: Any) -> Markup:
    from markupsafe import Markup
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return Markup(highlight(text, lexer, HtmlFormatter(cssclass="code")))  # noqa: S704  Pygments escapes it
