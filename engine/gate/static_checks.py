"""Static checks of a candidate: faults that its source alone shows, each with a reason that the model can act on."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.gate.columns import paired_columns
from engine.gate.hardcoded import baked_origin, baked_parameters
from engine.gate.unawaited import unawaited_calls
from engine.gate.web_positions import positions_of_web
from engine.task.redaction import Redactor
from engine.task.text import shorten
from sandbox.kinds import AutomationKind, automation_kind

ALLOWED_IMPORTS = frozenset(sys.stdlib_module_names) | {"playwright", "sandbox"}
_SIGNATURES = (("page", "parameters", "task"), ("web", "parameters", "task"))
_LONGEST_POLL = 0.5  # seconds
_BINDING = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor, ast.NamedExpr, ast.comprehension)
_SHORT = 6  # characters
_LINE = re.compile(r"line (\d+): ")
_REF = re.compile(r"aria-ref=(?:f\d+)?e\d+")
_MARK = re.compile(r"\[secret:[^\]]*\]")
_WORD = re.compile(rf"(?:^|\s){_MARK.pattern}(?:$|\s)")
_BROAD = frozenset({"Exception", "BaseException", "Error", "playwright.async_api.Error"})
_READING = frozenset({
    "all", "all_headers", "all_inner_texts", "all_text_contents", "already_done", "aria_snapshot", "ask", "attach",
    "body", "bounding_box", "content", "cookies", "count", "download", "element_handle", "element_handles", "empty",
    "eval_on_selector", "eval_on_selector_all", "evaluate", "evaluate_all", "evaluate_handle", "expect_download",
    "expect_navigation", "expect_popup", "expect_response", "get_attribute", "header_value", "headers",
    "inner_html", "inner_text", "input_value", "is_checked", "is_disabled", "is_editable", "is_enabled",
    "is_hidden", "is_visible", "json", "message", "ok", "on", "outcome", "pdf", "query_selector",
    "query_selector_all", "screenshot", "status", "storage_state", "text", "text_content", "title", "url",
    "wait_for", "wait_for_event", "wait_for_function", "wait_for_selector", "wait_for_url",
    # Of `web`
    "embedded", "fields", "href", "lines", "options", "table", "texts",
})  # fmt: skip
_POSITIONAL = (
    re.compile(r":nth-(?:last-)?(?:child|of-type)\(\s*\d"),
    re.compile(r"(?:^|[^\w])(?:xpath=|\.?//|\(//)\S*\[\d+\]"),
    # Not where only the kind of the cell is asked for, by which rows of a head are told from rows of data
    re.compile(
        r"\.(?:cells|children|childNodes)\[\d+\]"
        r"(?!\s*\??\.\s*(?:tagName|nodeName|localName|nodeType|colSpan|rowSpan|matches\b))"
    ),
    re.compile(r">>\s*nth=[1-9]"),
)


def findings(
    code: str,
    parameters: Mapping[str, Any],
    secrets: Collection[str] = (),
    start_url: str | None = None,
    unneeded: Collection[str] = (),
) -> list[str]:
    """Return the reasons why the candidate cannot be accepted; empty where nothing speaks against it.

    Args:
        code: The automation's source.
        parameters: The parameters of the run that explored, whose values must not be baked in.
        secrets: Names of the secret ones, whose values may stand nowhere, not even in a comment.
        start_url: Address at which the page is opened, if it is known.
        unneeded: Names of those that the code need not read.

    >>> findings("def run(page): return page.title()", {})
    ['line 1: define `async def run(page, parameters, task)`; this is not async']
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError) as error:
        return [_does_not_parse(code, error)]
    kind = automation_kind(code)
    found = [
        *_signature(tree),
        *_reads(tree),
        *_imports(tree, kind),
        *_excepts(tree),
        *_sleeps(tree),
        *_loops(tree),
        *(positions_of_web(tree) if kind == "web" else ()),
        *_positions(tree),
        *_refs(tree),
        *unawaited_calls(code),
        *paired_columns(code),
    ]
    found += baked_origin(tree, start_url)
    found += baked_parameters(tree, {n: v for n, v in parameters.items() if n not in secrets}, unneeded)
    found.sort(key=_line)  # each check reads the tree in its own order
    written = [*_comments(code), *_constants(tree, parameters)] if secrets else []
    plain = {name.casefold() for name in parameters}
    for name in sorted(secrets):
        if str(parameters.get(name)).casefold() in plain:
            continue  # a password that is called "password" stands in every login form
        redactor = Redactor(parameters, {name})
        if any(_holds(redactor, text) for text in written):
            found.append(f'the value of the secret parameter {name!r} is in the code; use parameters["{name}"]')
    return found


def _line(finding: str) -> int:
    """Return the line that a finding begins with; 0 for those of the whole file."""
    named = _LINE.match(finding)
    return int(named[1]) if named is not None else 0


