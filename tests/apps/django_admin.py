"""Django's admin in a process of its own, as a web application that nobody here wrote.

with django_admin(version="v1") as app:
    page.goto(app.url)
    app.version = "v2"  # another theme, same origin, same data
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USERNAME = "mwarden"
PASSWORD = "quill-and-vellum-88"


@dataclass
class DjangoAdmin:
    """A running admin: 48 customers, 137 orders, 25 to a page."""

    url: str
    username: str
    password: str
    database: Path
    _process: subprocess.Popen[str] = field(repr=False)
    _version: str = "v1"

    @property
    def version(self) -> str:
        return self._version

    @version.setter
    def version(self, value: str) -> None:
        assert value in ("v1", "v2"), value
        assert self._process.stdin
        self._process.stdin.write(f"version {value}\n")
        self._process.stdin.flush()
        _read(self._process)
        self._version = value

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return rows of the application's database, e.g. ``rows("select number from shop_order")``."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(sql, parameters).fetchall()


@contextmanager
def django_admin(version: str = "v1") -> Iterator[DjangoAdmin]:
    """Start the admin on a free loopback port and end it on leaving; about a second and a half."""
    with tempfile.TemporaryDirectory(prefix="django-admin-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "shop.serve", folder, USERNAME, PASSWORD],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                url = f"http://127.0.0.1:{_read(process)}/admin/"
                app = DjangoAdmin(url, USERNAME, PASSWORD, Path(folder) / "shop.sqlite3", process)
                app.version = version
                yield app
            finally:
                process.kill()


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line, f"Django's process ended (exit status {process.wait()}); its error is on stderr"
    return line
