"""Rules of the house that no eye keeps watch over: who imports whom, what is public, what is never done."""

from __future__ import annotations

import ast
import asyncio
import functools
import graphlib
import importlib
import importlib.util
import inspect
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.paths import ROOT

# From the bottom up. A package may import from its own layer and from those below it.
LAYERS = (
    {"errors", "aio", "version"},
    {"task"},
    {"contract", "models"},
    {"observation", "bundles", "cassettes"},
    {"storage"},
    {"execution", "scheduling"},
    {"diagnosis"},
    {"gate"},
    {"agent"},
    {"runs", "reports"},
    {"studies"},
    {"api"},
    {"distributed"},
    {"cli", "server", "testing", "mcp", "__main__"},
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
# The package itself re-exports what engine.api offers: a module that imports `engine` stands above that.
RANK[""] = RANK["api"]


@functools.cache
def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package}/ is empty"
    return found


@functools.cache
def statements(path: Path) -> list[ast.AST]:
    """A file's module and all its statements, parsed once for all rules; expressions, which are many, are left out."""
    found: list[ast.AST] = [ast.parse(path.read_text())]
    for node in found:  # it grows meanwhile
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            found += getattr(node, part, ())
    return found


@pytest.fixture(scope="module", autouse=True)
def forget_trees() -> Iterator[None]:
    """Forget the trees at the end: each later garbage collection would look through their millions of objects."""
    yield
    statements.cache_clear()


@functools.cache
def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@functools.cache
def imports(path: Path) -> list[tuple[int, str]]:
    """Line and full name of all modules that the file imports: in functions, for types, and relative ones, too."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    found: list[tuple[int, str]] = []
    for node in statements(path):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            found += [(node.lineno, each if is_module(each) else base) for each in submodules]
    return found


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def part(module: str) -> str:
    """The room of the engine that a module belongs to: `engine.models.base` is in `models`."""
    return [*module.split("."), ""][1]


def test_every_module_of_the_engine_has_its_layer() -> None:
    homeless = {part(module_name(path)) for path in sources("engine")} - RANK.keys()
    assert not homeless, f"say in LAYERS where these belong: {homeless}"


def test_imports_run_downward() -> None:
    up = [
        f"{where(path, line)} imports {target}"
        for path in sources("engine")
        if path != ROOT / "engine" / "__init__.py"
        for line, target in imports(path)
        if target.split(".")[0] == "engine" and RANK.get(part(target), 0) > RANK.get(part(module_name(path)), 0)
    ]
    assert not up


def import_graph() -> dict[str, set[str]]:
    """Those of our modules that each module imports, for its types and in functions, too."""
    packages = ("engine", "sandbox", "fixtures_sites")
    return {
        module_name(path): {name for _, name in imports(path) if name.split(".")[0] in packages}
        for package in packages
        for path in sources(package)
        if path.name != "__init__.py"
    }


def test_imports_of_modules_form_no_circle() -> None:
    graphlib.TopologicalSorter(import_graph()).prepare()


def test_imports_of_packages_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, imported in import_graph().items():
        graph.setdefault(room(module), set()).update({room(name) for name in imported} - {room(module)})
    graphlib.TopologicalSorter(graph).prepare()


def room(module: str) -> str:
    """The sub-package that a module is in, or a module that is in none: `sandbox.egress`, `sandbox.host`."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("package", ["sandbox", "fixtures_sites"])
def test_the_packages_below_do_not_know_the_engine(package: str) -> None:
    up = [
        where(path, line) for path in sources(package) for line, name in imports(path) if name.split(".")[0] == "engine"
    ]
    assert not up


@pytest.mark.parametrize(
    ("library", "place"),
    [
        ("anthropic", ("engine/models/anthropic.py",)),
        # The bench's programs run in processes of their own, and stand for other people's code.
        ("playwright", ("sandbox/", "engine/testing/heal/programs/")),
        ("ray", ("engine/distributed/",)),
    ],
)
def test_a_library_is_imported_in_its_one_place(library: str, place: tuple[str, ...]) -> None:
    strays = [
        where(path, line)
        for package in ("engine", "sandbox", "fixtures_sites")
        for path in sources(package)
        for line, name in imports(path)
        if name.split(".")[0] == library and not path.relative_to(ROOT).as_posix().startswith(place)
    ]
    assert not strays