def _does_not_parse(code: str, error: Exception) -> str:
    """Return the finding for code that is no Python, with its line."""
    number = getattr(error, "lineno", None)
    lines = code.splitlines()
    quoted = f": {shorten(lines[number - 1].strip(), 120)!r}" if number and number <= len(lines) else ""
    fenced = "; `code` is the bare file, without ``` marks or prose" if "```" in code else ""
    return f"it does not parse: {getattr(error, 'msg', error)} (line {number}{quoted}){fenced}"


def _refs(tree: ast.Module) -> Iterator[str]:
    """Yield a finding for refs of a look: they mean nothing in a later run."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="get_by_ref", lineno=line):
                pass
            case ast.Constant(value=str(text), lineno=line) if _REF.fullmatch(text.strip()):
                pass
            case _:
                continue
        yield f"line {line}: refs work only in `python`; the automation needs durable locators"


def _comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    try:
        return [token.string for token in tokens if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return [code]


def _constants(tree: ast.Module, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the literals of the code but for names of parameters, which may also be somebody's password."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, bool) and node.value not in parameters:
            yield node.value if isinstance(node.value, str) else repr(node.value)


def _holds(redactor: Redactor, text: str) -> bool:
    """Return True where a secret stands in a text; a short one as a word of its own, for it may be part of others."""
    left = redactor.text(text)
    return left != text and (len(text) - len(_MARK.sub("", left)) >= _SHORT or _WORD.search(left) is not None)


def names_irreversible(code: str) -> bool:
    """Return True where code that parses has an action that it calls irreversible.

    >>> names_irreversible("async with task.irreversible('order'): pass"), names_irreversible("# irreversible")
    (True, False)
    """
    return names_attribute(code, "irreversible")


def names_attribute(code: str, name: str) -> bool:
    """Return True where code that parses names an attribute, as ``task.ask`` does ``ask``."""
    return any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(ast.parse(code)))


def _signature(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "run":
            names = tuple(a.arg for a in node.args.args)
            if isinstance(node, ast.FunctionDef):
                yield f"line {node.lineno}: define `async def run(page, parameters, task)`; this is not async"
            elif names not in _SIGNATURES:
                yield (
                    f"line {node.lineno}: run takes {names}; it must take (page, parameters, task), or,"
                    " without a browser, (web, parameters, task)"
                )
            return
    yield "there is no `async def run(page, parameters, task)` at the top level"


def _reads(tree: ast.Module) -> Iterator[str]:
    """Yield a finding where nothing is read of any page or response: such an output cannot come from the site."""
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if not names & _READING and "expect" not in called and not any(name.startswith("to_") for name in names):
        yield (
            "it reads nothing: no text, attribute or response of the site, and no sign on the page that an action"
            " worked (wait_for, expect); read from the page what is returned"
        )


def _imports(tree: ast.Module, kind: AutomationKind) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        else:
            continue
        for name in names:
            top = name.split(".")[0]
            if top not in ALLOWED_IMPORTS or (top == "sandbox" and name not in ("sandbox", "sandbox.toolkit")):
                allowed = "only the standard library, playwright and sandbox.toolkit"
                yield f"line {node.lineno}: import of {name!r}; {allowed}"
            elif top == "playwright" and kind == "web":
                yield f"line {node.lineno}: import of {name!r}; with `web` there is no browser, and no Playwright"


def _excepts(tree: ast.Module) -> Iterator[str]:
    broad = _BROAD | set(_names_of_error(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and _any(node.args, broad):
            yield f"line {node.lineno}: any exception is swallowed; name the one that is expected"
        if not isinstance(node, ast.ExceptHandler):
            continue
        raises = any(isinstance(n, ast.Raise) for n in ast.walk(node))
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type is not None else []
        if node.type is None:
            yield f"line {node.lineno}: bare except; name the exception"
        elif _any(kinds, broad) and not raises:
            yield f"line {node.lineno}: an exception is swallowed; let it rise, or name the one that is expected"
        elif any(_returns_nothing(n) for n in ast.walk(node)) and "task.empty" not in ast.unparse(node):
            yield (
                f"line {node.lineno}: a failure becomes an empty result; let it rise, and where the site says that"
                " there is nothing, point that out with task.empty"
            )


def _any(kinds: Collection[ast.expr], names: Collection[str]) -> bool:
    return any(ast.unparse(kind) in names for kind in kinds)


def _names_of_error(tree: ast.Module) -> Iterator[str]:
    """Yield the code's names for Playwright's Error, which is the base of all that it raises."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("playwright"):
            yield from (alias.asname for alias in node.names if alias.name == "Error" and alias.asname)
            yield from (f"{alias.asname or alias.name}.Error" for alias in node.names if alias.name == "async_api")
        elif isinstance(node, ast.Import):
            named = (alias.asname for alias in node.names if alias.name == "playwright.async_api")
            yield from (f"{name}.Error" for name in named if name)


