"""Messages between the parts of a cluster: settings of a store, and orders to run one task."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.errors import EngineError
from engine.task.wire import TaskRequest


@dataclass(frozen=True)
class Settings:
    """The settings of the runs of a store.

    Args:
        bundles: Address of the git remote.
        options: Further options of the engines on the nodes, which may hold the password of a proxy.
        node_store: Directory on each node for its copies; None for one beside the node's temporary files.
    """

    bundles: str = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    node_store: str | None = None


@dataclass(frozen=True)
class Order:
    """One execution of a task, ordered from a node.

    Args:
        request: The request, secrets included: it is kept in memory alone, and sent in the call itself.
        token: Names this execution. The records take nothing from one that was given up.
        created: When the task was started.
    """

    task_id: str
    request: TaskRequest = field(repr=False)
    settings: Settings
    created: datetime
    token: str = field(default_factory=lambda: secrets.token_hex(8))


def missing(error: ImportError) -> EngineError:
    """Return the error of a Ray that cannot be imported."""
    return EngineError(f'Ray cannot be imported ({error}); install it: pip install "webtasks-engine[ray]"')