@pytest.mark.parametrize("package", ["engine", "sandbox"])
def test_all_is_exact_sorted_and_documented(package: str) -> None:
    module = importlib.import_module(package)
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name not in ("annotations", "TYPE_CHECKING")
    }
    assert set(module.__all__) == public | set(getattr(module, "_LATER", ()))
    assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert not [name for name in module.__all__ if not is_documented(getattr(module, name))]


def is_documented(value: object) -> bool:
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return False
    text = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    by_dataclass = f"{value.__name__}("  # a signature, where nobody wrote a docstring
    return bool(text and text.strip() and not text.startswith(by_dataclass))


FIRST_WORDS_TO_AVOID = {"Whether", "What", "How", "Who", "Where", "When", "They", "Of", "In"}
# Files in which no text begins with one need not be parsed for it.
BEGINS_WITH_ONE = re.compile(rf"""["'][\s\\,.:;]*(?:{"|".join(FIRST_WORDS_TO_AVOID)})\b""")


@pytest.mark.parametrize("package", ["engine", "sandbox", "fixtures_sites", "tests"])
def test_docstrings_begin_with_a_verb_or_a_noun(package: str) -> None:
    found = [
        f"{where(path, node.body[0].lineno)}: {first}"
        for path in sources(package)
        if BEGINS_WITH_ONE.search(path.read_text())
        for node in statements(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (first := (ast.get_docstring(node) or "").partition("\n")[0]).partition(" ")[0].strip(",.:;")
        in FIRST_WORDS_TO_AVOID
    ]
    assert not found


def test_tests_mirror_the_packages() -> None:
    packages = {path.name for parent in ("engine", "sandbox") for path in (ROOT / parent).iterdir() if path.is_dir()}
    packages |= {"sandbox", "fixtures_sites"}
    kinds = {"unit", "process", "browser", "jail"}
    tests = [path.relative_to(ROOT / "tests").parts for path in sources("tests") if path.name.startswith("test_")]
    assert not [parts for parts in tests if parts[0] not in kinds]
    # What is about the whole tree stands beside the packages.
    assert not [parts for parts in tests if (len(parts) > 2 and parts[1] not in packages) or len(parts) > 3]


@pytest.mark.parametrize("package", ["engine", "sandbox", "fixtures_sites"])
def test_no_error_is_swallowed(package: str) -> None:
    texts = {path: path.read_text() for path in sources(package)}
    broad = {path: text for path, text in texts.items() if "Exception" in text or "except:" in text}
    assert not [where(path, line) for path, text in broad.items() for line in swallowed(ast.parse(text))]


def swallowed(tree: ast.AST) -> Iterator[int]:
    """Lines of bare excepts, and of broad ones whose body does nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            idle = all(map(does_nothing, node.body))
            if node.type is None or (is_broad(node.type) and idle):
                yield node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            yield from (node.lineno for kind in node.args if is_broad(kind))


def does_nothing(step: ast.stmt) -> bool:
    if isinstance(step, ast.Return):
        return step.value is None or ast.unparse(step.value) == "None"
    return isinstance(step, ast.Pass | ast.Continue | ast.Break) or (
        isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
    )


def is_broad(kind: ast.expr) -> bool:
    names = {ast.unparse(each) for each in (kind.elts if isinstance(kind, ast.Tuple) else [kind])}
    return bool(names & {"Exception", "BaseException"})


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("except: raise", True),
        ("except Exception: pass", True),
        ("except (ValueError, BaseException): ...", True),
        ("except Exception: return None", True),
        ("except ValueError: pass", False),
        ("except Exception as error: report(error)", False),
    ],
)
def test_swallowed_sees_what_it_should(code: str, caught: bool) -> None:
    assert bool(list(swallowed(ast.parse(f"try: x\n{code}")))) is caught


async def test_the_guard_refuses_the_network_and_remembers(outside: list[str]) -> None:
    with pytest.raises(PermissionError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(PermissionError):
        await asyncio.open_connection("pypi.org", 443)
    with pytest.raises(PermissionError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"?", ("192.0.2.1", 53))
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 80)
    assert outside == ["connect 192.0.2.1", "getaddrinfo pypi.org", "sendto 192.0.2.1"]
    outside.clear()


async def test_the_guard_lets_loopback_through() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "localhost", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
