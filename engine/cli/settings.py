"""The options that every command takes, before or after its name, and the engine that they configure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from click.core import ParameterSource

from engine import AsyncEngine
from engine.cli.pool.handover import DEFAULT_STORE, DEFAULT_WORKSPACE
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import BundleStore

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

# The settings that are arguments of AsyncEngine.
_ENGINE = ("store", "workspace", "isolation", "browser", "base_url", "window", "egress", "proxy")


@dataclass
class Settings:
    """The store and the engine's options, shared by a command and its group."""

    store: Path = Path(DEFAULT_STORE)
    workspace: str = DEFAULT_WORKSPACE
    bundles_in: Path | None = None
    isolation: Isolation = "auto"
    browser: Path | None = None
    base_url: str | None = None
    window: int | None = None
    egress: str = "learned"
    proxy: str | None = None
    as_json: bool = False
    store_given: bool = False  # by --store, not by the environment

    @property
    def root(self) -> Path:
        """The workspace's directory, as the engine resolves it."""
        return self.engine().root

    @property
    def is_empty(self) -> bool:
        """True if nothing was ever stored: a command that only reads must not create a store."""
        return not self.root.is_dir()

    @property
    def bundles(self) -> BundleStore:
        """The saved automations."""
        return self.engine().bundles

    def engine(self, **options: Any) -> AsyncEngine:
        """Make an engine with these settings; it starts and stores nothing before it runs a task.

        Args:
            options: Further arguments of ``AsyncEngine``; they override the settings.
        """
        return AsyncEngine(**(self.engine_options | options))

    @property
    def engine_options(self) -> dict[str, Any]:
        """The arguments of ``AsyncEngine`` that these settings stand for."""
        defaults: dict[str, Any] = {name: getattr(self, name) for name in _ENGINE}
        defaults["egress"] = self.egress if self.egress in ("learned", "public") else self.egress.split(",")
        defaults["bundles"] = self.bundles_in
        # A command ends with its own task, so it must not take over tasks that could run longer.
        return defaults | {"take_over": False}

    def to_json(self) -> dict[str, Any]:
        """Return what another process, in any working directory, needs to make the same engine."""
        return {name: getattr(self, name) for name in _ENGINE} | {
            "store": str(self.root.parent),
            "browser": str(self.browser.absolute()) if self.browser is not None else None,
            "bundles_in": str(self.bundles_in.absolute()) if self.bundles_in is not None else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """Rebuild the settings that ``to_json`` returned."""
        paths = {name: Path(data[name]) for name in ("store", "browser", "bundles_in") if data.get(name) is not None}
        return cls(**(data | paths))


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def _store_option(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    source = context.get_parameter_source(parameter.name or "")
    if value is None or value is False or source is ParameterSource.DEFAULT:
        return
    settings = context.ensure_object(Settings)
    setattr(settings, parameter.name or "", value)
    if parameter.name == "store":
        settings.store_given = source is ParameterSource.COMMANDLINE


def options(*, shown: bool) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds the options that every command takes.

    Args:
        shown: True for the outermost group. Its commands accept the options, too, but hide them in their help. Only
            the group reads the environment variables, so that they do not override options before the command's name.
    """

    def option(*names: str, **more: Any) -> Callable[[Decorated], Decorated]:
        if not shown:
            more.pop("envvar", None)
            more.pop("show_envvar", None)
        return click.option(*names, callback=_store_option, expose_value=False, hidden=not shown, **more)

    made = [
        option(
            "--store",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="WEBTASKS_STORE",
            show_envvar=True,
            help=f"Directory of all saved data; default {DEFAULT_STORE}.",
        ),
        option(
            "--bundles",
            "bundles_in",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="WEBTASKS_BUNDLES",
            show_envvar=True,
            metavar="DIR",
            help="Directory of automations as plain files in your repository; the store keeps the rest.",
        ),
        option("--workspace", metavar="NAME", help=f"A separate part of the store; default '{DEFAULT_WORKSPACE}'."),
        option(
            "--isolation",
            type=click.Choice(get_args(Isolation)),
            help="'auto' jails generated code, or refuses to run it; 'none' runs it with your own rights.",
        ),
        option(
            "--browser",
            type=click.Path(path_type=Path),
            help="Chromium executable; default: WEBTASKS_BROWSER, else Playwright's, else the system's.",
        ),
        option(
            "--base-url",
            metavar="URL",
            help="Address of a Messages API; default: ANTHROPIC_BASE_URL. The API key is read from ANTHROPIC_API_KEY.",
        ),
        option(
            "--window",
            type=int,
            metavar="TOKENS",
            help="Context window of a local model; default: asked of its server, where that tells.",
        ),
        option(
            "--egress",
            metavar="HOSTS",
            help="Hosts that replays may reach: 'learned' (default), 'public', or a list: example.com,*.example.com",
        ),
        option(
            "--proxy", metavar="URL", envvar="WEBTASKS_PROXY", show_envvar=True, help="HTTP proxy for the browsers."
        ),
        option("--json", "as_json", is_flag=True, help="Print the output as JSON."),
    ]

    def decorate(command: Decorated) -> Decorated:
        for add in reversed(made):
            command = add(command)
        return command

    return decorate
