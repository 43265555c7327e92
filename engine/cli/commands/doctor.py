"""``webtasks doctor``: check the installation, the sandbox, the model's endpoint and the store."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import click

from engine.cli.output import print_json
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError
from engine.models.endpoints import OPENAI, public_url
from engine.task.formatting import clean
from engine.version import installed_version, modules_in_the_way

State = Literal["ok", "warning", "missing"]
_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("note", "yellow"),
    "missing": ("MISSING", "red"),
}
_PACKAGES = ("playwright", "pydantic", "jsonschema", "anthropic", "GitPython", "filelock", "click", "rich")
_MARGIN = " " * 8
_OLDEST_GIT = (2, 36)
_CONNECT_SECONDS = 3.0
_UNPROTECTED = "isolation is 'none': generated code runs with your own rights"


@dataclass(frozen=True)
class DoctorCheck:
    """The result of one check.

    Args:
        name: The part that was checked.
        state: ``missing`` if the engine cannot work without it.
        detail: The finding.
        remedy: The action that would help.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


@click.command()
@click.option("--model", metavar="NAME", help="Ask this model one small question: tool calls, context window, speed.")
@options(shown=False)
@pass_settings
@click.pass_context
def doctor(context: click.Context, settings: Settings, model: str | None) -> None:
    """Check that this machine meets the requirements.

    Checks programs, sandbox, model endpoint and store, and prints a remedy for each problem. API keys are never shown.
    Nothing is asked of a model unless --model names one; that costs what 6,000 tokens cost.
    """
    checks = [*_programs(), *_sandbox(settings), *_model(settings), _store(settings)]
    if model is not None:
        checks += asyncio.run(_examined(settings, model))
    missing = [check for check in checks if check.state == "missing"]
    if settings.as_json:
        print_json({"ok": not missing, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            mark, color = _MARKS[check.state]
            click.echo(click.style(f"{mark:<8}", fg=color) + _columns(check.name, check.detail))
            if check.remedy and check.state != "ok":
                click.echo(_MARGIN + _columns("", check.remedy))
        names = ", ".join(check.name for check in missing)
        click.echo(f"\nMissing: {names}." if missing else "\nAll requirements are met.")
    context.exit(1 if missing else 0)


def _columns(name: str, text: str) -> str:
    """Put the text in a column beside the name, wrapped to the terminal's width."""
    width = max(60, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 10_000
    first = f"{_MARGIN}{name:<23} "
    return click.wrap_text(clean(text), width, initial_indent=first, subsequent_indent=" " * len(first))[len(_MARGIN) :]


def _programs() -> Iterator[DoctorCheck]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield DoctorCheck("python", "ok", f"{version} on {platform.system()} {platform.machine()} ({sys.executable})")
    versions, absent = [f"webtasks-engine {installed_version()}"], []
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    yield DoctorCheck(
        "packages",
        "missing" if absent else "ok",
        f"not installed: {', '.join(absent)}" if absent else ", ".join(versions),
        'pip install "webtasks-engine[cli]"',
    )
    yield from _import_names()
    yield _git()


def _import_names() -> Iterator[DoctorCheck]:
    """Look for modules of the user that a program started here would import in the place of ours."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    directories = dict.fromkeys([Path.cwd(), *(Path(each).absolute() for each in named if each)])
    if found := modules_in_the_way(directories):
        files = ", ".join(map(str, found))
        yield DoctorCheck(
            "import names",
            "warning",
            f"a program that is started beside {files} imports that in the place of webtasks-engine",
            "Rename it, or keep its directory off the path: start Python with -P, see PYTHONPATH.",
        )


def _git() -> DoctorCheck:
    remedy = "Install git: apt-get install git, or your system's equivalent."
    found = shutil.which("git")
    if found is None:
        return DoctorCheck("git", "missing", "not found; automations are saved as git repositories", remedy)
    try:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return DoctorCheck("git", "missing", f"{found} does not run: {error}", remedy)
    version = answer.stdout.strip().removeprefix("git version ")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < _OLDEST_GIT:
        oldest = ".".join(map(str, _OLDEST_GIT))
        return DoctorCheck("git", "missing", f"{version} ({found}); {oldest} or newer is needed", remedy)
    return DoctorCheck("git", "ok", f"{version} ({found})")


def _sandbox(settings: Settings) -> Iterator[DoctorCheck]:
    from sandbox import probe

    unprotected = settings.isolation == "none"
    found = probe(settings.browser, isolation="auto" if settings.isolation == "none" else settings.isolation)
    for check in found.checks:
        # With --isolation none no jail is required, and with one working jail the other is not.
        necessary = check.name == "browser" or not (unprotected or found.ok)
        state: State = "ok" if check.ok else "missing" if necessary else "warning"
        yield DoctorCheck(
            f"sandbox: {check.name}" if check.name != "browser" else "browser", state, check.detail, check.remedy
        )
    if unprotected:
        yield DoctorCheck("isolation", "warning", _UNPROTECTED, "Leave out --isolation where a jail works.")
    elif found.ok:
        for name, how, detail in found.protections:
            yield DoctorCheck(f"protects: {name}", "ok" if how == "full" else "warning", f"{how}: {detail}")


def _model(settings: Settings) -> Iterator[DoctorCheck]:
    named = settings.base_url or os.environ.get("ANTHROPIC_BASE_URL") or None
    if named is not None:
        yield _endpoint(named)
    names = ("OPENAI_API_KEY",) if (named or "").startswith(OPENAI) else ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    key = next((name for name in names if os.environ.get(name)), None)
    endpoint = "https://api.anthropic.com" if named is None else public_url(named.removeprefix(OPENAI))
    if key is not None:
        yield DoctorCheck("model", "ok", f"{endpoint}, with the key in {key}")
    elif named is not None:
        yield DoctorCheck(
            "model", "warning", f"{endpoint}, no API key set", f"If it requires a key: export {names[0]}=…"
        )
    else:
        yield DoctorCheck(
            "model",
            "warning",
            "no API key set: saved automations can be replayed, but new ones cannot be written",
            "export ANTHROPIC_API_KEY=…; for a local model ANTHROPIC_BASE_URL=http://localhost:11434 and --model NAME.",
        )


async def _examined(settings: Settings, name: str) -> list[DoctorCheck]:
    """Ask the model one small question."""
    from engine.models.choice import model_at
    from engine.models.examination import examine

    try:
        model = model_at(name, base_url=settings.base_url, window=settings.window)
        model.ready()
        findings = await examine(model)
        await model.close()
    except EngineError as error:
        return [DoctorCheck(f"model {name}", "missing", error.message)]
    return [
        DoctorCheck(f"model: {found.name}", "ok" if found.ok else "missing", found.detail, found.remedy)
        for found in findings
    ]


def _endpoint(url: str) -> DoctorCheck:
    """Check that the endpoint accepts connections; no request is sent.

    Only an endpoint that the user named is checked.
    """
    url = url.removeprefix(OPENAI)
    shown = public_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must be an http or https URL")
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        remedy = "Start the server, or correct ANTHROPIC_BASE_URL (or --base-url)."
        return DoctorCheck("model endpoint", "warning", f"{shown}: {error}", remedy)
    return DoctorCheck("model endpoint", "ok", f"{shown} accepts connections")


def _store(settings: Settings) -> DoctorCheck:
    import sqlite3

    root = settings.root
    place = next(path for path in (root, *root.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return DoctorCheck(
            "store",
            "missing",
            f"{root} is not writable: {error}",
            "Use another directory: --store DIR, or WEBTASKS_STORE.",
        )
    state = "" if place == root else " (created by the first run)"
    return DoctorCheck("store", "ok", f"{root}{state}, SQLite {sqlite3.sqlite_version}")


def missing_requirements(settings: Settings) -> list[DoctorCheck]:
    """Return the checks of the sandbox that failed; empty if automations can run here."""
    return [check for check in _sandbox(settings) if check.state == "missing"]
