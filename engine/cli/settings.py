"""The options that every command takes, before its name or after it, and what they configure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from click.core import ParameterSource

from engine import AsyncEngine
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import BundleStore

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

DEFAULT_STORE = ".webtasks"
# Settings that are arguments of the engine.
_ENGINE = ("store", "workspace", "isolation", "browser", "base_url", "egress", "proxy")


@dataclass
class Settings:
    """Where the engine keeps things and how it runs; one for the whole command."""

    store: Path = Path(DEFAULT_STORE)
    workspace: str = "default"
    isolation: Isolation = "auto"
    browser: Path | None = None
    base_url: str | None = None
    egress: str = "learned"
    proxy: str | None = None
    as_json: bool = False
    store_named: bool = False  # on the command line, not by the environment

    @property
    def root(self) -> Path:
        """The workspace's directory, as the engine makes it."""
        return self.engine().root

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever stored; looking at an empty store must not make one."""
        return not self.root.is_dir()

    @property
    def bundles(self) -> BundleStore:
        """The saved automations."""
        return self.engine().bundles

    def engine(self, **options: Any) -> AsyncEngine:
        """An engine with these settings; nothing is started or stored before it runs something."""
        defaults: dict[str, Any] = {name: getattr(self, name) for name in _ENGINE}
        defaults["egress"] = self.egress if self.egress in ("learned", "public") else self.egress.split(",")
        # A command ends when its own task does, which would end those of others, too.
        return AsyncEngine(**(defaults | {"take_over": False} | options))

    def to_json(self) -> dict[str, Any]:
        """What another process needs to make the same engine, wherever it runs."""
        return {name: getattr(self, name) for name in _ENGINE} | {
            "store": str(self.root.parent),
            "browser": str(self.browser.absolute()) if self.browser is not None else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote."""
        browser = data["browser"]
        return cls(**(data | {"store": Path(data["store"]), "browser": Path(browser) if browser else None}))


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    source = context.get_parameter_source(parameter.name or "")
    if value is None or value is False or source is ParameterSource.DEFAULT:
        return
    settings = context.ensure_object(Settings)
    setattr(settings, parameter.name or "", value)
    if parameter.name == "store":
        settings.store_named = source is ParameterSource.COMMANDLINE


def options(*, shown: bool) -> Callable[[Decorated], Decorated]:
    """Adds the options that every command takes.

    Args:
        shown: True for the group; its commands take them too, without repeating them in their help. The environment
            is asked by the group alone, so that it does not undo what stood before the command's name.
    """

    def option(*names: str, **more: Any) -> Callable[[Decorated], Decorated]:
        if not shown:
            more.pop("envvar", None)
            more.pop("show_envvar", None)
        return click.option(*names, callback=_keep, expose_value=False, hidden=not shown, **more)

    made = [
        option(
            "--store",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="WEBTASKS_STORE",
            show_envvar=True,
            help=f"Directory of everything the engine keeps; default {DEFAULT_STORE}.",
        ),
        option("--workspace", metavar="NAME", help="A separate tree in the store; default 'default'."),
        option(
            "--isolation",
            type=click.Choice(get_args(Isolation)),
            help="'auto' jails generated code or refuses; 'none' runs it with your own rights.",
        ),
        option(
            "--browser",
            type=click.Path(path_type=Path),
            help="A Chromium; default: WEBTASKS_BROWSER, Playwright's own, the system's.",
        ),
        option(
            "--base-url", metavar="URL", help="A Messages API; default: ANTHROPIC_BASE_URL. The key: ANTHROPIC_API_KEY."
        ),
        option(
            "--egress",
            metavar="HOSTS",
            help="What replays reach: 'learned' (default), 'public', or hosts: example.com,*.example.com",
        ),
        option("--proxy", metavar="URL", envvar="WEBTASKS_PROXY", show_envvar=True, help="An HTTP proxy for browsers."),
        option("--json", "as_json", is_flag=True, help="Print everything as JSON."),
    ]

    def decorate(command: Decorated) -> Decorated:
        for add in reversed(made):
            command = add(command)
        return command

    return decorate