def _returns_nothing(node: ast.AST) -> bool:
    """Return True for ``return []`` and its like; a function that returns None or a default may have its reasons."""
    return isinstance(node, ast.Return) and isinstance(node.value, (ast.List, ast.Dict)) and not _parts(node.value)


def _parts(node: ast.List | ast.Dict) -> list[Any]:
    return list(node.elts if isinstance(node, ast.List) else node.values)


def _sleeps(tree: ast.Module) -> Iterator[str]:
    known = _numbers(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        per_second = 1000 if called.endswith("wait_for_timeout") else 1
        if per_second == 1 and called not in ("asyncio.sleep", "sleep", "time.sleep"):
            continue
        longest = _longest(node.args[0], known) if node.args else None
        if called == "time.sleep" or longest is None or longest > _LONGEST_POLL * per_second:
            yield (
                f"line {node.lineno}: {ast.unparse(node)} is a fixed wait; wait for what must appear (locator.wait_for,"
                f" expect, wait_for_url), or where nothing shows it, ask again in pauses of at most {_LONGEST_POLL:g} s"
            )


def _numbers(tree: ast.Module) -> dict[str, float]:
    """Return names that are only ever given numbers, with the largest of them."""
    found: dict[str, float] = {}
    unknown: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, _longest(node.value, {})
            if value is not None:
                found[name] = max(value, found.get(name, value))
                continue
        if isinstance(node, _BINDING):
            targets = getattr(node, "targets", None) or [node.target]  # type: ignore[union-attr]  # all others have one
            unknown |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return {name: value for name, value in found.items() if name not in unknown}


def _longest(given: ast.expr, known: Mapping[str, float]) -> float | None:
    """Return the longest wait that an expression can give, None where its source does not show it."""
    match given:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.IfExp():
            ways = [_longest(given.body, known), _longest(given.orelse, known)]
            return None if None in ways else max(way for way in ways if way is not None)
        case ast.Call(func=ast.Name(id="min"), args=args):
            return min((bound for each in args if (bound := _longest(each, known)) is not None), default=None)
        case ast.BinOp(op=ast.Mult() | ast.Add() as how):
            left, right = _longest(given.left, known), _longest(given.right, known)
            if left is None or right is None:
                return None
            return left * right if isinstance(how, ast.Mult) else left + right
        case ast.BinOp(op=ast.Div()):
            left, right = _longest(given.left, known), _longest(given.right, known)
            return left / right if left is not None and right else None
        case _:
            return None


def _loops(tree: ast.Module) -> Iterator[str]:
    """Yield loops that nothing ends: ``while True`` and ``for … in count()`` without break, return or raise."""
    for node in ast.walk(tree):
        endless = (isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)) or (
            isinstance(node, (ast.For, ast.AsyncFor)) and re.match(r"(?:itertools\.)?count\(", ast.unparse(node.iter))
        )
        if endless and isinstance(node, (ast.While, ast.For, ast.AsyncFor)) and not _leaves(node.body, inner=False):
            yield f"line {node.lineno}: nothing ends this loop; leave it when the site has no more, or raise"


def _leaves(body: Collection[ast.stmt], *, inner: bool) -> bool:
    """Return True where a statement leaves the loop; a break within an inner loop leaves only that one."""
    for statement in body:
        if isinstance(statement, (ast.Return, ast.Raise)) or (isinstance(statement, ast.Break) and not inner):
            return True
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(statement, (ast.While, ast.For, ast.AsyncFor)):
            if _leaves(statement.body, inner=True) or _leaves(statement.orelse, inner=inner):
                return True
            continue
        for part in ast.iter_child_nodes(statement):
            parts = [part] if isinstance(part, ast.stmt) else getattr(part, "body", [])
            if isinstance(parts, list) and _leaves(parts, inner=inner):
                return True
    return False


def _positions(tree: ast.Module) -> Iterator[str]:
    """Yield selectors by position, which one sample of a page cannot justify."""
    remedy = "find it by role, label, text or attribute; a table's column by its header's text"
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if match := next((m for p in _POSITIONAL if (m := p.search(node.value))), None):
                yield f"line {node.lineno}: {match[0].strip()!r} selects by position; {remedy}"
        elif isinstance(node, ast.Call) and _nths(node) >= 2:
            yield f"line {node.lineno}: a chain of positions (nth); {remedy}"


def _nths(call: ast.expr) -> int:
    """Count the fixed positions in a chain of calls; 0 unless this is its outermost such call."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "nth"):
        return 0
    found, inner = 0, call
    node: ast.expr = inner
    while isinstance(node, (ast.Call, ast.Attribute)):
        if isinstance(node, ast.Call):
            fixed = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
            found += isinstance(node.func, ast.Attribute) and node.func.attr == "nth" and fixed
            node = node.func
        else:
            node = node.value
    return found
